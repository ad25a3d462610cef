/** The line at the top: which room, which round, what is going on, and the desk. */

import { html, nothing } from "lit";
import { settingsPanel } from "../settings/panel";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { logo } from "../ui/marks";
import type { Actions } from "./actions";
import { exportPanel } from "./export-panel";
import { progress } from "./progress";
import { deskAllows } from "./select";
import { slowAllowed } from "./slow";
import { type BoardState, joinShown } from "./state";

const say = strings.board;

export function header(state: BoardState, actions: Actions) {
  const { view } = state;
  return html`<header class="top">
    <h1>${logo}<a href="/">${strings.product}</a></h1>
    <span class="code" aria-label=${say.roomCode} data-testid="room">${state.room}</span>
    ${view?.locked ? html`<span class="locked" data-testid="locked">${say.locked}</span>` : nothing}
    ${view ? progress(view) : nothing}
    <div class="desk">
      <button
        type="button"
        data-testid="join-toggle"
        aria-expanded=${joinShown(state)}
        @click=${() => actions.dispatch({ type: "join_toggled" })}
      >
        ${say.join}
      </button>
      ${view && state.desk ? desk(state, view, actions) : nothing} ${view ? exportPanel(state, view, actions) : nothing}
    </div>
  </header>`;
}

function desk(state: BoardState, view: View, actions: Actions) {
  const may = deskAllows(view.phase);
  const button = (command: "start" | "pause" | "step", label: string, primary: boolean) => html`<button
    type="button"
    class=${primary && may[command] ? "primary" : ""}
    data-testid="desk-${command}"
    ?disabled=${state.busy || state.slow !== null || !may[command]}
    @click=${() => actions.desk({ command })}
  >
    ${label}
  </button>`;
  const toggle = () => actions.dispatch({ type: "settings_toggled" });
  return html`${button("start", view.phase === "paused" ? say.goOn : say.start, true)}
    ${button("pause", say.pause, true)} ${button("step", say.step, false)}
    <button
      type="button"
      data-testid="desk-slow"
      aria-pressed=${state.slow !== null}
      ?disabled=${state.busy || !slowAllowed(view)}
      @click=${() => (state.slow ? actions.slow.leave() : actions.slow.begin())}
    >
      ${strings.slow.title}
    </button>
    <button
      type="button"
      data-testid="desk-lock"
      title=${view.locked ? say.unlockHint : say.lockHint}
      ?disabled=${state.busy}
      @click=${() => actions.desk({ command: view.locked ? "unlock" : "lock" })}
    >
      ${view.locked ? say.unlock : say.lock}
    </button>
    <div class="settings-of-run" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && state.settingsOpen && closed(toggle)}>
      <button type="button" id="settings-open" data-testid="settings-open" aria-expanded=${state.settingsOpen} aria-controls="settings" @click=${toggle}>
        ${strings.settings.open}…
      </button>
      ${state.settingsOpen ? settingsOf(state, view, actions, () => closed(toggle)) : nothing}
    </div>`;
}

function settingsOf(state: BoardState, view: View, actions: Actions, close: () => void) {
  return settingsPanel(
    { config: state.draft ?? view.config, running: view.config, busy: state.busy, notice: state.notice },
    {
      change: actions.changeSettings,
      discard: () => actions.dispatch({ type: "settings_discarded" }),
      apply: actions.applySettings,
      close,
    },
  );
}

/** Closes the form; whoever worked in it goes on from where it was opened. */
function closed(toggle: () => void) {
  toggle();
  document.getElementById("settings-open")?.focus();
}
