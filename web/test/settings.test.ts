import { describe, expect, it } from "vitest";
import { PRESETS, presetRun } from "../src/presets";
import { decodeSettings, encodeSettings, isSettingKey, sameSettings } from "../src/settings/address";
import {
  choose,
  chooseOption,
  defaultRun,
  firstWrong,
  isAllowed,
  optionsOf,
  type Setting,
  STRATEGIES,
  settings,
  settingsOf,
  strategyOf,
  strategySettings,
  type Value,
  valueAt,
} from "../src/settings/description";
import type { RunConfig } from "../src/types.gen";

const search = (config: RunConfig) => new URLSearchParams(encodeSettings(config)).toString();
const back = (config: RunConfig) => decodeSettings(new URLSearchParams(search(config)));

/** Other values than the one it begins with: the ends of a range, or all there are to choose from. */
function others(setting: Setting): Value[] {
  const all: Value[] = (() => {
    switch (setting.kind) {
      case "whole":
        return [setting.least, setting.most];
      case "number":
        return [(setting.least + setting.most) / 3, setting.without === "most" ? setting.least : setting.most];
      case "wholes":
        return [[setting.least], [setting.most, setting.least, 7]];
      case "choice":
        return [...setting.options];
      case "flag":
      case "part":
        return [true, false];
      case "table":
        return ["exercise = at rest | walk\nmean of x 0 1\ny -10.5 1e-9"];
    }
  })();
  const different = (value: Value) => String(value) !== String(setting.start);
  return [...all.filter(different), ...(setting.optional && setting.start !== null ? [null] : [])];
}

/** The default run, as far changed as it must be to have the setting. */
function having(setting: Setting): RunConfig {
  const parts = settings.filter(({ kind, path }) => kind === "part" && setting.path.startsWith(`${path}.`));
  const whole = parts.reduce((config, part) => choose(config, part, true), defaultRun);
  const kind = settings.find(({ path }) => path === `${setting.path.slice(0, setting.path.lastIndexOf("."))}.kind`);
  return setting.of && kind ? choose(whole, kind, setting.of) : whole;
}

describe("settings in an address", () => {
  it("are none for the default run", () => {
    expect(search(defaultRun)).toBe("");
    expect(back(defaultRun)).toEqual(defaultRun);
  });

  it.each(settings.map((setting) => [setting.path, setting] as const))("%s comes back", (path, setting) => {
    expect(others(setting)).not.toEqual([]);
    for (const value of others(setting)) {
      const changed = choose(having(setting), setting, value);
      expect(isAllowed(setting, value)).toBe(true);
      expect(search(changed)).toContain(`${path}=`);
      expect(back(changed)).toEqual(changed);
    }
  });

  it.each(STRATEGIES)("every option of %s comes back", (kind) => {
    const arm = { name: kind, strategy: strategyOf(kind) };
    const run = (strategy: typeof arm.strategy): RunConfig => ({
      ...defaultRun,
      arms: [
        { name: "first-1", strategy: { kind: "fed_avg" } },
        { ...arm, strategy },
      ],
    });
    expect(back(run(arm.strategy))).toEqual(run(arm.strategy));
    for (const option of strategySettings[kind]) {
      // An option of a part that is not there at first needs that part, and those around it.
      const around = strategySettings[kind].filter((part) => option.path.startsWith(`${part.path}.`));
      const having = around.reduce((strategy, part) => chooseOption(strategy, part, true), arm.strategy);
      expect(optionsOf(having)).toContain(option);
      expect(others(option)).not.toEqual([]);
      for (const value of others(option)) {
        const changed = run(chooseOption(having, option, value));
        expect(search(changed)).toContain(`arms.1.${option.path}=`);
        expect(back(changed)).toEqual(changed);
      }
    }
  });

  it("come back all at once", () => {
    const far = settings.reduce((config, setting) => {
      const value = others(setting)[0];
      const has = settingsOf(config).includes(setting) && setting.kind !== "part";
      return has && value !== undefined ? choose(config, setting, value) : config;
    }, defaultRun);
    expect(encodeSettings(far).length).toBeGreaterThan(20);
    expect(back(far)).toEqual(far);
    for (const [key] of encodeSettings(far)) expect(isSettingKey(key)).toBe(true);
  });

  it("that say nothing sensible are skipped", () => {
    const wrong =
      "rounds=many&data.partition.kind=cake&data.groups=none&arms=fed_avg.nothing&desk=secret&seed=&model.hidden=3-x";
    expect(decodeSettings(new URLSearchParams(wrong))).toEqual(defaultRun);
    expect(isSettingKey("desk")).toBe(false);
  });
});

describe("a preset", () => {
  it.each(PRESETS)("%s is another run and comes back", (name) => {
    const run = presetRun(name);
    expect(back(run)).toEqual(run);
    expect(PRESETS.filter((other) => sameSettings(presetRun(other), run))).toEqual([name]);
  });
});

describe("a setting", () => {
  it("that others depend on brings them as they begin, and takes them away", () => {
    const kind = settings.find(({ path }) => path === "data.partition.kind") as Setting;
    expect(choose(defaultRun, kind, "iid").data.partition).toEqual({ kind: "iid" });
    expect(valueAt(choose(defaultRun, kind, "shards"), "data.partition.labels_per_device")).toBe(2);
    const groups = settings.find(({ path }) => path === "data.groups") as Setting;
    const without = choose(defaultRun, groups, false);
    expect(without.data.groups).toBeNull();
    expect(settingsOf(without).map(({ path }) => path)).not.toContain("data.groups.count");
    expect(choose(without, groups, true)).toEqual(defaultRun);
  });

  it("that is not in its range is found, wherever it is", () => {
    expect(firstWrong(defaultRun)).toBeNull();
    for (const name of PRESETS) expect(firstWrong(presetRun(name))).toBeNull();
    for (const kind of STRATEGIES) {
      expect(firstWrong({ ...defaultRun, arms: [{ name: kind, strategy: strategyOf(kind) }] })).toBeNull();
    }
    expect(firstWrong({ ...defaultRun, rounds: Number.NaN })).toBe("rounds");
    const arms = [{ name: "ifca", strategy: { kind: "ifca" as const, k: 17 } }];
    expect(firstWrong({ ...defaultRun, arms })).toBe("arms.0.strategy.k");
  });

  it("has a range whose ends it may not always be", () => {
    const rate = settings.find(({ path }) => path === "training.learning_rate") as Setting;
    expect([0, 0.05, 10, 10.1, null, "1"].map((value) => isAllowed(rate, value))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
    const start = settings.find(({ path }) => path === "pacing.start_at") as Setting;
    expect([null, 2, 2.5, Number.NaN].map((value) => isAllowed(start, value))).toEqual([true, true, false, false]);
  });
});
