/** What the distances say about devices. Pure. */

import type { ArmView, CoalitionId, DeviceId, Distances } from "../types.gen";
import { coalitionOf } from "./select";

export interface Neighbour {
  readonly device: DeviceId;
  readonly distance: number;
}

/** The devices nearest to one, the nearest first; equal ones in the order of their numbers. */
export function nearest(distances: Distances, device: DeviceId, count: number): Neighbour[] {
  const row = distances.distances[distances.devices.indexOf(device)] ?? [];
  return distances.devices
    .map((other, i) => ({ device: other, distance: row[i] ?? Number.POSITIVE_INFINITY }))
    .filter((other) => other.device !== device && Number.isFinite(other.distance))
    .toSorted((a, b) => a.distance - b.distance || a.device - b.device)
    .slice(0, count);
}

/** A device's distance to the barycenter of its coalition. */
export function toBarycenter(distances: Distances, device: DeviceId): number | null {
  return distances.to_barycenter[distances.devices.indexOf(device)] ?? null;
}

export interface Pair {
  readonly a: DeviceId;
  readonly b: DeviceId;
  readonly distance: number;
}

/** Every two devices, the nearest first; equal ones in the order of their numbers. */
export function pairs(distances: Distances | null): Pair[] {
  if (!distances) return [];
  const { devices, distances: rows } = distances;
  const all = devices.flatMap((a, i) =>
    devices.slice(i + 1).map((b, j) => ({ a, b, distance: rows[i]?.[i + 1 + j] ?? Number.POSITIVE_INFINITY })),
  );
  return all.toSorted((one, other) => one.distance - other.distance);
}

/** A row of the heat map, which is also its column. */
export interface HeatRow {
  readonly device: DeviceId;
  readonly coalition: CoalitionId | null;
  /** Index in `Distances.devices`. */
  readonly index: number;
}

/** Devices by coalition, then by number; devices in no coalition come last. */
export function heatRows(distances: Distances, arm: ArmView): HeatRow[] {
  const coalition = coalitionOf(arm);
  const rank = ({ coalition }: HeatRow) => coalition ?? Number.MAX_SAFE_INTEGER;
  return distances.devices
    .map((device, index) => ({ device, coalition: coalition.get(device) ?? null, index }))
    .toSorted((a, b) => rank(a) - rank(b) || a.device - b.device);
}

/** Rows that follow each other and are in one coalition. */
export interface HeatBlock {
  readonly coalition: CoalitionId | null;
  readonly first: number;
  readonly rows: number;
}

export function heatBlocks(rows: readonly HeatRow[]): HeatBlock[] {
  const blocks: { coalition: CoalitionId | null; first: number; rows: number }[] = [];
  for (const [i, { coalition }] of rows.entries()) {
    const open = blocks.at(-1);
    if (open?.coalition === coalition) open.rows++;
    else blocks.push({ coalition, first: i, rows: 1 });
  }
  return blocks;
}

/** Smallest and largest distance between two devices; `null` if there are no two. */
export function extent({ distances }: Distances): [number, number] | null {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [i, row] of distances.entries()) {
    for (const distance of row.slice(i + 1)) {
      least = Math.min(least, distance);
      most = Math.max(most, distance);
    }
  }
  return least <= most ? [least, most] : null;
}

export type Colour = readonly [number, number, number];

/** How strongly a distance is drawn: 1 for the smallest one and less, 0 for the largest. */
export function nearness(distance: number, [least, most]: readonly [number, number]): number {
  if (most <= least) return 1;
  return 1 - Math.min(Math.max((distance - least) / (most - least), 0), 1);
}

/** The colour of a nearness, between the two ends of the scale. */
export function cellColour(near: number, nearest: Colour, farthest: Colour): Colour {
  const mix = (i: 0 | 1 | 2) => Math.round(farthest[i] + (nearest[i] - farthest[i]) * near);
  return [mix(0), mix(1), mix(2)];
}

/** `#rrggbb`, as the style sheet has it. */
export function colourOf(hex: string): Colour {
  const value = Number.parseInt(hex.trim().slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** A device's mean distance to some others; `null` if there are none but itself. */
export function meanDistance(distances: Distances, index: number, others: readonly number[]): number | null {
  const found = others.flatMap((other) => (other === index ? [] : (distances.distances[index]?.[other] ?? [])));
  return found.length === 0 ? null : found.reduce((sum, distance) => sum + distance, 0) / found.length;
}
