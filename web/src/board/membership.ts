/** The table beside the map: every device of the room, in the order of joining. */

import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { bytes, fixed } from "../lib/format";
import { language } from "../lib/language";
import { coalitionMark } from "../lib/palette";
import { unreachable } from "../lib/store";
import { strings } from "../strings";
import type { CoalitionId, DeviceId, DeviceRow, RoundMemberships, View } from "../types.gen";
import { coalitionSign } from "../ui/marks";
import type { Actions } from "./actions";
import { feedPanel } from "./feed-panel";
import "./membership-ribbon";
import type { Answer } from "./membership-ribbon";
import { mischiefOf, mischiefSwitch } from "./mischief";
import { coalitionOf, groupLabel, selectedArm } from "./select";
import { shorterPlanOf } from "./shorter-plan";
import type { BoardState, Listing } from "./state";
import { costPanel } from "./traffic-panel";

const say = strings.board;

export function membership(state: BoardState, view: View, actions: Actions) {
  const arm = selectedArm(view, state.arm);
  const coalition = coalitionOf(arm);
  const groups = view.config.data.groups !== null;
  const past = state.past.memberships.get(arm?.name ?? "")?.rounds ?? [];
  const shown = listingShown(state, past);
  const listed = () => {
    switch (shown) {
      case "rounds":
        return rounds(past, state, view);
      case "devices":
        return devices(state, view, coalition, groups, actions);
      case "traffic":
        return costPanel(view);
      case "feed":
        return feedPanel(view);
      default:
        return unreachable(shown);
    }
  };
  return html`<section class="membership" aria-labelledby="membership-title">
    <div class="head">
      <h2 id="membership-title" tabindex="-1">${titleOf(shown)}</h2>
      ${arm && (shown === "rounds" || shown === "devices") ? html`<span class="dim">${say.membershipOf(strings.armShort(arm.name, arm.strategy))}</span>` : nothing}
      ${
        groups
          ? html`<button
              type="button"
              class="slim"
              aria-pressed=${state.answerShown}
              data-testid="show-answer"
              @click=${() => actions.dispatch({ type: "answer_toggled" })}
            >
              ${state.answerShown ? say.hideAnswer : say.showAnswer}
            </button>`
          : nothing
      }
      ${mischiefSwitch(state, view, actions)}
    </div>
    <div class="head below">
      ${groups && state.answerShown ? agreement(view) : nothing}
      <div class="tabs" role="group" aria-label=${say.listings}>
        ${listing("rounds", say.listingRounds, shown, actions)} ${listing("devices", say.listingDevices, shown, actions)}
        ${listing("traffic", strings.cost.tab, shown, actions)} ${listing("feed", strings.feed.tab, shown, actions)}
      </div>
    </div>
    ${listed()}
  </section>`;
}

function titleOf(shown: Listing): string {
  if (shown === "traffic") return strings.cost.title;
  return shown === "feed" ? strings.feed.title : say.membership;
}

/** The chosen one, else the rounds as soon as there are some. */
function listingShown(state: BoardState, past: readonly RoundMemberships[]): Listing {
  return state.listing ?? (past.length > 0 ? "rounds" : "devices");
}

function listing(value: Listing, label: string, shown: Listing, actions: Actions) {
  return html`<button
    type="button"
    aria-pressed=${shown === value}
    data-testid="listing-${value}"
    @click=${() => actions.dispatch({ type: "listing_chosen", listing: value })}
  >
    ${label}
  </button>`;
}

/** More devices than this need more height to be told apart, and a height of their own. */
const MANY = 30;

function rounds(memberships: readonly RoundMemberships[], state: BoardState, view: View) {
  if (memberships.length === 0) {
    return html`<p class="empty">${view.traffic.rounds > 0 ? say.noCoalitions : say.ribbonNone}</p>`;
  }
  return html`<membership-ribbon
    class=${view.devices.length > MANY ? "many" : ""}
    data-testid="ribbon"
    .memberships=${memberships}
    .devices=${view.devices}
    .rounds=${view.config.rounds}
    .answer=${state.answerShown ? answer(view) : null}
    .looked=${state.looked}
  ></membership-ribbon>`;
}

