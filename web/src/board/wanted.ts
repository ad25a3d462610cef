/** What a board has to ask the server for, since views do not carry it. */

import type { Round, RunId } from "../types.gen";
import { selectedArm } from "./select";
import { isEarly } from "./slow";
import type { BoardState } from "./state";

export interface Wanted {
  readonly kind: "memberships" | "distances";
  readonly run: RunId;
  readonly arm: string;
  /** The last closed round. */
  readonly closed: Round;
  /** Of memberships: the last round that is known. */
  readonly after: Round;
}

export function wanted(state: BoardState): Wanted[] {
  const { view, past, distances, slow } = state;
  const arm = view ? selectedArm(view, state.arm) : null;
  const closed = view?.traffic.rounds ?? 0;
  if (!view || !arm || closed === 0 || arm.strategy === "local_only") return [];
  const about = { run: view.run, arm: arm.name, closed };
  const after = past.memberships.get(arm.name)?.upTo ?? 0;
  const measured = slow !== null && !isEarly(slow.phase);
  const shown = state.picture === "distances" || state.looked !== null || measured;
  const known = distances?.arm === arm.name && distances.round >= closed;
  return [
    ...(after < closed ? [{ kind: "memberships" as const, ...about, after }] : []),
    ...(shown && !known ? [{ kind: "distances" as const, ...about, after: 0 }] : []),
  ];
}

/**
 * Asks for what is wanted, each thing once: what failed is asked for again when another round has closed or the
 * connection is back, not twenty times a second.
 */
export class Asking {
  #asked = new Map<string, string>();

  constructor(private readonly ask: (wanted: Wanted) => void) {}

  /** Asks for what has not been asked for yet. */
  look(state: BoardState): void {
    for (const next of wanted(state)) {
      const thing = `${next.kind}/${next.arm}`;
      const moment = `${next.run}/${next.closed}`;
      if (this.#asked.get(thing) === moment) continue;
      this.#asked.set(thing, moment);
      this.ask(next);
    }
  }

  /** After a lost connection everything may be asked for again. */
  forget(): void {
    this.#asked.clear();
  }
}
