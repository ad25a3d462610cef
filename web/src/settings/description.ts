/** What a run's settings are, as the core describes them, and how one of them is read and changed. */

import { DEFAULT_RUN, MOST_ARMS, MOST_NAME, SETTINGS, STRATEGY_SETTINGS } from "../settings.gen";
import type { RunConfig, StrategyConfig, TableConfig } from "../types.gen";
import { isTable, tableOf, tableText } from "./table";

export type StrategyKind = StrategyConfig["kind"];
export type SettingPath = (typeof SETTINGS)[number]["path"];
export type OptionPath = (typeof STRATEGY_SETTINGS)[StrategyKind][number]["path"];

type Described = (typeof SETTINGS)[number] | (typeof STRATEGY_SETTINGS)[StrategyKind][number];
export type Choice = Extract<Described, { readonly kind: "choice" }>["options"][number];

export type Value = number | string | boolean | null | readonly number[];

export type Range =
  | { readonly kind: "whole"; readonly least: number; readonly most: number }
  | {
      readonly kind: "number";
      readonly least: number;
      readonly most: number;
      /** The end that it may not be itself. */
      readonly without: "least" | "most" | null;
    }
  | { readonly kind: "wholes"; readonly least: number; readonly most: number }
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly options: readonly Choice[] }
  /** Whether the part of the configuration at this path is there at all. */
  | { readonly kind: "part" }
  /** The declaration of devices' own tables, as text. */
  | { readonly kind: "table" };

export type Setting<Path extends string = string> = Range & {
  readonly path: Path;
  /** What it is when nobody says otherwise. */
  readonly start: Value;
  readonly optional: boolean;
  /** The kind of its part that has it; `null` if all have. */
  readonly of: string | null;
};

export const settings: readonly Setting<SettingPath>[] = SETTINGS;
export const strategySettings: Readonly<Record<StrategyKind, readonly Setting<OptionPath>[]>> = STRATEGY_SETTINGS;
export const STRATEGIES = Object.keys(STRATEGY_SETTINGS) as StrategyKind[];
export const defaultRun = DEFAULT_RUN as RunConfig;
export { MOST_ARMS, MOST_NAME };

const TABLE: SettingPath = "data.table";

/** What is for data sets alone, and says nothing where devices bring tables of their own. */
const OF_DATASETS: readonly string[] = [
  "data.dataset",
  "data.partition",
  "data.groups",
  "data.spread",
  "data.balanced_per_label",
];

/** Whether a setting says something in a run. */
export function isHeard(config: RunConfig, { path }: Setting<SettingPath>): boolean {
  return !config.data.table || !OF_DATASETS.some((part) => path === part || path.startsWith(`${part}.`));
}

/** The value at a path, `null` where there is none. */
export function valueAt(tree: object, path: string): Value {
  const found = path.split(".").reduce<unknown>((node, key) => (node as Record<string, unknown> | null)?.[key], tree);
  if (path === TABLE) return found ? tableText(found as TableConfig) : null;
  return typeof found === "object" && found !== null && !Array.isArray(found) ? true : ((found ?? null) as Value);
}

/** The same tree with another value at a path. */
export function withValue<Tree extends object>(tree: Tree, path: string, value: unknown): Tree {
  const [key = "", ...rest] = path.split(".");
  const below: unknown = Reflect.get(tree, key);
  const next =
    rest.length === 0
      ? value
      : withValue(typeof below === "object" && below !== null ? below : {}, rest.join("."), value);
  return (Array.isArray(tree) ? tree.with(Number(key), next) : { ...tree, [key]: next }) as Tree;
}

/** The settings that a configuration has: those of the kinds and parts that it has. */
export function settingsOf(config: RunConfig): Setting<SettingPath>[] {
  return settings.filter(({ path, of }) => {
    const part = partOf(path);
    return (part === "" || valueAt(config, part) !== null) && (of === null || valueAt(config, `${part}.kind`) === of);
  });
}

