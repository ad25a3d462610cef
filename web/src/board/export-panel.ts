/** Everything of a run that can be saved, as a list of links that drops down from the line at the top. */

import { html, nothing } from "lit";
import { exportUrl, modelUrl } from "../lib/api";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { CoalitionId, View } from "../types.gen";
import type { Actions } from "./actions";
import { mapShown, saveCurves, saveMap } from "./export-pictures";
import type { BoardState } from "./state";

const say = strings.export;

/** Formats that the server writes, in the order of the list. */
const FORMATS = ["replay", "jsonl", "csv"] as const;

export function exportPanel(state: BoardState, view: View, actions: Actions) {
  const { room, exportOpen } = state;
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
              ${picture("export-map-svg", say.map, !mapShown(state, view), () => saveMap(state, view))}
              ${picture(
                "export-curves-svg",
                say.curves,
                view.arms.every(({ history }) => history.length === 0),
                () => saveCurves(state, view),
              )}
            </ul>
            ${models(room, view)}
            <p class="dim">${say.watch} <a href="/replay" data-testid="export-watch">${strings.replay.link}</a></p>
          </section>`
        : nothing
    }
  </div>`;
}

/** One file. The server says what it is called. */
function saved(url: string, testid: string, { name, what }: Words) {
  return html`<li>
    <a class="button" href=${url} download data-testid=${testid}>${name}</a>
    <small class="dim">${what}</small>
  </li>`;
}

type Words = { readonly name: string; readonly what: string };

/** A picture of what the board shows now. */
function picture(testid: string, { name, what }: Words, disabled: boolean, save: () => void) {
  return html`<li>
    <button type="button" data-testid=${testid} ?disabled=${disabled} @click=${save}>${name}</button>
    <small class="dim">${what}</small>
  </li>`;
}

/** Every arm's published models; an arm without a global one has none at all. */
function models(room: string, view: View) {
  // Before the first round has closed there is nothing worth taking home.
  if (view.fingerprint === "") return nothing;
  const arms = view.arms.filter(({ strategy }) => strategy !== "local_only");
  return html`<h3>${say.models}</h3>
    <ul>
      ${arms.map(({ name, strategy, coalitions }) => {
        const arm = strings.armShort(name, strategy);
        const each: (CoalitionId | null)[] = [null, ...coalitions.map(({ id }) => id)];
        return each.map((id) => model(room, name, id, arm));
      })}
    </ul>`;
}

function model(room: string, arm: string, id: CoalitionId | null, title: string) {
  const of = id === null ? strings.board.globalModel : say.coalition(coalitionMark(id).letter);
  const words = `${title}${strings.comma}${of}`;
  const link = (format: string, shown: string) => html`<a
    href=${modelUrl(room, arm, id === null ? "global" : `${id}`, format)}
    download
    aria-label=${`${words}${strings.comma}${shown}`}
    data-testid="export-model"
    >${shown}</a
  >`;
  return html`<li><span>${words}</span><span>${link("safetensors", "safetensors")} ${link("onnx", "ONNX")}</span></li>`;
}
