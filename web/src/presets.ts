/** Settings for a lesson. What is left out is the default; a test of the server checks that it takes each. */

import presets from "./presets.json";
import { sameSettings } from "./settings/address";
import { defaultRun } from "./settings/description";
import type { DataConfig, RunConfig } from "./types.gen";

export type PresetName = keyof typeof presets;

export const PRESETS = Object.keys(presets) as PresetName[];

/** The run of a preset. */
export function presetRun(name: PresetName, seed: number = defaultRun.seed): RunConfig {
  const data = presets[name].data as Partial<DataConfig>;
  return { ...defaultRun, seed, data: { ...defaultRun.data, ...data } };
}

/** The preset that a run is, whatever its seed; `null` for one of nobody's. */
export function presetOf(config: RunConfig): PresetName | null {
  return PRESETS.find((name) => sameSettings(presetRun(name, config.seed), config)) ?? null;
}
