/** Slow motion that runs by itself: a phase is shown for some time, from when the next one can be shown. */

import { canGoOn } from "./slow";
import type { BoardState } from "./state";

/** Long enough to read the sentence aloud. */
export const PHASE_MS = 7000;

interface Deps {
  later(callback: () => void, ms: number): () => void;
}

const browser: Deps = {
  later: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export class SlowPace {
  #shown = "";
  #cancel = () => {};

  constructor(
    private readonly next: () => void,
    private readonly deps: Deps = browser,
  ) {}

  look({ slow, view, busy }: BoardState): void {
    const goes = slow?.auto && view && !busy && canGoOn(slow, view);
    const shown = goes ? `${view.run}/${slow.round}/${slow.phase}` : "";
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#cancel();
    this.#cancel = goes ? this.deps.later(this.next, PHASE_MS) : () => {};
  }
}
