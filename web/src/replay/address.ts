/** Which recording is open, at which frame, and what is shown of it, in the query of the page's address. */

import { decodeShown, encodeShown, SHOWN_KEYS } from "../board/address";
import { type BoardState, initialBoard } from "../board/state";
import { asRun, type RunName } from "./runs";
import type { ReplayState } from "./state";

const KEYS: readonly string[] = ["run", "frame", ...SHOWN_KEYS];

export interface Asked {
  /** The run to open. Files of people's own have no address. */
  readonly run: RunName | null;
  readonly frame: number;
  readonly chosen: BoardState;
}

export function fromAddress(search: string): Asked {
  const params = new URLSearchParams(search);
  const frame = Number(params.get("frame"));
  return {
    run: asRun(params.get("run")),
    frame: Number.isSafeInteger(frame) && frame > 0 ? frame : 0,
    chosen: { ...initialBoard("", null), ...decodeShown(params) },
  };
}

export function searchOf({ film, frame, chosen }: ReplayState, search: string): string {
  const params = new URLSearchParams(search);
  for (const key of KEYS) params.delete(key);
  if (film?.run) {
    params.append("run", film.run);
    if (frame > 0) params.append("frame", `${frame}`);
  }
  if (film) for (const [key, text] of encodeShown(chosen)) params.append(key, text);
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}
