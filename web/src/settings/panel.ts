/** The settings of a run as a form: presets, what is changed most, what is compared, and the rest on demand. */

import { html, nothing } from "lit";
import { ref } from "lit/directives/ref.js";
import type { Notice } from "../lib/api";
import { PRESETS, presetOf, presetRun } from "../presets";
import { strings } from "../strings";
import type { RunConfig } from "../types.gen";
import { encodeSettings, sameSettings } from "./address";
import { armFields, type Change, type Refused } from "./arms";
import { choose, isHeard, type Setting, type SettingPath, settingsOf, valueAt } from "./description";
import { fieldId, settingField } from "./field";

const say = strings.settings;

/** In this order; the others are behind "more". */
const COMMON: readonly SettingPath[] = [
  "data.dataset",
  "data.partition.kind",
  "data.partition.alpha",
  "data.partition.labels_per_device",
  "data.groups",
  "data.groups.kind",
  "data.groups.count",
  "data.examples",
  "model.kind",
  "model.hidden",
  "rounds",
  "training.epochs",
  "training.learning_rate",
  "seed",
];

const PARTS = ["data", "training", "pacing", "encodings"] as const;

export interface PanelState {
  /** What the fields say. */
  readonly config: RunConfig;
  /** What the room runs. */
  readonly running: RunConfig;
  readonly busy: boolean;
  /** What the server refused last. */
  readonly notice: Notice | null;
}

export interface PanelActions {
  change: Change;
  discard(): void;
  apply(): void;
  close(): void;
}

export function settingsPanel(state: PanelState, actions: PanelActions) {
  const { config, notice } = state;
  const refused: Refused = (key) => (notice?.field && keyOf(notice.field) === key ? notice.detail : null);
  const settings = settingsOf(config).filter((setting) => isHeard(config, setting));
  const field = (setting: Setting<SettingPath>) =>
    settingField({
      setting,
      key: setting.path,
      label: say.labels[setting.path],
      value: valueAt(config, setting.path),
      refused: refused(setting.path),
      change: (value) => actions.change((config) => choose(config, setting, value)),
    });
  const common = COMMON.flatMap((path) => settings.filter((setting) => setting.path === path));
  const more = settings.filter(({ path }) => !COMMON.includes(path));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    actions.apply();
  };
  return html`<form id="settings" class="settings" novalidate aria-labelledby="settings-title" @submit=${submit}>
    <div class="head">
      <h2 id="settings-title" tabindex="-1" ${ref(focused)}>${say.title}</h2>
      <button type="button" class="slim" data-testid="settings-close" @click=${actions.close}>${strings.board.close}</button>
    </div>
    ${presets(config, actions)}
    <div class="fields">${common.map(field)}</div>
    ${armFields(config, refused, actions.change)}
    <details data-testid="settings-more">
      <summary>${say.more}</summary>
      ${PARTS.map(
        (part) => html`<fieldset>
          <legend>${say.parts[part]}</legend>
          <div class="fields">${more.filter(({ path }) => path.startsWith(`${part}.`)).map(field)}</div>
        </fieldset>`,
      )}
      <div class="fields">${more.filter(({ path }) => !PARTS.some((part) => path.startsWith(`${part}.`))).map(field)}</div>
    </details>
    ${footer(state, actions)}
  </form>`;
}

function presets(config: RunConfig, actions: PanelActions) {
  const chosen = presetOf(config);
  const choice = (value: string, name: string, what: string, pick: () => void) => html`<label class="choice">
    <input type="radio" name="preset" value=${value} .checked=${value === (chosen ?? "own")} data-testid="preset-${value}" @change=${pick} />
    <span>${name}<small class="dim">${what}</small></span>
  </label>`;
  return html`<fieldset class="presets">
    <legend>${strings.board.preset}</legend>
    ${PRESETS.map((name) => {
      const { name: label, what } = strings.presets[name];
      return choice(name, label, what, () => actions.change(({ seed }) => presetRun(name, seed)));
    })}
    ${chosen === null ? choice("own", say.own, say.ownWhat, () => {}) : nothing}
  </fieldset>`;
}

function footer({ config, running, busy, notice }: PanelState, actions: PanelActions) {
  const same = sameSettings(config, running);
  return html`<div class="foot">
    <p class="wrong" role="alert" data-testid="settings-refused" data-field=${notice?.field ?? nothing}
      >${notice ? strings.refusal(notice.code, notice.detail) : ""}</p>
    <p class="dim">${same ? say.same : say.changed}</p>
    <p class="ways">
      <button class="primary" data-testid="desk-apply" ?disabled=${busy}>${say.apply}</button>
      ${
        same
          ? nothing
          : html`<button type="button" data-testid="settings-discard" @click=${actions.discard}>${say.discard}</button>`
      }
      <a href="/?${new URLSearchParams(encodeSettings(config))}" target="_blank" rel="noopener" data-testid="settings-link">${say.link}</a>
    </p>
  </div>`;
}

/** The server's `arms[0].name` is our `arms.0.name`. */
const keyOf = (field: string) => field.replaceAll("[", ".").replaceAll("]", "");

/** Opens what hides a field, and goes there. */
export function reveal(field: string): void {
  const control = document.getElementById(fieldId(keyOf(field)));
  const hidden = control?.closest("details");
  if (hidden) hidden.open = true;
  control?.focus();
}

/** Whoever opens the form is about to read it. */
function focused(title: Element | undefined) {
  if (title instanceof HTMLElement) queueMicrotask(() => title.focus());
}
