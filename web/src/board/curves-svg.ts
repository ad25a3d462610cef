/** The curves as a picture of its own, for papers and slides: no style sheet, no program, no font that must be there. */

import { escaped, type Paint, pictureFile } from "../lib/svg-file";
import type { Curves } from "./select";

export interface CurvesPicture {
  readonly title: string;
  /** The run's settings. */
  readonly description: string;
  readonly rounds: string;
  readonly accuracy: string;
  /** What the band is. */
  readonly band: string;
  readonly curves: Curves;
  readonly arms: readonly { readonly name: string; readonly colour: string; readonly dash: readonly number[] }[];
  /** Index of the arm with the band. */
  readonly strong: number;
  readonly paint: Paint;
}

const WIDTH = 800;
const PLOT = { left: 70, top: 60, width: 700, height: 320 };
const LEGEND_LINE = 24;

export function curvesSvg(picture: CurvesPicture): string {
  const { curves, arms, strong, paint } = picture;
  const first = curves.rounds[0] ?? 1;
  const last = Math.max(curves.rounds.at(-1) ?? first, first + 1);
  const x = (round: number) => PLOT.left + ((round - first) / (last - first)) * PLOT.width;
  const y = (fraction: number) => PLOT.top + (1 - fraction) * PLOT.height;
  const line = (column: readonly (number | null)[]) =>
    curves.rounds.flatMap((round, i) => {
      const value = column[i];
      return value === null || value === undefined ? [] : [`${x(round).toFixed(1)},${y(value).toFixed(1)}`];
    });
  const bottom = PLOT.top + PLOT.height;
  const words = (at: number, down: number, text: string, more = "") =>
    `<text x="${at}" y="${down}" fill="${paint.dim}" font-size="14" ${more}>${escaped(text)}</text>`;
  const levels = [0, 0.25, 0.5, 0.75, 1].map(
    (level) =>
      `<line x1="${PLOT.left}" x2="${PLOT.left + PLOT.width}" y1="${y(level)}" y2="${y(level)}" stroke="${paint.line}"/>${words(PLOT.left - 8, y(level) + 5, `${level * 100}`, 'text-anchor="end"')}`,
  );
  const ticks = roundTicks(first, last).map((round) =>
    words(Number(x(round).toFixed(1)), bottom + 20, `${round}`, 'text-anchor="middle"'),
  );
  const banded = arms[strong];
  const edge = [...line(curves.best), ...line(curves.worst).reverse()];
  const band =
    banded && edge.length > 0
      ? `<polygon points="${edge.join(" ")}" fill="${banded.colour}" fill-opacity="0.15"/>`
      : "";
  const stroke = ({ colour, dash }: CurvesPicture["arms"][number]) =>
    `fill="none" stroke="${colour}" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"${dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : ""}`;
  // A line needs two rounds; the first one alone is a dot, of no length and with round ends.
  const dots = (points: readonly string[]) => (points.length === 1 ? [...points, ...points] : points).join(" ");
  const lines = arms.map((arm, i) => `<polyline points="${dots(line(curves.means[i] ?? []))}" ${stroke(arm)}/>`);
  const legendTop = bottom + 70;
  const legend = arms.map((arm, i) => {
    const down = legendTop + i * LEGEND_LINE;
    return `<line x1="${PLOT.left}" x2="${PLOT.left + 40}" y1="${down - 5}" y2="${down - 5}" ${stroke(arm)}/><text x="${PLOT.left + 52}" y="${down}" fill="${paint.ink}" font-size="15">${escaped(arm.name)}</text>`;
  });
  const afterArms = legendTop + arms.length * LEGEND_LINE;
  const middle = PLOT.top + PLOT.height / 2;
  return pictureFile({
    width: WIDTH,
    height: afterArms + 20,
    title: picture.title,
    description: picture.description,
    paint,
    content: [
      `<text x="${PLOT.left}" y="34" fill="${paint.ink}" font-size="20" font-weight="600">${escaped(picture.title)}</text>`,
      ...levels,
      ...ticks,
      words(PLOT.left + PLOT.width / 2, bottom + 42, picture.rounds, 'text-anchor="middle"'),
      words(20, middle, picture.accuracy, `text-anchor="middle" transform="rotate(-90 20 ${middle})"`),
      band,
      ...lines,
      ...legend,
      banded ? words(PLOT.left, afterArms, picture.band) : "",
    ].join(""),
  });
}

/** Rounds with a number below: up to ten, at even steps. */
function roundTicks(first: number, last: number): number[] {
  const step = Math.ceil((last - first) / 9) || 1;
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
}
