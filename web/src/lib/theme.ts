/** Light or dark. `public/theme.js` decides before the first paint; this changes it afterwards. */

export const THEMES = ["system", "light", "dark"] as const;

export type Theme = (typeof THEMES)[number];

export function asTheme(text: string | null): Theme {
  return THEMES.find((one) => one === text) ?? "system";
}

/** Dark unless something says light: it is what a projector shows best. */
export function themeShown(chosen: Theme, systemIsLight: boolean): "light" | "dark" {
  return chosen === "system" ? (systemIsLight ? "light" : "dark") : chosen;
}

const CHANGED = "constellation-theme";

export function showTheme(theme: "light" | "dark"): void {
  document.documentElement.setAttribute("data-theme", theme);
  document.dispatchEvent(new Event(CHANGED));
}

/** Calls back when the colours have changed, for pictures that read them once. Returns a function that ends it. */
export function onTheme(repaint: () => void): () => void {
  document.addEventListener(CHANGED, repaint);
  return () => document.removeEventListener(CHANGED, repaint);
}
