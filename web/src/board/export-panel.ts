/** Everything of a run that can be saved, as a list of links that drops down from the line at the top. */

import { html, nothing } from "lit";
import { exportUrl } from "../lib/api";
import { strings } from "../strings";
import type { Actions } from "./actions";
import type { BoardState } from "./state";

const say = strings.export;

/** Formats that the server writes, in the order of the list. */
const FORMATS = ["replay", "jsonl", "csv"] as const;

export function exportPanel({ room, exportOpen }: BoardState, actions: Actions) {
  const toggle = () => actions.dispatch({ type: "export_toggled" });
  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !exportOpen) return;
    toggle();
    document.getElementById("export-open")?.focus();
  };
  return html`<div class="export" @keydown=${onEscape}>
    <button type="button" id="export-open" data-testid="export-open" aria-expanded=${exportOpen} aria-controls="export" @click=${toggle}>
      ${say.open}…
    </button>
    ${
      exportOpen
        ? html`<section class="exports" id="export" aria-labelledby="export-title" data-testid="export">
            <h2 id="export-title">${say.title}</h2>
            <ul>
              ${FORMATS.map((format) => saved(exportUrl(room, format), `export-${format}`, say.formats[format]))}
            </ul>
            <p class="dim">${say.watch} <a href="/replay" data-testid="export-watch">${strings.replay.link}</a></p>
          </section>`
        : nothing
    }
  </div>`;
}

/** One file. The server says what it is called. */
function saved(url: string, testid: string, { name, what }: { readonly name: string; readonly what: string }) {
  return html`<li>
    <a class="button" href=${url} download data-testid=${testid}>${name}</a>
    <small class="dim">${what}</small>
  </li>`;
}
