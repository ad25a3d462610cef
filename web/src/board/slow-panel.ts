/** Slow motion: which phase is shown, what is going on in it, and the way to the next. */

import { html, nothing } from "lit";
import { fixed } from "../lib/format";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { ArmView, DeviceId, View } from "../types.gen";
import type { Actions } from "./actions";
import { nearest, pairs } from "./neighbours";
import type { ArmDistances } from "./past";
import { canGoOn, done, isEarly, isNow, SLOW_PHASES, type Slow, slowAllowed, taking } from "./slow";
import type { BoardState } from "./state";

const say = strings.slow;

export function slowPanel(
  slow: Slow,
  state: BoardState,
  view: View,
  arm: ArmView | null,
  fetched: ArmDistances | null,
  actions: Actions,
) {
  const at = SLOW_PHASES.indexOf(slow.phase);
  const last = slow.phase === "global" && slow.round >= view.config.rounds;
  const distances = fetched?.round === slow.round ? fetched : null;
  return html`<div class="slow" role="group" aria-label=${say.title} data-testid="slow" data-phase=${slow.phase} data-round=${slow.round}>
    <ol class="slow-phases">
      ${SLOW_PHASES.map(
        (phase, i) => html`<li
          class=${i < at ? "over" : ""}
          aria-current=${i === at ? "step" : nothing}
          data-testid="slow-phase"
          data-phase=${phase}
        >
          ${say.phases[phase]}
        </li>`,
      )}
    </ol>
    <div class="slow-words" role="status">
      <p class="slow-sentence" data-testid="slow-sentence">${sentence(slow, arm)}</p>
      <p class="slow-fact" data-testid="slow-fact">${fact(slow, view, arm, distances)}</p>
    </div>
    <div class="slow-desk">
      <span class="slow-when" data-testid="slow-when" data-now=${isNow(slow, view)}
        >${say.round(slow.round)} · ${isNow(slow, view) ? say.now : say.afterwards}</span
      >
      <button
        type="button"
        class="primary"
        data-testid="slow-next"
        ?disabled=${state.busy || !canGoOn(slow, view)}
        @click=${() => actions.slow.next()}
      >
        ${last ? say.lastRound : slow.phase === "global" ? say.nextRound : say.next}
      </button>
      <button
        type="button"
        aria-pressed=${slow.auto}
        data-testid="slow-auto"
        ?disabled=${last}
        @click=${() => actions.dispatch({ type: "slow_auto_toggled" })}
      >
        ${say.auto}
      </button>
      <button type="button" data-testid="slow-leave" ?disabled=${state.busy} @click=${() => actions.slow.leave()}>
        ${slowAllowed(view) ? say.leave : say.close}
      </button>
    </div>
    ${table(slow, view, arm, distances)}
  </div>`;
}

function sentence({ phase }: Slow, arm: ArmView | null): string {
  const stays = arm?.strategy === "local_only" && phase !== "training";
  if (stays) return say.alone;
  const grouped = (arm?.coalitions.length ?? 0) > 0 || isEarly(phase) || phase === "distances";
  return grouped ? say.sentences[phase] : say.ungrouped;
}

/** The phase in numbers of this round. */
function fact(slow: Slow, view: View, arm: ArmView | null, distances: ArmDistances | null): string {
  if (isEarly(slow.phase)) {
    if (view.cohort.round < slow.round) {
      return say.gathering(taking(slow, view).length, view.config.pacing.min_devices);
    }
    const [over, of] = [done(slow, view).length, taking(slow, view).length];
    return slow.phase === "out"
      ? say.received(over, of)
      : slow.phase === "training"
        ? say.trained(over, of)
        : say.answered(over, of);
  }
  if (arm?.strategy === "local_only") return "";
  if (slow.phase === "distances") {
    const [near, far] = [pairs(distances).at(0), pairs(distances).at(-1)];
    return near && far
      ? say.extremes(near.a, near.b, fixed(near.distance, 2), far.a, far.b, fixed(far.distance, 2))
      : "";
  }
  const coalitions = arm?.coalitions ?? [];
  const listed = (text: (coalition: ArmView["coalitions"][number], letter: string) => string) =>
    coalitions.map((coalition) => text(coalition, coalitionMark(coalition.id).letter)).join(strings.listed);
  if (slow.phase === "coalitions") return listed(({ members }, letter) => say.members(letter, members));
  if (slow.phase === "barycenters") return listed(({ spread }, letter) => say.spread(letter, fixed(spread, 2)));
  return arm ? strings.armSentence(arm.strategy) : "";
}

/** The same facts device by device. */
function table(slow: Slow, view: View, arm: ArmView | null, distances: ArmDistances | null) {
  const finished = done(slow, view);
  const coalition = (id: DeviceId) => arm?.coalitions.find(({ members }) => members.includes(id));
  const cell = (id: DeviceId) => {
    if (isEarly(slow.phase)) {
      const place = finished.indexOf(id) + 1;
      return place > 0 ? say.placed[slow.phase === "out" ? "out" : "in"](place) : say.pending;
    }
    if (slow.phase === "distances") {
      const [near] = distances ? nearest(distances, id, 1) : [];
      return near ? say.near(near.device, fixed(near.distance, 2)) : "—";
    }
    const own = coalition(id);
    return own ? strings.board.coalition(coalitionMark(own.id).letter) : strings.board.noCoalition;
  };
  return html`<table class="unseen" data-testid="slow-table">
    <caption>${say.table(say.phases[slow.phase], slow.round)}</caption>
    <thead><tr><th scope="col">${strings.board.device}</th><th scope="col">${say.phases[slow.phase]}</th></tr></thead>
    <tbody>
      ${taking(slow, view).map(
        (id) => html`<tr data-testid="slow-row" data-device=${id} data-done=${finished.includes(id)}>
          <th scope="row">${id}</th><td>${cell(id)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