function answer(view: View): Answer | null {
  const { groups } = view.config.data;
  return groups && { count: groups.count, label: (group) => groupLabel(view, group) };
}

function devices(
  state: BoardState,
  view: View,
  coalition: Map<DeviceId, CoalitionId>,
  groups: boolean,
  actions: Actions,
) {
  return html`<div class="scroll ${view.devices.length > MANY ? "many" : ""}" tabindex="0" role="group" aria-labelledby="membership-title">
      <table data-testid="membership">
        <thead>
          <tr>
            <th scope="col">${say.device}</th>
            <th scope="col" class="count">${say.slot}</th>
            <th scope="col" class="doing">${say.state}</th>
            <th scope="col">${say.coalitionHead}</th>
            ${groups ? html`<th scope="col">${say.group}</th>` : nothing}
            <th scope="col" class="count">${say.up}</th>
            <th scope="col" class="count">${say.down}</th>
            <th scope="col">${say.refused}</th>
            ${state.desk ? html`<th scope="col"><span class="unseen">${say.remove}</span></th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${repeat(
            view.devices,
            ({ id }) => id,
            (device) =>
              guard(
                [device, coalition.get(device.id), view.config, state.answerShown, state.desk, state.busy, language()],
                () => row(device, coalition.get(device.id), groups, state, view, actions),
              ),
          )}
        </tbody>
      </table>
      ${view.devices.length === 0 ? html`<p class="empty">${say.noDevices}</p>` : nothing}
    </div>`;
}

function agreement(view: View) {
  const arms = view.arms.filter((arm) => arm.agreement !== null);
  if (arms.length === 0) return nothing;
  return html`<p class="agreement" title=${say.agreementHint}>
    <span class="dim">${say.agreement}:</span>
    ${arms.map(
      (arm) => html`<span data-testid="agreement-${arm.name}" data-value=${arm.agreement}>
        ${strings.armShort(arm.name, arm.strategy)} <b>${fixed(arm.agreement, 2)}</b>
      </span>`,
    )}
  </p>`;
}

function row(
  device: DeviceRow,
  coalition: CoalitionId | undefined,
  groups: boolean,
  state: BoardState,
  view: View,
  actions: Actions,
) {
  return html`<tr data-testid="device-row" data-device=${device.id} data-state=${device.state} data-coalition=${coalition ?? nothing}>
    <th scope="row"><b>${device.id}</b> ${device.name}</th>
    <td class="count">${device.slot}</td>
    <td class="doing"><span class="state ${device.state}">${strings.deviceStates[device.state]}</span> ${shorterPlanOf(device)} ${mischiefOf(device)}</td>
    <td>${coalition === undefined ? "—" : html`${coalitionSign(coalition)} ${coalitionMark(coalition).letter}`}</td>
    ${groups ? html`<td data-testid="group">${state.answerShown ? groupLabel(view, device.group) : "?"}</td>` : nothing}
    <td class="count">${bytes(device.bytes_up)}</td>
    <td class="count">${bytes(device.bytes_down)}</td>
    <td class="refusal" title=${device.last_refusal ?? ""}>${device.refused === 0 ? "0" : html`<b>${device.refused}</b> ${device.last_refusal ?? nothing}`}</td>
    ${
      state.desk
        ? html`<td>
            <button
              type="button"
              class="slim"
              title=${say.remove}
              aria-label=${say.removeDevice(device.id)}
              data-testid="remove-device"
              ?disabled=${state.busy}
              @click=${() => actions.dispatch({ type: "remove_asked", device: device.id })}
            >
              ✕
            </button>
          </td>`
        : nothing
    }
  </tr>`;
}
