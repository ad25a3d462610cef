/** What a board shows at each frame of a recording: its reducer, fed with the frames up to there. Pure. */

import type { ArmDistances } from "../board/past";
import { selectedArm } from "../board/select";
import { type BoardState, initialBoard, reduceBoard } from "../board/state";
import type { ArmView, Frame, Round, RunId, View } from "../types.gen";
import type { Recording } from "./recording";

interface Moment {
  readonly board: BoardState;
  /** By arm, of the last closed round. */
  readonly distances: ReadonlyMap<string, ArmDistances>;
}

/**
 * Every moment that has been asked for, and all before it, is kept. They have in common what has not changed from one
 * to the next, so this takes hardly more than the recording itself, and going back is looking up.
 */
export class Timeline {
  readonly #frames: readonly [Frame, ...Frame[]];
  readonly #moments: [Moment, ...Moment[]];

  constructor({ frames }: Recording) {
    this.#frames = frames;
    this.#moments = [follow({ board: initialBoard(frames[0].view.room, null), distances: new Map() }, frames[0])];
  }

  /** The board after frame `n`, with what its user has chosen in `chosen`. */
  at(n: number, chosen: BoardState): BoardState {
    const { board, distances } = this.#moment(n);
    const { view, past, connection, synced, room } = board;
    const arm = view && selectedArm(view, chosen.arm);
    const looked = view?.devices.some(({ id }) => id === chosen.looked) ? chosen.looked : null;
    return {
      ...chosen,
      ...{ room, view, past, connection, synced, looked },
      distances: distances.get(arm?.name ?? "") ?? null,
    };
  }

  #moment(n: number): Moment {
    let last = this.#moments[this.#moments.length - 1] ?? this.#moments[0];
    for (const frame of this.#frames.slice(this.#moments.length, n + 1)) {
      last = follow(last, frame);
      this.#moments.push(last);
    }
    return this.#moments[n] ?? last;
  }
}

function follow({ board, distances }: Moment, frame: Frame): Moment {
  const { view } = frame;
  const before = board.view?.traffic.rounds ?? 0;
  const closed = view.traffic.rounds;
  // Numbers of views matter where two ways lead to a board; here there is one.
  const shown = reduceBoard(reduceBoard(board, { type: "connected" }), { type: "view", view });
  return {
    board: closed > before ? withMemberships(shown, view, closed) : shown,
    distances: closed > before || frame.distances ? measured(frame, closed) : distances,
  };
}

/** A board asks for memberships when a round has closed; here the view says them. */
function withMemberships(board: BoardState, { arms, run }: View, closed: Round): BoardState {
  return arms
    .filter(({ coalitions }) => coalitions.length > 0)
    .reduce((state, { name, agreement, coalitions }) => {
      const row = { round: closed, agreement, coalitions: coalitions.map(({ id, members }) => ({ id, members })) };
      return reduceBoard(state, { type: "memberships", arm: name, closed, answer: { run, rounds: [row] } });
    }, board);
}

/** Where a recording has no distances, the board says that there are none. */
function measured({ view, distances }: Frame, closed: Round): Map<string, ArmDistances> {
  const ofArm = ({ name, strategy }: ArmView): [string, ArmDistances][] => {
    if (strategy === "local_only" || closed === 0) return [];
    const found = distances && Object.hasOwn(distances, name) ? distances[name] : undefined;
    return [[name, { arm: name, ...(found ?? unknown(view.run, closed)) }]];
  };
  return new Map(view.arms.flatMap(ofArm));
}

const unknown = (run: RunId, round: Round) => ({ run, round, devices: [], distances: [], to_barycenter: [] });

/** Longer pauses are shortened to this. */
export const LONGEST_PAUSE_MS = 2000;

/** When each frame comes up while the recording plays, in milliseconds from its first one. */
export function clock({ frames }: Recording): number[] {
  let at = 0;
  return frames.map(({ time_ms }, i) => {
    at += Math.min(time_ms - (frames[i - 1]?.time_ms ?? time_ms), LONGEST_PAUSE_MS);
    return at;
  });
}

export interface RoundMark {
  readonly round: Round;
  /** The first frame after it has closed. */
  readonly frame: number;
}

/** Where rounds close. */
export function roundMarks({ frames }: Recording): RoundMark[] {
  return frames.flatMap(({ view }, frame) => {
    const round = view.traffic.rounds;
    return round > (frames[frame - 1]?.view.traffic.rounds ?? 0) ? [{ round, frame }] : [];
  });
}
