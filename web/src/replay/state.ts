/** The state of the page that plays recordings, and how each message changes it. Nothing here touches the page. */

import { type BoardMessage, type BoardState, initialBoard, reduceBoard } from "../board/state";
import { unreachable } from "../lib/store";
import type { Recording, Refusal } from "./recording";
import type { RunName } from "./runs";
import { clock, type RoundMark, roundMarks, Timeline } from "./timeline";

/** How many times as fast as it was. */
export const SPEEDS = [1, 2, 4, 8] as const;

export type Speed = (typeof SPEEDS)[number];

/** A recording that is open. */
export interface Film {
  /** The name of its file; of a run that comes with the pages, `null`. */
  readonly file: string | null;
  readonly run: RunName | null;
  readonly recording: Recording;
  readonly timeline: Timeline;
  /** When each frame comes up, in milliseconds. */
  readonly clock: readonly number[];
  readonly marks: readonly RoundMark[];
}

export interface ReplayState {
  readonly film: Film | null;
  readonly frame: number;
  readonly playing: boolean;
  readonly speed: Speed;
  /** What the user has chosen to see; what there is to see is the film's. */
  readonly chosen: BoardState;
  /** Name of the file or run that is being read. */
  readonly reading: string | null;
  readonly refused: { readonly name: string; readonly refusal: Refusal } | null;
}

export type ReplayMessage =
  | { readonly type: "reading"; readonly name: string }
  | { readonly type: "opened"; readonly film: Film; readonly frame: number; readonly play: boolean }
  | { readonly type: "refused"; readonly name: string; readonly refusal: Refusal }
  | { readonly type: "refusal_read" }
  | { readonly type: "closed" }
  /** By hand, to a frame or by so many. */
  | { readonly type: "moved"; readonly to: number }
  | { readonly type: "stepped"; readonly by: number }
  /** The next frame is due. */
  | { readonly type: "due" }
  | { readonly type: "play_toggled" }
  | { readonly type: "speed_chosen"; readonly speed: Speed }
  | { readonly type: "board"; readonly message: BoardMessage };

export function initialReplay(chosen: BoardState = initialBoard("", null)): ReplayState {
  return { film: null, frame: 0, playing: false, speed: 1, chosen, reading: null, refused: null };
}

export function filmOf(recording: Recording, file: string | null, run: RunName | null): Film {
  const timeline = new Timeline(recording);
  return { file, run, recording, timeline, clock: clock(recording), marks: roundMarks(recording) };
}

export function reduceReplay(state: ReplayState, message: ReplayMessage): ReplayState {
  switch (message.type) {
    case "reading":
      return { ...state, reading: message.name, refused: null };
    case "opened":
      return moved({ ...state, film: message.film, reading: null, refused: null }, message.frame, message.play);
    case "refused":
      return { ...state, reading: null, refused: { name: message.name, refusal: message.refusal } };
    case "refusal_read":
      return { ...state, refused: null };
    case "closed":
      return { ...state, film: null, frame: 0, playing: false, refused: null };
    case "moved":
      return moved(state, message.to, false);
    case "stepped":
      return moved(state, state.frame + message.by, false);
    case "due":
      return moved(state, state.frame + 1, true);
    case "play_toggled":
      // After the last frame comes the first one.
      return moved(state, state.frame === lastFrame(state) && !state.playing ? 0 : state.frame, !state.playing);
    case "speed_chosen":
      return { ...state, speed: message.speed };
    case "board":
      return { ...state, chosen: reduceBoard(state.chosen, message.message) };
    default:
      return unreachable(message);
  }
}

export function lastFrame({ film }: ReplayState): number {
  return (film?.recording.frames.length ?? 1) - 1;
}

/** At a frame that there is; there is nothing to play after the last one. */
function moved(state: ReplayState, to: number, playing: boolean): ReplayState {
  const last = lastFrame(state);
  const frame = Math.min(Math.max(Math.round(to) || 0, 0), last);
  return { ...state, frame, playing: playing && frame < last };
}

/** The board as it is to be drawn; `null` while no recording is open. */
export function boardShown({ film, frame, chosen }: ReplayState): BoardState | null {
  return film?.timeline.at(frame, chosen) ?? null;
}
