/** A pad to draw a digit on, what three models take it for, and a way to teach it. */

import { html, nothing, svg } from "lit";
import { guard } from "lit/directives/guard.js";
import { ref } from "lit/directives/ref.js";
import { percent } from "../lib/format";
import { language } from "../lib/language";
import { strings } from "../strings";
import type { Samples } from "../types.gen";
import { answerOf, type DrawState, type Lesson } from "./draw-state";
import { type Point, SIDE } from "./drawing";
import { greyToRgba } from "./pixels";

const say = strings.draw;

export interface DrawActions {
  penDown(at: Point): void;
  penMoved(at: Point): void;
  clear(): void;
  /** Shows one of the device's own images. */
  example(): void;
  teach(label: number): void;
}

/** The pad's own pixels; the page scales it. */
const PAD = 560;
/** Width of the pen on the pad. */
const PEN = 44;

export function drawPanel(draw: DrawState, samples: Samples, taught: number, actions: DrawActions) {
  const { strokes, example, guess, lesson } = draw;
  const isEmpty = strokes.length === 0 && example === null;
  return html`<section class="draw" aria-label=${say.title} data-testid="draw">
    <h2>${say.title}</h2>
    <div class="paper">
      ${pad(draw, actions)}
      <div class="beside">
        <button type="button" data-testid="draw-clear" ?disabled=${isEmpty} @click=${actions.clear}>${say.clear}</button>
        <button type="button" data-testid="draw-example" @click=${actions.example}>${say.example}</button>
        ${guess && !isEmpty ? seen(guess.seen) : nothing}
      </div>
    </div>
    <p class="dim hint">
      ${example ? say.shown(example.label) : isEmpty ? say.hint : nothing}
      ${samples.quarter_turns > 0 ? say.turned(samples.quarter_turns) : nothing}
      ${renamed(samples.called)}
    </p>
    <dl class="answers">
      ${answer("own", say.own, say.noOwn, guess?.own ?? null, isEmpty)}
      ${answer("coalition", say.coalition, say.noCoalition, guess?.coalition ?? null, isEmpty)}
      ${answer("global", say.global, say.noGlobal, guess?.global ?? null, isEmpty)}
    </dl>
    ${teaching(samples.called.length, isEmpty, lesson, actions)}
    <p class="count">
      <span data-testid="taught" data-count=${taught}><b>${taught}</b> ${say.taughtHere}</span>,
      <span><b>0</b> ${strings.device.images}</span>
    </p>
  </section>`;
}

function pad({ strokes, example }: DrawState, actions: DrawActions) {
  const draw = (canvas: Element | undefined) => {
    if (!(canvas instanceof HTMLCanvasElement)) return;
    if (example)
      drawImage(
        canvas,
        Array.from(example.pixels, (grey) => grey * 255),
      );
    else drawStrokes(canvas, strokes);
  };
  const down = (event: PointerEvent) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    padOf(event).setPointerCapture(event.pointerId);
    actions.penDown(pointOf(event));
  };
  const move = (event: PointerEvent) => {
    if (padOf(event).hasPointerCapture(event.pointerId)) actions.penMoved(pointOf(event));
  };
  const side = example ? SIDE : PAD;
  return guard(
    [strokes, example, language()],
    () => html`<canvas
      class="pad"
      width=${side}
      height=${side}
      role="img"
      aria-label=${say.pad}
      data-testid="draw-pad"
      @pointerdown=${down}
      @pointermove=${move}
      ${ref(draw)}
    ></canvas>`,
  );
}

const padOf = (event: PointerEvent) => event.currentTarget as HTMLCanvasElement;

function pointOf(event: PointerEvent): Point {
  const { left, top, width, height } = padOf(event).getBoundingClientRect();
  const within = (part: number) => Math.min(Math.max(part, 0), 1);
  return { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) };
}

function drawStrokes(canvas: HTMLCanvasElement, strokes: DrawState["strokes"]) {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, PAD, PAD);
  context.strokeStyle = "#fff";
  context.lineWidth = PEN;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach(({ x, y }, index) => {
      if (index === 0) context.moveTo(x * PAD, y * PAD);
      context.lineTo(x * PAD, y * PAD);
    });
    context.stroke();
  }
}

function drawImage(canvas: HTMLCanvasElement, pixels: number[]) {
  const context = canvas.getContext("2d");
  const image = context?.createImageData(SIDE, SIDE);
  if (!context || !image) return;
  image.data.set(greyToRgba({ width: SIDE, height: SIDE, pixels }, 0));
  context.putImageData(image, 0, 0);
}

function seen(pixels: number[]) {
  const draw = (canvas: Element | undefined) => {
    if (canvas instanceof HTMLCanvasElement) drawImage(canvas, pixels);
  };
  return html`<figure>
    ${guard(
      [pixels, language()],
      () =>
        html`<canvas width=${SIDE} height=${SIDE} role="img" aria-label=${say.seen} data-testid="draw-seen" ${ref(draw)}></canvas>`,
    )}
    <figcaption aria-hidden="true">${say.seen}</figcaption>
  </figure>`;
}

/** Says which labels this device's group calls otherwise, if any. */
function renamed(called: readonly number[]) {
  const others = called.flatMap((name, label) => (name === label ? [] : { label, name }));
  return others.length > 0 ? say.renamed(others) : nothing;
}

function answer(
  model: string,
  title: string,
  missing: string,
  probabilities: readonly number[] | null,
  isEmpty: boolean,
) {
  const found = probabilities && !isEmpty ? answerOf(probabilities) : null;
  return html`<div class="answer" data-testid="answer" data-model=${model} data-label=${found?.label ?? nothing}>
    <dt>${title}</dt>
    <dd>
      <output>
        ${
          found
            ? html`<b>${found.label}</b> <span>${percent(found.probability)}</span>`
            : html`<span class="dim">${isEmpty ? say.nothingDrawn : missing}</span>`
        }
      </output>
      ${probabilities && found ? bars(probabilities, found.label) : nothing}
    </dd>
  </div>`;
}

const BAR = 26;

function bars(probabilities: readonly number[], top: number) {
  return html`<svg class="bars" viewBox="0 0 ${probabilities.length * 14} ${BAR + 12}" role="img" aria-label=${say.bars(probabilities)}>
    ${probabilities.map((probability, label) => {
      const height = Math.max(probability * BAR, 0.8);
      return svg`<g class=${label === top ? "top" : ""}>
        <rect x=${label * 14 + 2} y=${BAR - height} width="10" height=${height} rx="1" />
        <text x=${label * 14 + 7} y=${BAR + 10}>${label}</text>
      </g>`;
    })}
  </svg>`;
}

function teaching(labels: number, isEmpty: boolean, lesson: Lesson | null, actions: DrawActions) {
  const isTaught = lesson !== null && lesson.outcome !== "refused";
  return html`<fieldset class="teach" ?disabled=${isEmpty || isTaught}>
      <legend>${say.teach}</legend>
      ${Array.from(
        { length: labels },
        (_, label) => html`<button
          type="button"
          aria-label=${say.teachAs(label)}
          data-testid="teach"
          data-label=${label}
          @click=${() => actions.teach(label)}
        >
          ${label}
        </button>`,
      )}
    </fieldset>
    <p class="lesson" role="status" data-testid="lesson" data-outcome=${lesson?.outcome ?? nothing}>${said(lesson)}</p>`;
}

function said(lesson: Lesson | null) {
  switch (lesson?.outcome) {
    case "taken":
      return say.taken(lesson.label);
    case "refused":
      return say.refused(lesson.detail);
    default:
      return nothing;
  }
}
