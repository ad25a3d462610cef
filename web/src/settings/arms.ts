/** The arms that a run compares: their strategies, names and options. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import type { ArmConfig, RunConfig } from "../types.gen";
import {
  chooseOption,
  MOST_ARMS,
  MOST_NAME,
  optionsOf,
  type Setting,
  STRATEGIES,
  type StrategyKind,
  strategyOf,
  valueAt,
  withValue,
} from "./description";
import { fieldId, settingField } from "./field";

const say = strings.settings;

export type Refused = (key: string) => string | null;

/** Edits the settings as they are by then: two fields may change before the form is drawn again. */
export type Change = (edit: (config: RunConfig) => RunConfig) => void;

export function armFields(config: RunConfig, refused: Refused, change: Change) {
  const edit = (edited: (arms: ArmConfig[]) => ArmConfig[]) => change((now) => ({ ...now, arms: edited(now.arms) }));
  const remove = (i: number) => edit((arms) => arms.filter((_, other) => other !== i));
  return html`<fieldset class="arms">
    <legend>${say.arms}</legend>
    <ol>
      ${config.arms.map(
        (arm, i) => html`<li data-testid="setting-arm" data-arm=${arm.name}>
          ${head(config.arms, i, refused, edit)}
          ${
            config.arms.length > 1
              ? html`<button type="button" class="slim" aria-label=${say.removeArm(arm.name)} title=${say.removeArm(arm.name)} data-testid="remove-arm" @click=${() => remove(i)}>✕</button>`
              : nothing
          }
          ${options(config, i, refused, change)}
        </li>`,
      )}
    </ol>
    ${
      config.arms.length < MOST_ARMS
        ? html`<button type="button" class="slim" data-testid="add-arm" @click=${() => edit((arms) => [...arms, anotherArm(arms)])}>${say.addArm}</button>`
        : nothing
    }
  </fieldset>`;
}

type EditArms = (edited: (arms: ArmConfig[]) => ArmConfig[]) => void;

function head(arms: readonly ArmConfig[], i: number, refused: Refused, edit: EditArms) {
  const arm = arms[i] as ArmConfig;
  const [id, key] = [fieldId(`arms.${i}.strategy`), `arms.${i}.name`];
  const wrong = refused(key);
  const pick = (event: Event) => {
    const picked = (event.currentTarget as HTMLSelectElement).value;
    const kind = STRATEGIES.find((known) => known === picked);
    if (kind) edit((arms) => withStrategy(arms, i, kind));
  };
  const rename = (event: Event) => {
    const name = (event.currentTarget as HTMLInputElement).value.trim();
    edit((arms) => arms.map((other, at) => (at === i ? { ...other, name } : other)));
  };
  return html`<label class="unseen" for=${id}>${say.strategy}</label>
    <select id=${id} data-testid="arm-strategy" @change=${pick}>
      ${STRATEGIES.map((kind) => html`<option value=${kind} .selected=${kind === arm.strategy.kind}>${strings.armTitle(kind, kind)}</option>`)}
    </select>
    <label class="unseen" for=${fieldId(key)}>${say.armName}</label>
    <input
      id=${fieldId(key)}
      maxlength=${MOST_NAME}
      autocomplete="off"
      spellcheck="false"
      title=${say.armNameHint(MOST_NAME)}
      aria-invalid=${wrong ? "true" : nothing}
      .value=${arm.name}
      @change=${rename}
    />
    ${wrong ? html`<small class="wrong">${wrong}</small>` : nothing}`;
}

function options(config: RunConfig, i: number, refused: Refused, change: Change) {
  const { name, strategy } = config.arms[i] as ArmConfig;
  const settings = optionsOf(strategy);
  if (settings.length === 0) return nothing;
  const field = (setting: Setting, label: string) => {
    const key = `arms.${i}.strategy.${setting.path}`;
    return settingField({
      setting,
      key,
      label,
      value: valueAt(strategy, setting.path),
      refused: refused(key),
      change: (value) =>
        change((now) => {
          const edited = now.arms[i]?.strategy;
          return edited ? withValue(now, `arms.${i}.strategy`, chooseOption(edited, setting, value)) : now;
        }),
    });
  };
  return html`<details>
    <summary>${say.optionsOf(strings.armShort(name, strategy.kind))}</summary>
    <div class="fields">${settings.map((setting) => field(setting, say.options[setting.path]))}</div>
  </details>`;
}

/** An arm with another strategy; a name that nobody gave follows it. */
function withStrategy(arms: readonly ArmConfig[], i: number, kind: StrategyKind): ArmConfig[] {
  const others = arms.filter((_, other) => other !== i);
  return arms.map((arm, at) => {
    if (at !== i) return arm;
    return { name: arm.name === arm.strategy.kind ? freeName(kind, others) : arm.name, strategy: strategyOf(kind) };
  });
}

/** The first strategy that is not compared yet. */
function anotherArm(arms: readonly ArmConfig[]): ArmConfig {
  const kind = STRATEGIES.find((known) => arms.every(({ strategy }) => strategy.kind !== known)) ?? "fed_avg";
  return { name: freeName(kind, arms), strategy: strategyOf(kind) };
}

function freeName(kind: StrategyKind, arms: readonly ArmConfig[]): string {
  const names = [kind, ...Array.from({ length: MOST_ARMS }, (_, i) => `${kind}-${i + 2}`)];
  return names.find((name) => arms.every((arm) => arm.name !== name)) ?? kind;
}
