/** From units of weight distance to pixels: one scale for both directions, so that distances keep their meaning. */

import type { Place } from "./hull";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Fit {
  /** Pixels per unit. */
  readonly scale: number;
  /** The place shown in the middle of the picture. */
  readonly x: number;
  readonly y: number;
  /** The picture it was made for. */
  readonly size: Size;
}

/** How much larger the picture could be before it is worth making everything move. */
const WORTH_ZOOMING = 1.35;

/** The largest picture that leaves `margin` pixels free on every side. */
export function fitTo(places: readonly Place[], size: Size, margin: number): Fit {
  if (places.length === 0) return { scale: 1, x: 0, y: 0, size };
  const xs = places.map((p) => p.x);
  const ys = places.map((p) => p.y);
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const across = Math.max(size.width - 2 * margin, 1) / (right - left);
  const up = Math.max(size.height - 2 * margin, 1) / (top - bottom);
  const scale = Math.min(across, up);
  return { scale: Number.isFinite(scale) ? scale : 1, x: (left + right) / 2, y: (bottom + top) / 2, size };
}

/** Keeps the scale of the round before while everything is still in the picture and it is not much too small. */
export function refit(previous: Fit | null, places: readonly Place[], size: Size, margin: number): Fit {
  const best = fitTo(places, size, margin);
  if (!previous || previous.size.width !== size.width || previous.size.height !== size.height) return best;
  const inside = places.every((place) => {
    const { x, y } = project(previous, place);
    const edge = margin * 0.75;
    return x >= edge && x <= size.width - edge && y >= edge && y <= size.height - edge;
  });
  return inside && best.scale <= previous.scale * WORTH_ZOOMING ? previous : best;
}

/** Where a place is in the picture. Upwards in the plane is upwards on the page. */
export function project(fit: Fit, place: Place): Place {
  return {
    x: fit.size.width / 2 + (place.x - fit.x) * fit.scale,
    y: fit.size.height / 2 - (place.y - fit.y) * fit.scale,
  };
}

/**
 * Moves marks that would cover each other apart, each pair by as little as needed, always in the same way.
 * Devices of one coalition are often nearer to each other than a mark is wide. The first `pinned` places stay.
 */
export function separate(places: readonly Place[], distance: number, pinned = 0, passes = 24): Place[] {
  const moved = places.map(({ x, y }) => ({ x, y }));
  // Most pairs are told by this, without a root.
  const near = (distance - 0.01) ** 2;
  for (let pass = 0; pass < passes; pass++) {
    let still = true;
    moved.forEach((a, i) => {
      for (let j = Math.max(i + 1, pinned); j < moved.length; j++) {
        const b = moved[j];
        if (!b || (b.x - a.x) ** 2 + (b.y - a.y) ** 2 >= near) continue;
        part(a, b, distance, i < pinned ? 0 : 0.5, j);
        still = false;
      }
    });
    if (still) break;
  }
  return moved;
}

/**
 * Moves two marks to this distance, the first one by `share` of the way. Two in one place part in a direction that
 * `heap` decides, so that a heap opens to all sides.
 */
function part(a: Mutable<Place>, b: Mutable<Place>, distance: number, share: number, heap: number) {
  let [dx, dy] = [b.x - a.x, b.y - a.y];
  let apart = Math.hypot(dx, dy);
  const gap = distance - apart;
  if (apart < 1e-6) [dx, dy, apart] = [Math.cos(heap * 2.4), Math.sin(heap * 2.4), 1];
  const [x, y] = [(dx / apart) * gap, (dy / apart) * gap];
  a.x -= x * share;
  a.y -= y * share;
  b.x += x * (1 - share);
  b.y += y * (1 - share);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
