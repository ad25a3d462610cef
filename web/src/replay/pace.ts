/** Plays: says when the next frame is due. */

import type { ReplayState } from "./state";

interface Deps {
  later(callback: () => void, ms: number): () => void;
}

const browser: Deps = {
  later: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export class Pace {
  #frame = -1;
  #speed = 0;
  #clock: readonly number[] = [];
  #cancel = () => {};

  constructor(
    private readonly due: () => void,
    private readonly deps: Deps = browser,
  ) {}

  look({ film, frame, playing, speed }: ReplayState): void {
    const next = playing ? frame : -1;
    const clock = film?.clock ?? [];
    if (next === this.#frame && speed === this.#speed && clock === this.#clock) return;
    [this.#frame, this.#speed, this.#clock] = [next, speed, clock];
    this.#cancel();
    const wait = ((clock[next + 1] ?? 0) - (clock[next] ?? 0)) / speed;
    this.#cancel = playing ? this.deps.later(this.due, wait) : () => {};
  }
}