/** A configuration with one setting changed, and what depends on it as it begins. */
export function choose(config: RunConfig, setting: Setting, value: Value): RunConfig {
  const { path } = setting;
  if (setting.kind === "table") {
    if (value === null) return withValue(config, path, undefined);
    return withValue(withValue(config, "data.groups", null), path, tableOf(String(value)));
  }
  if (setting.kind === "part") {
    const inside = settings.filter((other) => partOf(other.path) === path && other.start !== null);
    return withValue(config, path, value === true ? started({}, path, inside) : null);
  }
  const part = partOf(path);
  const dependent = settings.filter((other) => partOf(other.path) === part && other.of !== null);
  if (path !== `${part}.kind` || dependent.length === 0) return withValue(config, path, value);
  const inside = dependent.filter(({ of }) => of === value);
  return withValue(config, part, started({ kind: value }, part, inside));
}

/** A strategy with its options as they begin. */
export function strategyOf(kind: StrategyKind): StrategyConfig {
  const absent = strategySettings[kind].filter(({ kind, start }) => kind === "part" && start === false);
  const begins = (path: string) => !absent.some((part) => path === part.path || path.startsWith(`${part.path}.`));
  const options = strategySettings[kind].filter(({ path }) => begins(path));
  return options.reduce((strategy, { path, start }) => withValue(strategy, path, start), { kind } as StrategyConfig);
}

/** The options that a strategy has: those of the parts that it has. */
export function optionsOf(strategy: StrategyConfig): Setting<OptionPath>[] {
  return strategySettings[strategy.kind].filter(({ path }) => {
    const part = partOf(path);
    return part === "" || valueAt(strategy, part) !== null;
  });
}

/** A strategy with one option changed; a part begins with its own options as they begin. */
export function chooseOption(strategy: StrategyConfig, { kind, path }: Setting, value: Value): StrategyConfig {
  if (kind !== "part") return withValue(strategy, path, value);
  const all = strategySettings[strategy.kind];
  const inside = all.filter((other) => other.kind !== "part" && partOf(other.path) === path);
  return withValue(strategy, path, value === true ? started({}, path, inside) : undefined);
}

/** Whether the core would take this value as far as its own range goes. */
export function isAllowed(setting: Setting, value: Value): boolean {
  // What may be there or not is left out where it is not.
  if (value === null) return setting.optional || setting.kind === "part" || setting.kind === "flag";
  switch (setting.kind) {
    case "whole":
      return Number.isInteger(value) && within(setting, value);
    case "number":
      return within(setting, value) && (setting.without === null || value !== setting[setting.without]);
    case "wholes":
      return (
        Array.isArray(value) && value.length > 0 && value.every((one) => Number.isInteger(one) && within(setting, one))
      );
    case "choice":
      return setting.options.some((option) => option === value);
    case "flag":
    case "part":
      return typeof value === "boolean";
    case "table":
      return isTable(tableOf(String(value)));
  }
}

/** Where the first value is that is not in its range; `null` if all are. */
export function firstWrong(config: RunConfig): string | null {
  const wrong = settingsOf(config).find((setting) => !isAllowed(setting, valueAt(config, setting.path)));
  const options = config.arms.flatMap(({ strategy }, i) =>
    optionsOf(strategy)
      .filter((option) => !isAllowed(option, valueAt(strategy, option.path)))
      .map(({ path }) => `arms.${i}.strategy.${path}`),
  );
  return wrong?.path ?? options[0] ?? null;
}

const within = ({ least, most }: { readonly least: number; readonly most: number }, value: Value) =>
  typeof value === "number" && value >= least && value <= most;

const partOf = (path: string) => path.slice(0, Math.max(path.lastIndexOf("."), 0));

const started = (base: object, part: string, inside: readonly Setting[]) =>
  inside.reduce((tree, { path, start }) => withValue(tree, path.slice(part.length + 1), start), base);
