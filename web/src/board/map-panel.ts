/** The map with its arms, its legend and the table that holds the same facts. */

import { html, nothing } from "lit";
import { fixed } from "../lib/format";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { ArmView, CoalitionView, View } from "../types.gen";
import { coalitionSign, globalSign, starSign } from "../ui/marks";
import type { Actions } from "./actions";
import "./coalition-map";
import { groupLabel, missingFromMap, selectedArm } from "./select";
import type { BoardState } from "./state";

const say = strings.board;

export function mapPanel(state: BoardState, view: View, actions: Actions) {
  const arm = selectedArm(view, state.arm);
  return html`<section class="map" aria-labelledby="map-title">
    <div class="head">
      <h2 id="map-title">${say.map}</h2>
      ${armTabs(view, arm, actions)}
    </div>
    <p class="sentence">${arm ? strings.armSentence(arm.strategy) : nothing}</p>
    <div class="sky" id="map-panel" role="tabpanel" aria-labelledby="map-title">
      <coalition-map
        data-testid="map"
        .arm=${arm}
        .devices=${view.devices}
        .run=${view.run}
        .answer=${state.answerShown ? (device: { group: number | null }) => groupLabel(view, device.group) : null}
      ></coalition-map>
      ${arm?.map ? nothing : html`<p class="empty">${arm?.strategy === "local_only" ? say.mapLocal : say.mapNone}</p>`}
    </div>
    ${arm?.map ? legend(view, arm) : nothing}
  </section>`;
}

function armTabs(view: View, selected: ArmView | null, actions: Actions) {
  const choose = (arm: string) => actions.dispatch({ type: "arm_chosen", arm });
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = view.arms.at((view.arms.findIndex(({ name }) => name === selected?.name) + step) % view.arms.length);
    if (step === 0 || !next) return;
    choose(next.name);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-arm="${next.name}"]`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${say.mapArms} @keydown=${move}>
    ${view.arms.map(
      (arm) => html`<button
        type="button"
        role="tab"
        aria-selected=${arm === selected}
        aria-controls="map-panel"
        tabindex=${arm === selected ? 0 : -1}
        data-arm=${arm.name}
        data-testid="map-arm-${arm.name}"
        @click=${() => choose(arm.name)}
      >
        ${strings.armShort(arm.name, arm.strategy)}
      </button>`,
    )}
  </div>`;
}

function legend(view: View, arm: ArmView) {
  const missing = missingFromMap(view, arm).map(({ id }) => id);
  const lone = arm.coalitions.filter(({ members }) => members.length === 1);
  return html`<div class="legend">
      ${arm.coalitions.map(
        ({ id, members }) => html`<span class=${coalitionMark(id).className}
          >${coalitionSign(id)} ${say.coalitionSize(coalitionMark(id).letter, members.length)}</span
        >`,
      )}
      ${arm.coalitions.length > 0 ? html`<span class="dim">${starSign} ${say.barycenter}</span>` : nothing}
      ${arm.map?.global ? html`<span class="dim">${globalSign} ${say.globalModel}</span>` : nothing}
      <span class="dim" title=${say.apart} data-testid="map-loss">${say.loss(arm.map?.loss ?? 0)}</span>
      ${loneCounts(view, arm) ? lone.map(({ id }) => html`<span>${say.lone(coalitionMark(id).letter, arm.coalitions.length)}</span>`) : nothing}
      ${missing.length > 0 ? html`<span class="dim" data-testid="map-missing">${say.notShown(missing)}</span>` : nothing}
    </div>
    ${arm.coalitions.length > 0 ? coalitionTable(arm.coalitions) : nothing}`;
}

/** Whether this arm gives a lone device the weight of a whole coalition. */
function loneCounts(view: View, arm: ArmView): boolean {
  const strategy = view.config.arms.find(({ name }) => name === arm.name)?.strategy;
  return strategy?.kind === "coalition_global" && strategy.formation.weighting === "coalitions";
}

function coalitionTable(coalitions: readonly CoalitionView[]) {
  return html`<table class="unseen" data-testid="coalitions">
    <caption>${say.coalitionTable}</caption>
    <thead><tr>
      <th scope="col">${say.coalitionHead}</th><th scope="col">${say.members}</th><th scope="col">${say.center}</th><th scope="col">${say.spread}</th>
    </tr></thead>
    <tbody>
      ${coalitions.map(
        ({ id, members, center, spread }) => html`<tr data-testid="coalition-row" data-coalition=${id}>
          <th scope="row">${coalitionMark(id).letter}</th><td>${members.join(", ")}</td><td>${center}</td><td>${fixed(spread, 2)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
