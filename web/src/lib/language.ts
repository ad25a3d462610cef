/** Which language the page speaks. Everything it says is looked up when it is drawn, so a switch is a redraw. */

export const LANGUAGES = ["en", "ja"] as const;

export type Language = (typeof LANGUAGES)[number];

let chosen: Language = "en";

export const language = (): Language => chosen;

export function setLanguage(next: Language): void {
  chosen = next;
}

export function asLanguage(text: string | null): Language | null {
  return LANGUAGES.find((one) => one === text) ?? null;
}

/** What the address asks for, else what was chosen before, else the first of the reader's languages that we have. */
export function firstLanguage(asked: string | null, kept: string | null, preferred: readonly string[]): Language {
  const known = preferred.map((tag) => asLanguage(tag.split("-")[0]?.toLowerCase() ?? null));
  return asLanguage(asked) ?? asLanguage(kept) ?? known.find((one) => one !== null) ?? "en";
}
