/** One setting: its name, a control, what it may be and what it is by default. */

import { html, nothing } from "lit";
import { exact } from "../lib/format";
import { ofKey, strings } from "../strings";
import { isAllowed, type Setting, type Value } from "./description";

const say = strings.settings;

export interface Field {
  readonly setting: Setting;
  /** Where it is in the whole configuration. */
  readonly key: string;
  readonly label: string;
  readonly value: Value;
  /** What the server says against the value. */
  readonly refused: string | null;
  readonly change: (value: Value) => void;
}

/** The element that holds the control of a setting. */
export const fieldId = (key: string) => `setting-${key.replaceAll(".", "-")}`;

export function settingField(field: Field) {
  const { setting, key, label, value, refused } = field;
  const id = fieldId(key);
  const hint = `${id}-hint`;
  const wrong = refused ?? (isAllowed(setting, value) ? null : say.notAllowed(allowed(setting)));
  const ticked = setting.kind === "flag" || setting.kind === "part";
  return html`<div class="setting ${ticked ? "ticked" : ""}" data-testid="setting" data-path=${key} data-value=${String(value)}>
    <label for=${id}>${label}</label>
    ${control(field, id, hint, wrong !== null)}
    <small id=${hint} class=${wrong ? "wrong" : "dim"}>${wrong ?? about(setting)}</small>
  </div>`;
}

function control({ setting, value, change }: Field, id: string, hint: string, wrong: boolean) {
  const invalid = wrong ? "true" : nothing;
  if (setting.kind === "flag" || setting.kind === "part") {
    const ticked = (event: Event) => change((event.currentTarget as HTMLInputElement).checked);
    return html`<input id=${id} type="checkbox" aria-describedby=${hint} .checked=${value === true} @change=${ticked} />`;
  }
  if (setting.kind === "choice") {
    return html`<select id=${id} aria-describedby=${hint} aria-invalid=${invalid} @change=${(event: Event) => change(typed(event))}>
      ${setting.options.map((option) => html`<option value=${option} .selected=${option === value}>${say.choices[option]}</option>`)}
    </select>`;
  }
  if (setting.kind === "table") {
    const text = (event: Event) => (event.currentTarget as HTMLTextAreaElement).value;
    return html`<textarea
      id=${id}
      rows="4"
      spellcheck="false"
      aria-describedby=${hint}
      aria-invalid=${invalid}
      .value=${value === null ? "" : String(value)}
      @change=${(event: Event) => change(text(event).trim() === "" ? null : text(event))}
    ></textarea>`;
  }
  const [least, most] = setting.kind === "wholes" ? [nothing, nothing] : [setting.least, setting.most];
  return html`<input
    id=${id}
    type=${setting.kind === "wholes" ? "text" : "number"}
    min=${least}
    max=${most}
    step=${setting.kind === "number" ? "any" : "1"}
    autocomplete="off"
    aria-describedby=${hint}
    aria-invalid=${invalid}
    .value=${written(value)}
    @change=${(event: Event) => change(read(setting, typed(event)))}
  />`;
}

const typed = (event: Event) => (event.currentTarget as HTMLInputElement | HTMLSelectElement).value;

function written(value: Value): string {
  const parts = typeof value === "object" ? (value ?? []) : [value];
  return parts.some(Number.isNaN) ? "" : parts.join(", ");
}

/** What was typed; NaN, which nothing allows, where it is no number. */
function read(setting: Setting, text: string): Value {
  const number = (part: string) => (part.trim() === "" ? Number.NaN : Number(part));
  if (text.trim() === "" && setting.optional) return null;
  return setting.kind === "wholes" ? text.split(/[,;、\s]+/).map(number) : number(text);
}

function allowed(setting: Setting): string {
  if (setting.kind === "flag" || setting.kind === "part") return "";
  if (setting.kind === "table") return say.tableForm;
  if (setting.kind === "choice") return setting.options.map((option) => say.choices[option]).join(strings.comma);
  const { least, most } = setting;
  const unit = setting.path.endsWith("_ms") ? ` ${say.milliseconds}` : "";
  const range = say.range(least, most, setting.kind === "number" ? setting.without : null) + unit;
  const several = setting.kind === "wholes" ? [say.several] : [];
  return [range, ...several, ...(setting.optional ? [say.emptyForNone] : [])].join(strings.comma);
}

function about(setting: Setting): string {
  const range = setting.kind === "choice" ? "" : allowed(setting);
  return [range, say.usual(shown(setting.start))].filter((part) => part !== "").join(" · ");
}

function shown(value: Value): string {
  if (value === null) return say.none;
  if (typeof value === "boolean") return value ? say.yes : say.no;
  if (typeof value === "string") return ofKey<string>(say.choices, value) ?? value;
  return typeof value === "object" ? value.map(exact).join(strings.comma) : exact(value);
}
