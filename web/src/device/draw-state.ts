/** The drawing of a tab, what the shown device's models take it for, and what the device was taught of it. */

import type { Guess, Samples } from "../types.gen";
import { type Point, pixelsOf, type Stroke, turned } from "./drawing";

export interface DrawState {
  readonly strokes: readonly Stroke[];
  /** One of the device's own images, shown in place of strokes. */
  readonly example: Example | null;
  /** How many of the device's images were shown. */
  readonly examplesShown: number;
  readonly guess: Guess | null;
  readonly lesson: Lesson | null;
}

/** One of the device's own images, upright. */
export interface Example {
  readonly pixels: Float32Array;
  /** What people call it. */
  readonly label: number;
}

/** What became of teaching this drawing. */
export type Lesson =
  | { readonly outcome: "asked" | "taken"; readonly label: number }
  | { readonly outcome: "refused"; readonly label: number; readonly detail: string };

export type DrawMessage =
  | { readonly type: "pen_down"; readonly at: Point }
  | { readonly type: "pen_moved"; readonly at: Point }
  | { readonly type: "cleared" }
  | { readonly type: "teaching"; readonly label: number };

/** Points of a drawing; whoever scribbles longer draws no further. */
export const MOST_POINTS = 2000;

/** The pen moves on by steps of this part of the pad. */
const STEP = 0.008;

export const noDrawing: DrawState = { strokes: [], example: null, examplesShown: 0, guess: null, lesson: null };

export function reduceDraw(draw: DrawState, message: DrawMessage): DrawState {
  switch (message.type) {
    case "pen_down":
      return isFull(draw) ? draw : { ...draw, strokes: [...draw.strokes, [message.at]], example: null, lesson: null };
    case "pen_moved":
      return penMoved(draw, message.at);
    case "cleared":
      return { ...noDrawing, examplesShown: draw.examplesShown };
    case "teaching":
      return { ...draw, lesson: { outcome: "asked", label: message.label } };
  }
}

const isFull = ({ strokes }: DrawState) => strokes.reduce((sum, { length }) => sum + length, 0) >= MOST_POINTS;

function penMoved(draw: DrawState, at: Point): DrawState {
  const stroke = draw.strokes.at(-1);
  const before = stroke?.at(-1);
  if (!stroke || !before || isFull(draw) || Math.hypot(at.x - before.x, at.y - before.y) < STEP) return draw;
  return { ...draw, strokes: [...draw.strokes.slice(0, -1), [...stroke, at]], lesson: null };
}

/** Puts the next of the device's images in place of the drawing. */
export function withExample(draw: DrawState, samples: Samples): DrawState {
  const { width, height, pixels, labels, called, quarter_turns } = samples;
  const index = draw.examplesShown % Math.max(labels.length, 1);
  const size = width * height;
  const grey = Float32Array.from(pixels.slice(index * size, (index + 1) * size), (value) => value / 255);
  if (grey.length < size) return draw;
  const example = {
    pixels: turned(grey, (4 - quarter_turns) % 4),
    label: called.indexOf(labels[index] ?? 0),
  };
  return { ...noDrawing, example, examplesShown: draw.examplesShown + 1 };
}

/** The image that is drawn; nothing before the first stroke. */
export function imageOf({ example, strokes }: Pick<DrawState, "example" | "strokes">): Float32Array | null {
  return example?.pixels ?? (strokes.length > 0 ? pixelsOf(strokes) : null);
}

/** Whether people can draw what the device learns. */
export function isDrawable(samples: Samples | null): samples is Samples {
  return samples?.dataset === "mnist-small" || samples?.dataset === "mnist";
}

/** The likeliest label and its probability. */
export function answerOf(probabilities: readonly number[]): { readonly label: number; readonly probability: number } {
  const probability = Math.max(...probabilities);
  return { label: probabilities.indexOf(probability), probability };
}
