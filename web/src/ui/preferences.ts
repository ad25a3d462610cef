/** Language and theme: how they begin, and the two controls that change them, on every page. */

import { html, LitElement, nothing } from "lit";
import { asLanguage, firstLanguage, LANGUAGES, type Language, language, setLanguage } from "../lib/language";
import { browserStorage, loadPreference, savePreference } from "../lib/storage";
import { asTheme, showTheme, THEMES, type Theme, themeShown } from "../lib/theme";
import { strings } from "../strings";

const keep = browserStorage();
const systemLight = () => matchMedia("(prefers-color-scheme: light)");

let theme: Theme = "system";
let redrawPage = () => {};

/** Begins with what the reader wants. `redraw` draws the page again and sets its title. */
export function startPreferences(redraw: () => void): void {
  redrawPage = redraw;
  const asked = new URLSearchParams(location.search).get("lang");
  speak(firstLanguage(asked, loadPreference(keep, "language"), navigator.languages));
  if (asLanguage(asked)) savePreference(keep, "language", language());
  theme = asTheme(loadPreference(keep, "theme"));
  const paint = () => showTheme(themeShown(theme, systemLight().matches));
  paint();
  systemLight().addEventListener("change", paint);
}

function speak(next: Language) {
  setLanguage(next);
  document.documentElement.lang = next;
  redrawPage();
  // Pictures draw themselves when what they show changes; what they say has changed now.
  for (const element of document.querySelectorAll(":defined")) {
    if (element instanceof LitElement) element.requestUpdate();
  }
}

function chooseLanguage(next: Language) {
  savePreference(keep, "language", next);
  // A reload must not go back to what the address asked for.
  const address = new URL(location.href);
  if (address.searchParams.has("lang")) {
    address.searchParams.delete("lang");
    history.replaceState(history.state, "", address);
  }
  speak(next);
}

function chooseTheme(next: Theme) {
  theme = next;
  savePreference(keep, "theme", next);
  showTheme(themeShown(next, systemLight().matches));
}

/** A language is named in itself, so that whoever cannot read the page finds it. */
const NAMES: Record<Language, string> = { en: "English", ja: "日本語" };

/** The line with the two controls; `guide` adds the way to the guide for the teacher. */
export function preferences(guide: "with guide" | "alone" = "alone") {
  const say = strings.preferences;
  return html`<div class="preferences">
    ${guide === "with guide" ? html`<a href="/guide" data-testid="guide-link">${strings.guide.link}</a>` : nothing}
    <label
      >${say.language}
      <select data-testid="language" @change=${(event: Event) => chooseLanguage(asLanguage(picked(event)) ?? "en")}>
        ${LANGUAGES.map((one) => html`<option value=${one} lang=${one} ?selected=${one === language()}>${NAMES[one]}</option>`)}
      </select>
    </label>
    <label
      >${say.theme}
      <select data-testid="theme" @change=${(event: Event) => chooseTheme(asTheme(picked(event)))}>
        ${THEMES.map((one) => html`<option value=${one} ?selected=${one === theme}>${say.themes[one]}</option>`)}
      </select>
    </label>
  </div>`;
}

const picked = (event: Event) => (event.currentTarget as HTMLSelectElement).value;
