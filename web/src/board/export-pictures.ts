/** What the board shows now, as files of pictures. */

import { armMarks, coalitionMark, shapePath } from "../lib/palette";
import { escaped, inlined, paintOf, pictureFile, saveSvg } from "../lib/svg-file";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { curvesSvg } from "./curves-svg";
import { curves, selectedArm } from "./select";
import type { BoardState } from "./state";

const say = strings.board;

const TITLE = 50;
const LEGEND_LINE = 24;

/** Whether the board shows a map to be saved. */
export function mapShown({ slow, picture, arm }: BoardState, view: View): boolean {
  return slow === null && picture === "map" && selectedArm(view, arm)?.map != null;
}

export function saveMap(state: BoardState, view: View): void {
  const arm = selectedArm(view, state.arm);
  const shown = document.querySelector<SVGSVGElement>("coalition-map > svg");
  if (!arm || !shown) return;
  const style = getComputedStyle(document.documentElement);
  const paint = paintOf(style);
  const { width, height } = shown.viewBox.baseVal;
  const title = `${say.map}: ${strings.armTitle(arm.name, arm.strategy)}, ${titleOf(view)}`;
  const bottom = TITLE + height + 30;
  const legend = arm.coalitions.map(({ id, members }, i) => {
    const { letter, shape } = coalitionMark(id);
    const colour = style.getPropertyValue(`--c${id % 8}`).trim();
    const y = bottom + i * LEGEND_LINE;
    return `<path transform="translate(26 ${y - 5})" d="${shapePath(shape, 8)}" fill="${colour}"/><text x="44" y="${y}" fill="${paint.ink}" font-size="15">${escaped(say.coalitionSize(letter, members.length))}</text>`;
  });
  const loss = bottom + arm.coalitions.length * LEGEND_LINE;
  const text = pictureFile({
    width,
    height: loss + 20,
    title,
    description: settingsOf(view),
    paint,
    content: `<text x="20" y="32" fill="${paint.ink}" font-size="20" font-weight="600">${escaped(title)}</text><g transform="translate(0 ${TITLE})">${inlined(shown)}</g>${legend.join("")}<text x="20" y="${loss}" fill="${paint.dim}" font-size="14">${escaped(say.loss(arm.map?.loss ?? 0))}</text>`,
  });
  saveSvg(`constellation-${state.room}-map-${arm.name}.svg`, text);
}

export function saveCurves(state: BoardState, view: View): void {
  const style = getComputedStyle(document.documentElement);
  const marks = armMarks(view.arms);
  const band = selectedArm(view, state.arm);
  const text = curvesSvg({
    title: `${say.accuracy}, ${titleOf(view)}`,
    description: settingsOf(view),
    rounds: say.round,
    accuracy: `${say.accuracy} (%)`,
    band: band ? say.band(strings.armShort(band.name, band.strategy)) : "",
    curves: curves(
      view.arms.map(({ history }) => history),
      band?.history,
      state.question,
    ),
    arms: view.arms.map(({ name, strategy }, i) => ({
      name: strings.armTitle(name, strategy),
      colour: style.getPropertyValue(marks[i]?.variable ?? "--ink").trim(),
      dash: marks[i]?.dash ?? [],
    })),
    strong: view.arms.findIndex(({ name }) => name === band?.name),
    paint: paintOf(style),
  });
  saveSvg(`constellation-${state.room}-curves.svg`, text);
}

const titleOf = (view: View) => `${say.round} ${view.round}`;

/** The run's settings, as who reads the file by itself needs them. */
const settingsOf = (view: View) => JSON.stringify({ seed: view.seed, round: view.round, config: view.config });
