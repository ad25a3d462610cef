/** The map with its arms, its legend and the table that holds the same facts. */

import { html, nothing } from "lit";
import { fixed } from "../lib/format";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { ArmView, CoalitionView, View } from "../types.gen";
import { coalitionSign, globalSign, mischiefSign, starSign } from "../ui/marks";
import type { Actions } from "./actions";
import "./coalition-map";
import "./distance-map";
import { nearest } from "./neighbours";
import { type ArmDistances, earlierMaps } from "./past";
import { groupLabel, missingFromMap, selectedArm } from "./select";
import { asideCount } from "./set-aside";
import { armInPhase, done, isEarly, type Slow, taking } from "./slow";
import type { Flow } from "./slow-flow";
import { slowPanel } from "./slow-panel";
import type { BoardState, Picture } from "./state";

const say = strings.board;

/** Neighbours joined to the device pointed at. */
const NEIGHBOURS = 3;

export function mapPanel(state: BoardState, view: View, actions: Actions) {
  const { slow } = state;
  const chosen = selectedArm(view, state.arm);
  const arm = slow ? armInPhase(slow, view, chosen?.name) : chosen;
  const picture = slow ? "map" : state.picture;
  const look = (device: number | null) => actions.dispatch({ type: "device_looked", device });
  const distances = state.distances?.arm === arm?.name ? state.distances : null;
  const near = distances && state.looked !== null ? nearest(distances, state.looked, NEIGHBOURS) : [];
  return html`<section class="map" aria-labelledby="map-title">
    <div class="head">
      <h2 id="map-title">${say.map}</h2>
      ${armTabs(view, chosen, actions)}
    </div>
    ${slow ? slowPanel(slow, state, view, arm, distances, actions) : pictureChoice(arm, state, actions)}
    <div class="sky" id="map-panel" role="tabpanel" aria-labelledby="map-title">
      ${
        picture === "map"
          ? html`<coalition-map
              data-testid="map"
              .arm=${arm}
              .devices=${view.devices}
              .run=${view.run}
              .answer=${state.answerShown ? (device: { group: number | null }) => groupLabel(view, device.group) : null}
              .earlier=${slow ? [] : earlierMaps(state.past, arm?.name)}
              .looked=${state.looked}
              .near=${near.map(({ device }) => device)}
              .flow=${slow ? flow(slow, view) : null}
              .links=${slow?.phase === "distances" ? nearestLinks(distances) : []}
              .onlook=${look}
            ></coalition-map>`
          : html`<distance-map
              data-testid="distances"
              .arm=${arm}
              .distances=${distances}
              .looked=${state.looked}
              .onlook=${look}
            ></distance-map>`
      }
      ${arm?.map ? nothing : html`<p class="empty">${arm?.strategy === "local_only" ? say.mapLocal : say.mapNone}</p>`}
      ${
        picture === "distances" && arm?.map && distances && distances.devices.length < 2
          ? html`<p class="empty">${say.noDistances}</p>`
          : nothing
      }
    </div>
    ${arm?.map ? legend(view, arm, picture, slow) : nothing}
  </section>`;
}

function pictureChoice(arm: ArmView | null, state: BoardState, actions: Actions) {
  return html`<div class="head">
    <p class="sentence">${arm ? strings.armSentence(arm.strategy) : nothing}</p>
    <div class="tabs" role="group" aria-label=${say.pictures}>
      ${pictureButton("map", say.pictureMap, state, actions)}
      ${pictureButton("distances", say.pictureDistances, state, actions)}
    </div>
  </div>`;
}

/** What goes to and from the server; nothing once the server computes. */
function flow(slow: Slow, view: View): Flow | null {
  const { phase } = slow;
  if (!isEarly(phase)) return null;
  const over = new Set(done(slow, view));
  return { phase, devices: new Map(taking(slow, view).map((id) => [id, over.has(id)])) };
}

/** Every device joined to the one nearest to it. */
function nearestLinks(distances: ArmDistances | null): [number, number][] {
  return (distances?.devices ?? []).flatMap((id) => {
    const [near] = distances ? nearest(distances, id, 1) : [];
    return near ? [[id, near.device]] : [];
  });
}

function pictureButton(value: Picture, label: string, state: BoardState, actions: Actions) {
  return html`<button
    type="button"
    aria-pressed=${state.picture === value}
    data-testid="picture-${value}"
    @click=${() => actions.dispatch({ type: "picture_chosen", picture: value })}
  >
    ${label}
  </button>`;
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

function legend(view: View, arm: ArmView, shown: Picture, slow: Slow | null) {
  const map = shown === "map";
  // Before the first round closes, devices stand where there is room.
  const measured = !slow || !isEarly(slow.phase) || slow.round > 1;
  const missing = missingFromMap(view, arm).map(({ id }) => id);
  const lone = arm.coalitions.filter(({ members }) => members.length === 1);
  return html`<div class="legend">
      ${arm.coalitions.map(
        ({ id, members }) => html`<span class=${coalitionMark(id).className}
          >${coalitionSign(id)} ${say.coalitionSize(coalitionMark(id).letter, members.length)}</span
        >`,
      )}
      ${map && arm.map?.barycenters.length ? html`<span class="dim">${starSign} ${say.barycenter}</span>` : nothing}
      ${map && arm.map?.global ? html`<span class="dim">${globalSign} ${say.globalModel}</span>` : nothing}
      ${map && view.devices.some(({ mischief }) => mischief !== null) ? html`<span>${mischiefSign} ${strings.mischief.legend}</span>` : nothing}
      ${asideCount(arm)}
      ${measured ? nothing : html`<span class="dim">${strings.slow.noPlaces}</span>`}
      ${map && measured ? html`<span class="dim" title=${say.apart} data-testid="map-loss">${say.loss(arm.map?.loss ?? 0)}</span>` : nothing}
      ${isOfSketches(view, arm) ? html`<span class="dim" title=${say.ofSketchesWhy} data-testid="of-sketches">${say.ofSketches}</span>` : nothing}
      ${loneCounts(view, arm) ? lone.map(({ id }) => html`<span>${say.lone(coalitionMark(id).letter, arm.coalitions.length)}</span>`) : nothing}
      ${missing.length > 0 ? html`<span class="dim" data-testid="map-missing">${say.notShown(missing)}</span>` : nothing}
    </div>
    ${arm.coalitions.length > 0 ? coalitionTable(arm.coalitions) : nothing}`;
}

function strategyOf(view: View, arm: ArmView) {
  return view.config.arms.find(({ name }) => name === arm.name)?.strategy;
}

/** Whether this arm gives a lone device the weight of a whole coalition. */
function loneCounts(view: View, arm: ArmView): boolean {
  const strategy = strategyOf(view, arm);
  return strategy?.kind === "coalition_global" && strategy.formation.weighting === "coalitions";
}

/** Whether the room knows sketches of this arm's devices, and no weights. */
function isOfSketches(view: View, arm: ArmView): boolean {
  const strategy = strategyOf(view, arm);
  const forms = strategy?.kind === "coalition_global" || strategy?.kind === "coalition_models";
  return forms && strategy.formation.sketches !== undefined;
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
