import { expect, it } from "vitest";
import script from "../public/theme.js?raw";
import { asTheme, themeShown } from "../src/lib/theme";

/** What the script that runs before the first paint decides. */
function early(kept: string | null, systemIsLight: boolean, forbidden = false): unknown {
  const dataset = { theme: "" };
  const getItem = () => {
    if (forbidden) throw new Error("forbidden");
    return kept;
  };
  const matchMedia = (query: string) => ({ matches: query.includes("light") && systemIsLight });
  const run = new Function("localStorage", "matchMedia", "document", script);
  run({ getItem }, matchMedia, { documentElement: { dataset } });
  return dataset.theme;
}

it("is the same before the first paint and afterwards", () => {
  for (const light of [true, false]) {
    for (const kept of [null, "system", "light", "dark", "nonsense"]) {
      expect(early(kept, light), `${kept}, system light: ${light}`).toBe(themeShown(asTheme(kept), light));
    }
    expect(early("dark", light, true)).toBe(light ? "light" : "dark");
  }
  expect([themeShown("light", false), themeShown("dark", true)]).toEqual(["light", "dark"]);
});
