/** Keyed places that glide to where they should be. Time is an argument, so the same calls give the same picture. */

import type { Place } from "./hull";

interface Track {
  readonly from: Place;
  readonly to: Place;
  readonly startMs: number;
}

export class Motion {
  #tracks = new Map<string, Track>();

  constructor(private readonly durationMs: number) {}

  /** Sets where everything should be. Keys that are new appear in place; keys that are missing are forgotten. */
  aim(targets: ReadonlyMap<string, Place>, nowMs: number, glide: boolean): void {
    const tracks = new Map<string, Track>();
    for (const [key, to] of targets) {
      const track = this.#tracks.get(key);
      if (track && glide && track.to.x === to.x && track.to.y === to.y) tracks.set(key, track);
      else tracks.set(key, { from: track && glide ? this.#at(track, nowMs) : to, to, startMs: nowMs });
    }
    this.#tracks = tracks;
  }

  /** Where everything is. */
  places(nowMs: number): Map<string, Place> {
    return new Map([...this.#tracks].map(([key, track]) => [key, this.#at(track, nowMs)]));
  }

  moving(nowMs: number): boolean {
    return [...this.#tracks.values()].some(
      ({ from, to, startMs }) => nowMs < startMs + this.durationMs && (from.x !== to.x || from.y !== to.y),
    );
  }

  #at({ from, to, startMs }: Track, nowMs: number): Place {
    const t = Math.min(Math.max((nowMs - startMs) / this.durationMs, 0), 1);
    const eased = t * t * (3 - 2 * t);
    return { x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased };
  }
}
