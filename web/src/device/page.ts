/** The page of a tab's devices: one card, and a row of signs when there are several. */

import { html, nothing } from "lit";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { Mischief } from "../types.gen";
import { coalitionSign, logo } from "../ui/marks";
import { preferences } from "../ui/preferences";
import { card } from "./card";
import type { DrawActions } from "./draw-panel";
import { leaveDialog, openLeaveDialog } from "./leave-dialog";
import { coalitionShown, MOST_DEVICES, shownDevice, type TabDevice, type TabState } from "./state";
import type { TableActions } from "./table-panel";

const say = strings.device;

/** Why a room lets a device not even join. */
const TURNED_AWAY: readonly string[] = ["room_full", "room_locked"];

export interface TabActions {
  add(): void;
  leave(key: number): void;
  show(key: number): void;
  /** Makes the shown device difficult, or honest again. */
  misbehave(mischief: Mischief | null): void;
  readonly draw: DrawActions;
  readonly table: TableActions;
}

export function tabPage(state: TabState, actions: TabActions) {
  const shown = shownDevice(state);
  return html`<header class="top">
      <a href="/">${logo}${strings.product}</a>
      <span>${say.room} <span class="code" data-testid="room">${state.room}</span></span>
    </header>
    ${state.devices.length > 1 ? switcher(state, actions) : nothing}
    ${shown ? card(shown, state.draw, actions) : gone(state, actions)}
    ${
      shown
        ? html`<p class="row">
            <button type="button" data-testid="add-device" ?disabled=${state.devices.length >= MOST_DEVICES} @click=${actions.add}>
              ${say.add}
            </button>
            <button type="button" data-testid="leave-device" aria-label=${say.leaveDevice(nameOf(shown))} @click=${openLeaveDialog}>
              ${say.leave}
            </button>
            ${turnedAway(state)}
            ${state.devices.length >= MOST_DEVICES ? html`<small class="dim">${say.limit(MOST_DEVICES)}</small>` : nothing}
          </p>
          ${leaveDialog(nameOf(shown), () => actions.leave(shown.key))}`
        : nothing
    }
    <footer>${preferences()}</footer>`;
}

/** Where another device of this tab was not let in, the ones that are in say so. */
function turnedAway({ farewell }: TabState) {
  return farewell && TURNED_AWAY.includes(farewell.code)
    ? html`<small role="alert" data-testid="turned-away" data-code=${farewell.code}>${strings.refusal(farewell.code, farewell.detail)}</small>`
    : nothing;
}

export function nameOf({ identity }: TabDevice): string {
  return identity ? say.name(identity.device) : say.joining;
}

function switcher({ devices, shown }: TabState, actions: TabActions) {
  return html`<nav class="switcher" aria-label=${say.switcher}>
    ${devices.map((device) => {
      const coalition = coalitionShown(device.view);
      const activity = device.view?.activity ?? "connecting";
      const where = coalition === null ? say.noCoalition : say.coalition(coalitionMark(coalition).letter);
      return html`<button
        type="button"
        aria-pressed=${device.key === shown}
        aria-label=${[nameOf(device), where, strings.activities[activity]].join(strings.comma)}
        data-testid="device-tab"
        data-device=${device.identity?.device ?? nothing}
        data-activity=${activity}
        @click=${() => actions.show(device.key)}
      >
        ${coalition === null ? nothing : coalitionSign(coalition)} ${device.identity?.device ?? "…"}
      </button>`;
    })}
  </nav>`;
}

function gone({ farewell }: TabState, actions: TabActions) {
  if (farewell === null) return html`<main class="gone"><p class="dim">${say.joining}</p></main>`;
  return html`<main class="gone" data-testid="gone">
    <h1>${TURNED_AWAY.includes(farewell.code) ? say.notLetIn : say.gone}</h1>
    <p data-testid="farewell" data-code=${farewell.code}>${strings.refusal(farewell.code, farewell.detail)}</p>
    <button type="button" class="primary" data-testid="join-again" @click=${actions.add}>${say.joinAgain}</button>
  </main>`;
}
