/** The last rounds' ways of the devices on the map. Pure. */

import { type Fit, project } from "../lib/fit";
import type { Place } from "../lib/hull";
import type { CoalitionId, DeviceId, MapView } from "../types.gen";
import { deviceKey } from "./map-layout";

/** The ways of one coalition's devices between two rounds, as one path. */
export interface Trail {
  readonly coalition: CoalitionId | undefined;
  /** 1 for the way to where the devices are now, 2 for the one before, and so on. */
  readonly age: number;
  readonly path: string;
}

/** Of more devices than this only the ways of the last few rounds are shown: more would be a tangle. */
const MANY = 30;
const FEW_ROUNDS = 2;
/** A way that begins farther than so many pictures away is not shown, and none before it. */
const FAR = 3;

/**
 * The ways to where devices are drawn, `places`. A mark that has been moved aside, so that it covers no other, takes
 * its whole trail with it: a device whose weights stay where they are has none.
 *
 * When a device whose weights have grown beyond all bounds leaves the map, the picture of the others is larger by as
 * much, and where they were before is that far away: marks of such a size hold up whatever measures the page.
 */
export function trails(
  earlier: readonly MapView[],
  now: MapView,
  fit: Fit,
  places: ReadonlyMap<string, Place>,
  targets: ReadonlyMap<string, Place>,
  coalition: ReadonlyMap<DeviceId, CoalitionId>,
): Trail[] {
  const shown = now.points.length > MANY ? earlier.slice(-FEW_ROUNDS) : earlier;
  const found = new Map<string, { coalition: CoalitionId | undefined; age: number; path: string }>();
  for (const { device, ...present } of now.points) {
    const [place, target] = [places.get(deviceKey(device)), targets.get(deviceKey(device))];
    if (!place || !target) continue;
    const exact = project(fit, present);
    const aside = { x: target.x - exact.x, y: target.y - exact.y };
    let to = place;
    for (let age = 1; age <= shown.length; age++) {
      const before = shown.at(-age)?.points.find((point) => point.device === device);
      if (!before) break;
      const { x, y } = project(fit, before);
      const from = { x: x + aside.x, y: y + aside.y };
      if (Math.abs(from.x) > FAR * fit.size.width || Math.abs(from.y) > FAR * fit.size.height) break;
      const of = coalition.get(device);
      const key = `${of}/${age}`;
      const trail = found.get(key) ?? { coalition: of, age, path: "" };
      trail.path += `M${from.x.toFixed(1)} ${from.y.toFixed(1)}L${to.x.toFixed(1)} ${to.y.toFixed(1)}`;
      found.set(key, trail);
      to = from;
    }
  }
  return [...found.values()];
}
