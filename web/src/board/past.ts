/** What a board remembers of a run's earlier rounds. Views tell only of the last one. */

import type { Distances, MapView, Memberships, Round, RoundMemberships, RunId, View } from "../types.gen";

/** An arm's memberships as far as they have been fetched. */
export interface ArmMemberships {
  /** The closed round up to which they are known. */
  readonly upTo: Round;
  readonly rounds: readonly RoundMemberships[];
}

/** The distances of one arm after one round. */
export interface ArmDistances extends Distances {
  readonly arm: string;
}

/** The pictures of all arms after one round, in the order of the arms. */
export interface SeenMaps {
  readonly round: Round;
  readonly maps: ReadonlyMap<string, MapView | null>;
}

export interface Past {
  readonly run: RunId | null;
  readonly memberships: ReadonlyMap<string, ArmMemberships>;
  /** The last closed rounds that this board has seen, the newest one last. */
  readonly seen: readonly SeenMaps[];
}

export const noPast: Past = { run: null, memberships: new Map(), seen: [] };

/** Rounds whose places are kept, the present ones included. */
const SEEN_ROUNDS = 6;

export function sameRun(past: Past, { run }: { readonly run: RunId }): boolean {
  return past.run === run;
}

/** Takes a view's pictures if it is the first one after a round has closed. Another run has no past. */
export function withClosedRound(past: Past, view: View): Past {
  const round = view.traffic.rounds;
  const last = past.seen.at(-1)?.round ?? 0;
  const known = sameRun(past, view) && round >= last ? past : { ...noPast, run: view.run };
  if (round === 0 || round === known.seen.at(-1)?.round) return known;
  const maps = new Map(view.arms.map(({ name, map }) => [name, map]));
  return { ...known, seen: [...known.seen, { round, maps }].slice(-SEEN_ROUNDS) };
}

/** Adds fetched memberships; `closed` is the last closed round when they were asked for. */
export function withMemberships(past: Past, arm: string, closed: Round, answer: Memberships): Past {
  if (!sameRun(past, answer)) return past;
  const known = past.memberships.get(arm);
  const added = answer.rounds.filter(({ round }) => round > (known?.rounds.at(-1)?.round ?? 0));
  const rounds = [...(known?.rounds ?? []), ...added];
  const upTo = Math.max(closed, rounds.at(-1)?.round ?? 0);
  return { ...past, memberships: new Map(past.memberships).set(arm, { upTo, rounds }) };
}

/** The pictures of one arm in the rounds before the last, the oldest first. */
export function earlierMaps(past: Past, arm: string | undefined): readonly MapView[] {
  if (arm === undefined) return [];
  return past.seen.slice(0, -1).flatMap(({ maps }) => maps.get(arm) ?? []);
}
