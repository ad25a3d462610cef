/** What grouping pays: one sentence, one large number per arm, and the curves. */

import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { percent } from "../lib/format";
import { language } from "../lib/language";
import { type ArmMark, armMarks } from "../lib/palette";
import { remember } from "../lib/share";
import { strings } from "../strings";
import type { ArmView, View } from "../types.gen";
import { armSign } from "../ui/marks";
import "./accuracy-curves";
import type { Actions } from "./actions";
import { weightLine } from "./mischief";
import { accuracyOf, type Curves, compared, comparison, curves, type History, selectedArm } from "./select";
import type { BoardState, Question } from "./state";

const say = strings.board;

/** Rows of the unseen table beside the curves. */
const TABLE_ROUNDS = 50;

// An arm changes with every update, what is drawn of it seldom.
const marksOf = remember((...strategies: string[]) => armMarks(strategies.map((strategy) => ({ strategy }))));
const columnsOf = remember((question: Question, banded: History | undefined, ...histories: History[]) =>
  curves(histories, banded, question),
);

export function accuracyPanel(state: BoardState, view: View, actions: Actions) {
  const marks = marksOf(...view.arms.map(({ strategy }) => strategy));
  const band = state.pointed ?? selectedArm(view, state.arm)?.name ?? null;
  const strong = view.arms.findIndex(({ name }) => name === band);
  const banded = view.arms[strong];
  const columns = columnsOf(state.question, banded?.history, ...view.arms.map(({ history }) => history));
  return html`<section class="accuracy" aria-labelledby="accuracy-title">
    <div class="head">
      <h2 id="accuracy-title" class="unseen">${say.accuracy}</h2>
      ${headline(view, state.question)}
      <div class="tabs" role="group" aria-label=${say.questions}>
        ${question("balanced", say.balanced, say.balancedHint, state, actions)}
        ${question("own", say.own, say.ownHint, state, actions)}
      </div>
    </div>
    <p class="sentence tall">${state.question === "own" ? say.ownHint : say.balancedHint}</p>
    <div class="numbers">${view.arms.map((arm, i) => number(arm, marks[i], state.question, view))}</div>
    <div class="head small">
      <h3>${say.overRounds}</h3>
      ${banded && banded.history.length > 0 ? html`<span class="dim">${say.band(strings.armShort(banded.name, banded.strategy))}</span>` : nothing}
    </div>
    <accuracy-curves
      role="img"
      aria-label=${say.curvesLabel}
      .curves=${columns}
      .marks=${marks}
      .rounds=${view.config.rounds}
      .strong=${strong}
      .onpoint=${(index: number | null) => actions.dispatch({ type: "arm_pointed", arm: view.arms[index ?? -1]?.name ?? null })}
    ></accuracy-curves>
    ${guard([columns, marks, language()], () => curvesTable(view, columns))}
  </section>`;
}

function question(value: Question, label: string, hint: string, state: BoardState, actions: Actions) {
  return html`<button
    type="button"
    title=${hint}
    aria-pressed=${state.question === value}
    data-testid="question-${value}"
    @click=${() => actions.dispatch({ type: "question_chosen", question: value })}
  >
    ${label}
  </button>`;
}

function headline(view: View, asked: Question) {
  const arms = compared(view.arms);
  if (!arms) return nothing;
  const found = comparison(arms, asked);
  if (!found) return html`<p class="headline dim" data-testid="headline">${say.headlineNone}</p>`;
  const { name, strategy } = arms.grouping;
  return html`<p class="headline" data-testid="headline" data-points=${found.points}>
    ${say.headline(strings.armTitle(name, strategy), found.grouping, found.plain)} <b>${say.difference(found.points)}</b>
  </p>`;
}

function number(arm: ArmView, mark: ArmMark | undefined, asked: Question, view: View) {
  const accuracy = accuracyOf(arm, asked);
  return html`<div
    class="number ${mark?.className ?? ""}"
    title=${strings.armSentence(arm.strategy)}
    data-testid="accuracy-${arm.name}"
    data-mean=${accuracy?.mean ?? nothing}
  >
    <b>${percent(accuracy?.mean)}</b>
    ${mark ? armSign(mark) : nothing}
    <span class="arm-name">${strings.armTitle(arm.name, arm.strategy)}</span>
    <small>
      ${weightLine(arm)}
      ${
        accuracy
          ? html`${say.worstDevice(accuracy.worst)}
              ${view.config.data.groups ? html`<br />${say.worstGroup(accuracy.worst_group)}` : nothing}`
          : nothing
      }
    </small>
  </div>`;
}

function curvesTable(view: View, { rounds, means }: Curves) {
  const first = Math.max(rounds.length - TABLE_ROUNDS, 0);
  return html`<table class="unseen" data-testid="curves-table">
    <caption>${say.curvesTable}</caption>
    <thead><tr><th scope="col">${say.round}</th>${view.arms.map(({ name, strategy }) => html`<th scope="col">${strings.armTitle(name, strategy)}</th>`)}</tr></thead>
    <tbody>
      ${rounds
        .slice(first)
        .map(
          (round, i) =>
            html`<tr><th scope="row">${round}</th>${means.map((column) => html`<td>${percent(column[first + i])}</td>`)}</tr>`,
        )}
    </tbody>
  </table>`;
}
