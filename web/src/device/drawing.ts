/** From a finger's strokes to an image as the data set has them. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Points of a pen that was not lifted, in units of the pad's side. */
export type Stroke = readonly Point[];

/** Pixels of an image's side. */
export const SIDE = 28;

/** The data set's digits fill a square of so many pixels, and their center of mass lies in the image's middle. */
const INK = 20;

/** Half the width of the pen, in pixels; it fades out over the soft edge. */
const PEN = 1.1;
const SOFT = 1.2;

/** A drawing smaller than this part of the pad is not blown up further: a dot stays a dot. */
const SMALLEST = 0.1;

/** The strokes as pixels from 0 to 1, row by row. */
export function pixelsOf(strokes: readonly Stroke[]): Float32Array {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(SIDE * SIDE);
  const [left, width] = span(points.map(({ x }) => x));
  const [top, height] = span(points.map(({ y }) => y));
  const scale = (INK - 2 * PEN) / Math.max(width, height, SMALLEST);
  const placed = (shift: Point) =>
    strokes.map((stroke) =>
      stroke.map(({ x, y }) => ({
        x: (x - left - width / 2) * scale + SIDE / 2 + shift.x,
        y: (y - top - height / 2) * scale + SIDE / 2 + shift.y,
      })),
    );
  const mass = centerOfMass(ink(placed({ x: 0, y: 0 })));
  return ink(placed({ x: SIDE / 2 - mass.x, y: SIDE / 2 - mass.y }));
}

function span(values: readonly number[]): [least: number, extent: number] {
  const least = Math.min(...values);
  return [least, Math.max(...values) - least];
}

/** What the pen leaves, with strokes in pixels. */
function ink(strokes: readonly Stroke[]): Float32Array {
  const pixels = new Float32Array(SIDE * SIDE);
  for (const stroke of strokes) {
    stroke.forEach((to, index) => {
      line(pixels, stroke[index - 1] ?? to, to);
    });
  }
  return pixels;
}

function line(pixels: Float32Array, from: Point, to: Point) {
  const reach = PEN + SOFT;
  const first = (a: number, b: number) => Math.max(Math.floor(Math.min(a, b) - reach), 0);
  const last = (a: number, b: number) => Math.min(Math.ceil(Math.max(a, b) + reach), SIDE - 1);
  for (let row = first(from.y, to.y); row <= last(from.y, to.y); row++) {
    for (let column = first(from.x, to.x); column <= last(from.x, to.x); column++) {
      const away = distance({ x: column + 0.5, y: row + 0.5 }, from, to);
      const grey = Math.min(Math.max((PEN + SOFT / 2 - away) / SOFT, 0), 1);
      const at = row * SIDE + column;
      pixels[at] = Math.max(pixels[at] ?? 0, grey);
    }
  }
}

/** Distance of a point to a line between two points. */
function distance(point: Point, from: Point, to: Point): number {
  const along = { x: to.x - from.x, y: to.y - from.y };
  const length = along.x ** 2 + along.y ** 2;
  const part = length === 0 ? 0 : ((point.x - from.x) * along.x + (point.y - from.y) * along.y) / length;
  const near = Math.min(Math.max(part, 0), 1);
  return Math.hypot(point.x - from.x - near * along.x, point.y - from.y - near * along.y);
}

/** Where an image's ink is on average, in pixels from the upper left corner. */
export function centerOfMass(pixels: Float32Array): Point {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((grey, at) => {
    mass += grey;
    x += grey * ((at % SIDE) + 0.5);
    y += grey * (Math.floor(at / SIDE) + 0.5);
  });
  return mass === 0 ? { x: SIDE / 2, y: SIDE / 2 } : { x: x / mass, y: y / mass };
}

/** A square image turned by quarters, anticlockwise. */
export function turned(pixels: Float32Array, quarters: number): Float32Array {
  const side = Math.sqrt(pixels.length);
  let image = pixels;
  for (let done = 0; done < quarters; done++) {
    const before = image;
    image = image.map((_, to) => before[(to % side) * side + (side - 1 - Math.floor(to / side))] ?? 0);
  }
  return image;
}
