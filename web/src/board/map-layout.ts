/** From the view's map to targets in pixels, and from places in pixels to what is drawn. Pure. */

import { type Fit, project, refit, type Size, separate } from "../lib/fit";
import type { Place } from "../lib/hull";
import type { MapView } from "../types.gen";

export interface Layout {
  readonly fit: Fit;
  /** Radius of a device's mark. */
  readonly radius: number;
  /** `d3` for device 3, `b0` for the barycenter of coalition 0, `g` for the global model. */
  readonly targets: Map<string, Place>;
}

export const GLOBAL = "g";
export const deviceKey = (id: number) => `d${id}`;
export const barycenterKey = (id: number) => `b${id}`;

/** More marks than this are drawn where they are: parting them costs more than it shows. */
const MOST_PARTED = 300;

export function layOut(map: MapView, size: Size, previous: Fit | null): Layout {
  const radius = markRadius(size, map.points.length);
  const fixed: [string, Place][] = map.barycenters.map((b) => [barycenterKey(b.coalition), b]);
  if (map.global) fixed.push([GLOBAL, map.global]);
  const devices: [string, Place][] = map.points.map((p) => [deviceKey(p.device), p]);
  const all = [...fixed, ...devices];
  const fit = refit(
    previous,
    all.map(([, place]) => place),
    size,
    radius * 2.6 + 24,
  );
  const pixels = all.map(([, place]) => project(fit, place));
  const parted = all.length > MOST_PARTED ? pixels : separate(pixels, radius * 2.5, fixed.length);
  return { fit, radius, targets: new Map(all.map(([key], i) => [key, parted[i] ?? { x: 0, y: 0 }])) };
}

/** Large enough to read a number in from the back of a room, small enough that all of them find a place. */
export function markRadius({ width, height }: Size, devices: number): number {
  const room = Math.sqrt((width * height) / Math.max(devices, 1));
  return Math.min(Math.max(room * 0.09, 5), Math.min(17, Math.min(width, height) / 24));
}

/** Numbers fit into marks of at least this radius. */
export const NUMBERED = 10;

/** A place for a coalition's letter: beyond its outermost member, away from the middle of the picture and within it. */
export function outside(barycenter: Place, members: readonly Place[], { width, height }: Size, radius: number): Place {
  const [dx, dy] = [barycenter.x - width / 2, barycenter.y - height / 2];
  const length = Math.hypot(dx, dy);
  const away = length < 1 ? { x: 0, y: -1 } : { x: dx / length, y: dy / length };
  const reach = (place: Place) => place.x * away.x + place.y * away.y;
  const outermost = members.reduce((best, next) => (reach(next) > reach(best) ? next : best), barycenter);
  const inside = (value: number, length: number) => Math.min(Math.max(value, 0), length);
  return {
    x: inside(outermost.x + away.x * radius * 2.6, width),
    y: inside(outermost.y + away.y * radius * 2.6, height),
  };
}
