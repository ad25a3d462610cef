/** Settings for a lesson. What is left out is the server's default; a test of the server checks that it takes each. */

import presets from "./presets.json";

export type PresetName = keyof typeof presets;
export type Preset = (typeof presets)[PresetName];

export const PRESETS = Object.keys(presets) as PresetName[];

/** The preset of a name, `null` for a name of none. */
export function preset(name: string): Preset | null {
  return PRESETS.includes(name as PresetName) ? presets[name as PresetName] : null;
}
