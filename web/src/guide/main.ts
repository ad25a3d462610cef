/** The guide for the teacher, from the Markdown in `docs/`. */

import "../styles/base.css";
import "../styles/marks.css";
import "../styles/guide.css";
import { html, render } from "lit";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import en from "../../../docs/teacher-guide.en.md";
import ja from "../../../docs/teacher-guide.ja.md";
import { language } from "../lib/language";
import { strings } from "../strings";
import { logo } from "../ui/marks";
import { preferences, startPreferences } from "../ui/preferences";

const guides = { en, ja };

startPreferences(() => {
  document.title = strings.guide.pageTitle;
  // Our own text, made HTML when the pages were built.
  const text = unsafeHTML(guides[language()]);
  render(
    html`<header class="top"><a href="/">${logo}${strings.product}</a> ${preferences()}</header>
      <main>${text}</main>`,
    document.body,
  );
});
