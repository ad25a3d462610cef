/** From the text of a recording to its frames. A file may hold anything, so nothing in it is taken on trust. */

import { share } from "../lib/share";
import type { Frame, Header } from "../types.gen";
import { isObject } from "./shape";
import { distancesShape, viewShape } from "./view-shape";

const FORMAT: Header["format"] = "constellation-replay";
/** The newest version that this page can read. */
export const VERSION: Header["version"] = 1;

export interface Recording {
  /** At least one, in order of time. */
  readonly frames: readonly [Frame, ...Frame[]];
  /** Whether the end of the file is missing. */
  readonly cutOff: boolean;
}

/** Why a file is no recording that this page can play. Lines count from 1. */
export type Refusal =
  | { readonly kind: "too_large"; readonly most: number }
  | { readonly kind: "unread"; readonly detail: string }
  | { readonly kind: "not_found" }
  | { readonly kind: "empty" }
  | { readonly kind: "broken_gzip" }
  | { readonly kind: "not_json"; readonly line: number }
  | { readonly kind: "not_a_recording" }
  | { readonly kind: "newer"; readonly version: number; readonly known: number }
  | { readonly kind: "no_frames" }
  | { readonly kind: "no_time"; readonly line: number }
  | { readonly kind: "no_view"; readonly line: number }
  | { readonly kind: "wrong_field"; readonly line: number; readonly field: string }
  | { readonly kind: "out_of_order"; readonly line: number }
  | { readonly kind: "other_run"; readonly line: number };

export class Unplayable extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.kind);
  }
}

/**
 * The frames of a text. `cut` says that its end is known to be missing; the last line may then be a piece of one, as it
 * may where no line break follows. Throws `Unplayable`.
 */
export function parseRecording(text: string, cut = false): Recording {
  const lines = text.split("\n");
  const written = lines.flatMap((line, i) => (line.trim() === "" ? [] : [{ line, number: i + 1 }]));
  const [header, ...rest] = written;
  if (!header) throw new Unplayable({ kind: "empty" });
  checkHeader(parsed(header.line, header.number));

  const frames: Frame[] = [];
  let cutOff = cut;
  for (const [i, { line, number }] of rest.entries()) {
    const mayBeCut = i === rest.length - 1 && number === lines.length;
    let value: unknown;
    try {
      value = parsed(line, number);
    } catch (error) {
      if (!mayBeCut || frames.length === 0) throw error;
      cutOff = true;
      break;
    }
    frames.push(frameOf(value, number, frames.at(-1)));
  }
  const [first, ...more] = frames;
  if (!first) throw new Unplayable({ kind: "no_frames" });
  return { frames: [first, ...more], cutOff };
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Unplayable({ kind: "not_json", line: number });
  }
}

function checkHeader(value: unknown) {
  const { format, version } = isObject(value) ? (value as Partial<Record<keyof Header, unknown>>) : {};
  if (format !== FORMAT || typeof version !== "number" || version < 1) {
    throw new Unplayable({ kind: "not_a_recording" });
  }
  if (version > VERSION) throw new Unplayable({ kind: "newer", version, known: VERSION });
}

/** What a frame has in common with the one before is kept once. */
function frameOf(value: unknown, line: number, before: Frame | undefined): Frame {
  const { time_ms, view, distances } = isObject(value) ? (value as Partial<Record<keyof Frame, unknown>>) : {};
  if (!isObject(view)) throw new Unplayable({ kind: "no_view", line });
  if (typeof time_ms !== "number" || !(time_ms >= 0)) throw new Unplayable({ kind: "no_time", line });
  const wrong = viewShape(view, "view") ?? (distances === undefined ? null : distancesShape(distances, "distances"));
  if (wrong !== null) throw new Unplayable({ kind: "wrong_field", line, field: wrong });
  const frame = { time_ms, view, ...(distances !== undefined && { distances }) } as Frame;
  if (!before) return frame;
  if (frame.view.room !== before.view.room || frame.view.run !== before.view.run) {
    throw new Unplayable({ kind: "other_run", line });
  }
  if (time_ms < before.time_ms) throw new Unplayable({ kind: "out_of_order", line });
  return { ...frame, view: share(before.view, frame.view) };
}
