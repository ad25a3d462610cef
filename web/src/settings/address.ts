/**
 * A run's settings in an address: those that differ from their defaults, under their paths.
 * `/?rounds=10&data.partition.kind=shards&arms=fed_avg.near*coalition_models&arms.1.formation.k=3`
 */

import type { ArmConfig, RunConfig, StrategyConfig } from "../types.gen";
import {
  choose,
  chooseOption,
  defaultRun,
  optionsOf,
  type Setting,
  STRATEGIES,
  settings,
  settingsOf,
  strategyOf,
  strategySettings,
  type Value,
  valueAt,
} from "./description";

const ARMS = "arms";
/** Names of arms are letters, digits, `_` and `-`. */
const BETWEEN_ARMS = ".";
const BEFORE_STRATEGY = "*";
const BETWEEN_NUMBERS = "-";
const NONE = "none";

/** The settings that differ from their defaults, in the order of their description. */
export function encodeSettings(config: RunConfig): [key: string, text: string][] {
  const own = settingsOf(config).flatMap((setting) => differing(setting, setting.path, valueAt(config, setting.path)));
  const arms = encodeArms(config.arms);
  const options = config.arms.flatMap(({ strategy }, i) =>
    optionsOf(strategy).flatMap((option) =>
      differing(option, `${ARMS}.${i}.${option.path}`, valueAt(strategy, option.path)),
    ),
  );
  return [...own, ...(arms === encodeArms(defaultRun.arms) ? [] : [[ARMS, arms] as [string, string]]), ...options];
}

/** The configuration that an address asks for. What it says of no setting, or not as one is written, is skipped. */
export function decodeSettings(params: URLSearchParams): RunConfig {
  const take = (config: RunConfig, setting: Setting) => {
    const value = decodeValue(setting, params.get(setting.path));
    return value === undefined ? config : choose(config, setting, value);
  };
  // What decides which settings there are goes first.
  const decides = ({ kind, path }: Setting) => kind === "part" || path.endsWith(".kind");
  const shaped = settings.filter(decides).reduce(take, defaultRun);
  const filled = settingsOf(shaped)
    .filter((setting) => !decides(setting))
    .reduce(take, shaped);
  const arms = decodeArms(params.get(ARMS) ?? "") ?? filled.arms;
  return { ...filled, arms: arms.map((arm, i) => withOptions(arm, i, params)) };
}

/** Whether a key of an address is one of these. */
export function isSettingKey(key: string): boolean {
  return key === ARMS || key.startsWith(`${ARMS}.`) || settings.some(({ path }) => path === key);
}

/** Whether two configurations are the same run. */
export function sameSettings(a: RunConfig, b: RunConfig): boolean {
  return String(encodeSettings(a)) === String(encodeSettings(b));
}

function differing(setting: Setting, key: string, value: Value): [string, string][] {
  const shown = setting.kind === "part" || setting.kind === "flag" ? value === true : value;
  const text = encodeValue(shown);
  return text === encodeValue(setting.start) ? [] : [[key, text]];
}

function encodeValue(value: Value): string {
  if (value === null) return NONE;
  return typeof value === "object" ? value.join(BETWEEN_NUMBERS) : String(value);
}

function decodeValue(setting: Setting, text: string | null): Value | undefined {
  if (text === null || text === "") return undefined;
  if (text === NONE) return setting.optional ? null : undefined;
  switch (setting.kind) {
    case "whole":
    case "number":
      return number(text);
    case "wholes": {
      const numbers = text.split(BETWEEN_NUMBERS).map(number);
      return numbers.every((one) => one !== undefined) ? numbers : undefined;
    }
    case "table":
      return text;
    case "choice":
      return setting.options.find((option) => option === text);
    case "flag":
    case "part":
      return text === "true" ? true : text === "false" ? false : undefined;
  }
}

function number(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) ? undefined : value;
}

function encodeArms(arms: readonly ArmConfig[]): string {
  return arms
    .map(({ name, strategy: { kind } }) => (name === kind || name === "" ? kind : name + BEFORE_STRATEGY + kind))
    .join(BETWEEN_ARMS);
}

/** `null` unless all of them are known. */
function decodeArms(text: string): ArmConfig[] | null {
  const arms = text.split(BETWEEN_ARMS).flatMap((one) => {
    const [first = "", second] = one.split(BEFORE_STRATEGY);
    const kind = STRATEGIES.find((known) => known === (second ?? first));
    return kind ? [{ name: first, strategy: strategyOf(kind) }] : [];
  });
  return arms.length === text.split(BETWEEN_ARMS).length ? arms : null;
}

function withOptions(arm: ArmConfig, i: number, params: URLSearchParams): ArmConfig {
  const take = (strategy: StrategyConfig, option: Setting) => {
    const value = decodeValue(option, params.get(`${ARMS}.${i}.${option.path}`));
    const has = optionsOf(strategy).some(({ path }) => path === option.path);
    return value === undefined || !has ? strategy : chooseOption(strategy, option, value);
  };
  // Parts go first, and a part before those in it: they decide which options there are.
  const parts = strategySettings[arm.strategy.kind].filter(({ kind }) => kind === "part");
  const shaped = parts.reduce(take, arm.strategy);
  const others = optionsOf(shaped).filter(({ kind }) => kind !== "part");
  return { ...arm, strategy: others.reduce(take, shaped) };
}
