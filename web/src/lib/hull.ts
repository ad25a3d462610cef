/** Convex hulls of coalitions on the map. */

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Corners of the convex hull (Andrew's monotone chain), without points inside or on an edge. */
export function convexHull(places: readonly Place[]): Place[] {
  const sorted = [...places].sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const lower = chain(sorted);
  const upper = chain(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1)];
}

function chain(sorted: readonly Place[]): Place[] {
  const corners: Place[] = [];
  for (const place of sorted) {
    while (corners.length > 1 && !turnsLeft(corners.at(-2), corners.at(-1), place)) corners.pop();
    corners.push(place);
  }
  return corners;
}

function turnsLeft(a: Place | undefined, b: Place | undefined, c: Place): boolean {
  return a !== undefined && b !== undefined && (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0;
}

/**
 * The hull as an SVG path. It is drawn with a wide, round stroke, which rounds its corners and gives one or two
 * devices a hull of their own: a dot or a capsule.
 */
export function hullPath(places: readonly Place[]): string {
  const corners = convexHull(places);
  if (corners.length === 0) return "";
  return `M${corners.map((p) => `${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join("L")}Z`;
}
