/** When to ask the shown device's models about the drawing: whenever something has changed, one question at a time. */

import { type DrawState, imageOf } from "./draw-state";
import type { TabState } from "./state";

interface Question {
  readonly key: number;
  readonly strokes: DrawState["strokes"];
  readonly example: DrawState["example"];
  /** The device's count of changes of its models. */
  readonly models: number;
}

export interface Questions {
  /** Asks if there is something new to ask. */
  look(state: TabState): void;
  /** The device has answered. */
  answered(key: number): void;
}

export function createQuestions(ask: (key: number, pixels: Float32Array) => void): Questions {
  let asked: Question | null = null;
  let waiting = false;
  return {
    look(state) {
      const device = state.devices.find(({ key }) => key === state.shown);
      if (!device?.view) return;
      const { strokes, example } = state.draw;
      const question = { key: device.key, strokes, example, models: device.view.models };
      if (asked && (isSame(asked, question) || (waiting && asked.key === question.key))) return;
      const image = imageOf(state.draw);
      asked = question;
      waiting = image !== null;
      if (image) ask(question.key, image);
    },
    answered(key) {
      if (asked?.key === key) waiting = false;
    },
  };
}

function isSame(a: Question, b: Question): boolean {
  return a.key === b.key && a.strokes === b.strokes && a.example === b.example && a.models === b.models;
}
