/** The line at the top: which room, which round, what is going on, and the desk. */

import { html, nothing } from "lit";
import { ref } from "lit/directives/ref.js";
import { PRESETS, preset } from "../presets";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { logo } from "../ui/marks";
import type { Actions } from "./actions";
import { deskAllows, roundProgress } from "./select";
import { slowAllowed } from "./slow";
import { type BoardState, joinShown } from "./state";

const say = strings.board;

export function header(state: BoardState, actions: Actions) {
  const { view } = state;
  return html`<header class="top">
    <h1>${logo}<a href="/">${strings.product}</a></h1>
    <span class="code" aria-label=${say.roomCode} data-testid="room">${state.room}</span>
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
      ${view && state.desk ? desk(state, view, actions) : nothing}
    </div>
  </header>`;
}

function progress(view: View) {
  const { sent, of } = roundProgress(view.devices);
  const under = view.phase === "training" && of > 0;
  return html`<span class="round" data-testid="round" data-round=${view.round}>
      ${say.round} <b>${view.round}</b> ${say.ofRounds(view.config.rounds)}
    </span>
    <span class="phase" role="status" data-testid="phase" data-phase=${view.phase}>${strings.phases[view.phase]}</span>
    ${
      under
        ? html`<span class="updates-in"><progress max=${of} .value=${sent} aria-label=${say.sentOf(sent, of)}></progress>
            <span aria-hidden="true">${say.sentOf(sent, of)}</span></span>`
        : nothing
    }`;
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
  const close = () => actions.dispatch({ type: "reset_toggled" });
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
    <div class="reset" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && state.resetOpen && close()}>
      <button
        type="button"
        data-testid="desk-reset-open"
        aria-expanded=${state.resetOpen}
        aria-controls="reset-form"
        ?disabled=${state.busy || !may.reset}
        @click=${() => actions.dispatch({ type: "reset_toggled" })}
      >
        ${say.reset}…
      </button>
      ${state.resetOpen ? resetForm(view, actions) : nothing}
    </div>`;
}

function resetForm(view: View, actions: Actions) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const { elements } = event.currentTarget as HTMLFormElement;
    const { valueAsNumber } = elements.namedItem("seed") as HTMLInputElement;
    const seed = Number.isNaN(valueAsNumber) ? {} : { seed: valueAsNumber };
    const chosen = preset((elements.namedItem("preset") as RadioNodeList).value);
    actions.desk(chosen ? { command: "configure", config: { ...chosen, ...seed } } : { command: "reset", ...seed });
  };
  return html`<form
    id="reset-form"
    class="reset-form"
    @submit=${submit}
  >
    <b>${say.resetTitle}</b>
    <fieldset>
      <legend>${say.preset}</legend>
      ${presetChoice("", say.presetSame, nothing, true)}
      ${PRESETS.map((name) => presetChoice(name, strings.presets[name].name, strings.presets[name].what, false))}
    </fieldset>
    <label>
      ${say.seed}
      <input name="seed" type="number" min="0" max="4294967295" step="1" .defaultValue=${`${view.seed}`} data-testid="desk-seed" ${ref(focused)} />
    </label>
    <button class="primary" data-testid="desk-reset">${say.resetNow}</button>
  </form>`;
}

function presetChoice(name: string, label: string, what: string | typeof nothing, checked: boolean) {
  return html`<label class="choice">
    <input type="radio" name="preset" .value=${name} .defaultChecked=${checked} data-testid="preset-${name || "same"}" />
    <span>${label}<small class="dim">${what}</small></span>
  </label>`;
}

/** Whoever opens the form is about to use it. */
function focused(field: Element | undefined) {
  if (field instanceof HTMLInputElement) field.focus();
}
