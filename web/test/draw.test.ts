import { describe, expect, it } from "vitest";
import {
  answerOf,
  imageOf,
  isDrawable,
  MOST_POINTS,
  noDrawing,
  reduceDraw,
  withExample,
} from "../src/device/draw-state";
import { centerOfMass, type Point, pixelsOf, SIDE, type Stroke, turned } from "../src/device/drawing";
import { createQuestions } from "../src/device/questions";
import { initialTab, reduceTab, type TabMessage } from "../src/device/state";
import type { Guess, Samples } from "../src/types.gen";
import { deviceView } from "./samples";

/** First and last row and column with ink of more than a trace. */
function box(pixels: Float32Array) {
  const inked = [...pixels.keys()].filter((at) => (pixels[at] ?? 0) > 0.1);
  const rows = inked.map((at) => Math.floor(at / SIDE));
  const columns = inked.map((at) => at % SIDE);
  return {
    rows: Math.max(...rows) - Math.min(...rows) + 1,
    columns: Math.max(...columns) - Math.min(...columns) + 1,
  };
}

const line = (...points: [number, number][]): Stroke => points.map(([x, y]): Point => ({ x, y }));

describe("a drawing as the data set has them", () => {
  it("fills twenty pixels, wherever and however large it is drawn", () => {
    for (const [from, to] of [
      [0.1, 0.9],
      [0.7, 0.9],
    ] as const) {
      const { rows, columns } = box(pixelsOf([line([0.3, from], [0.3, to])]));
      expect(Math.abs(rows - 20)).toBeLessThanOrEqual(1);
      expect(columns).toBeLessThanOrEqual(4);
    }
  });

  it("has its center of mass in the middle", () => {
    const seven = [line([0.1, 0.1], [0.6, 0.1], [0.3, 0.9])];
    const mass = centerOfMass(pixelsOf(seven));
    expect(Math.hypot(mass.x - 14, mass.y - 14)).toBeLessThan(0.2);
  });

  it("keeps a dot a dot, and nothing nothing", () => {
    const dot = box(pixelsOf([line([0.2, 0.2])]));
    expect(Math.max(dot.rows, dot.columns)).toBeLessThanOrEqual(4);
    expect(pixelsOf([]).every((grey) => grey === 0)).toBe(true);
    const grey = pixelsOf([line([0.2, 0.2], [0.4, 0.6])]);
    expect(grey.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(Math.max(...grey)).toBe(1);
  });
});

it("turns images as the core does", () => {
  const image = Float32Array.of(1, 2, 3, 4);
  expect([...turned(image, 1)]).toEqual([2, 4, 1, 3]);
  expect([...turned(turned(image, 1), 3)]).toEqual([1, 2, 3, 4]);
});

const samples: Samples = {
  dataset: "mnist-small",
  quarter_turns: 1,
  called: [1, 0],
  width: 2,
  height: 2,
  labels: [1, 0],
  pixels: [51, 102, 0, 0, 0, 0, 0, 255],
};

describe("what is on the pad", () => {
  it("are strokes, a step apart, until it is cleared", () => {
    let draw = reduceDraw(noDrawing, { type: "pen_down", at: { x: 0.5, y: 0.5 } });
    draw = reduceDraw(draw, { type: "pen_moved", at: { x: 0.5, y: 0.501 } });
    expect(draw.strokes).toEqual([line([0.5, 0.5])]);
    draw = reduceDraw(draw, { type: "pen_moved", at: { x: 0.5, y: 0.6 } });
    draw = reduceDraw(draw, { type: "pen_down", at: { x: 0.1, y: 0.1 } });
    expect(draw.strokes).toEqual([line([0.5, 0.5], [0.5, 0.6]), line([0.1, 0.1])]);
    expect(imageOf(reduceDraw(draw, { type: "cleared" }))).toBeNull();
  });

  it("ends somewhere", () => {
    let draw = reduceDraw(noDrawing, { type: "pen_down", at: { x: 0, y: 0 } });
    for (let point = 1; point < MOST_POINTS + 10; point++) {
      draw = reduceDraw(draw, { type: "pen_moved", at: { x: point % 2, y: 0 } });
    }
    draw = reduceDraw(draw, { type: "pen_down", at: { x: 0, y: 0 } });
    expect(draw.strokes.map(({ length }) => length)).toEqual([MOST_POINTS]);
  });

  it("can be the device's own images, one after the other, upright and by the names that people know", () => {
    const first = withExample(reduceDraw(noDrawing, { type: "pen_down", at: { x: 0, y: 0 } }), samples);
    expect(first.strokes).toEqual([]);
    expect(first.example?.label).toBe(0);
    // As the group sees it the first row is 51, 102: upright these are the last column, from above.
    expect([...(first.example?.pixels ?? [])].map((grey) => Math.round(grey * 255))).toEqual([0, 51, 0, 102]);
    const second = withExample(first, samples);
    expect(second.example?.label).toBe(1);
    expect(withExample(second, samples).example).toEqual(first.example);
    expect(reduceDraw(second, { type: "pen_down", at: { x: 0, y: 0 } }).example).toBeNull();
  });

  it("is for digits alone", () => {
    expect([isDrawable(samples), isDrawable({ ...samples, dataset: "fashion-mnist-small" }), isDrawable(null)]).toEqual(
      [true, false, false],
    );
  });
});

const guess: Guess = { own: [0.2, 0.8], coalition: null, global: null, seen: [] };
const play = (...messages: TabMessage[]) => messages.reduce(reduceTab, initialTab("K7QF"));
const started = (key: number): TabMessage => ({ type: "started", key, identity: null });
const pen = (x: number): TabMessage => ({ type: "draw", message: { type: "pen_down", at: { x, y: 0 } } });
const guessed = (key: number): TabMessage => ({ type: "event", key, event: { type: "guessed", guess } });
const taught = (refusal: string | null): TabMessage => ({
  type: "event",
  key: 1,
  event: { type: "taught", label: 7, refusal },
});
const teaching: TabMessage = { type: "draw", message: { type: "teaching", label: 7 } };

describe("what the shown device says of it", () => {
  it("is shown while the drawing and the device are", () => {
    expect(play(started(1), pen(0), guessed(1)).draw.guess).toBe(guess);
    expect(play(started(1), guessed(1)).draw.guess).toBeNull();
    expect(play(started(1), started(2), pen(0), guessed(1)).draw.guess).toBeNull();
    const other = play(started(1), started(2), pen(0), guessed(2), { type: "shown", key: 1 });
    expect(other.draw.guess).toBeNull();
    expect(other.draw.strokes).toHaveLength(1);
    expect(answerOf([0.2, 0.8])).toEqual({ label: 1, probability: 0.8 });
  });

  it("is what became of teaching, until the pen goes on", () => {
    const asked = [started(1), pen(0), teaching];
    expect(play(...asked).draw.lesson).toEqual({ outcome: "asked", label: 7 });
    expect(play(...asked, taught(null)).draw.lesson).toEqual({ outcome: "taken", label: 7 });
    expect(play(...asked, taught("full")).draw.lesson).toEqual({ outcome: "refused", label: 7, detail: "full" });
    expect(play(...asked, taught(null), pen(0.5)).draw.lesson).toBeNull();
    expect(play(...asked, pen(0.5), taught(null)).draw.lesson).toBeNull();
  });
});

describe("questions", () => {
  const view = (models: number): TabMessage => ({
    type: "event",
    key: 1,
    event: { type: "view", view: { ...deviceView([]), models } },
  });

  it("are asked when the drawing or the models change, one at a time", () => {
    let asked = 0;
    const questions = createQuestions(() => asked++);
    const looks = (...messages: TabMessage[]) => {
      questions.look(play(started(1), ...messages));
      return asked;
    };
    const drawing = pen(0);
    let state = play(started(1), view(1));
    questions.look(state);
    expect(asked).toBe(0);
    state = reduceTab(state, drawing);
    questions.look(state);
    expect(asked).toBe(1);
    state = reduceTab(state, pen(0.5));
    questions.look(state);
    expect(asked).toBe(1);
    questions.answered(1);
    questions.look(state);
    expect(asked).toBe(2);
    questions.answered(1);
    questions.look(state);
    expect(asked).toBe(2);
    questions.look(reduceTab(state, view(2)));
    expect(asked).toBe(3);
    // Another device is asked at once, whatever the first one is busy with.
    const both = reduceTab(reduceTab(state, started(2)), { ...view(1), key: 2 } as TabMessage);
    questions.look(both);
    expect(asked).toBe(4);
    questions.answered(2);
    expect(looks(view(1))).toBe(4);
  });
});
