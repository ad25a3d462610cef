/** Where a recording is chosen: a file, or a run that comes with the pages. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import { logo } from "../ui/marks";
import { preferences } from "../ui/preferences";
import type { Refusal } from "./recording";
import { RUNS, type RunName } from "./runs";
import type { ReplayState } from "./state";

const say = strings.replay;

export interface Opening {
  file(file: File): void;
  run(name: RunName): void;
}

export function opening({ reading, refused }: ReplayState, open: Opening) {
  const chosen = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const [file] = input.files ?? [];
    if (file) open.file(file);
    // So that the same file, mended, can be chosen again.
    input.value = "";
  };
  return html`<header class="top">
      <h1>${logo}<a href="/">${strings.product}</a></h1>
    </header>
    <main class="opening">
      <h2>${say.title}</h2>
      <p>${say.what}</p>
      <ul class="films">
        ${RUNS.map(
          (name) => html`<li>
            <h3>${say.runs[name].name}</h3>
            <p>${say.runs[name].what}</p>
            <button type="button" class="primary" data-testid="replay-run-${name}" aria-label=${say.watchRun(say.runs[name].name)} @click=${() => open.run(name)}>
              ${say.watch}
            </button>
          </li>`,
        )}
      </ul>
      <label class="drop">
        <span><b>${say.choose}</b> ${say.drop}</span>
        <input type="file" accept=".jsonl,.gz,application/gzip,application/x-ndjson" data-testid="replay-file" @change=${chosen} />
        <small class="dim">${say.fileHint}</small>
      </label>
      <p class="stays">${say.stays}</p>
      <p role="status">${reading === null ? nothing : say.reading(reading)}</p>
      <div role="alert">${refused ? refusalBox(refused) : nothing}</div>
    </main>
    <footer>${preferences("with guide")}</footer>`;
}

/** What cannot be played, where, why, and what to do about it; where it covers something, with a way to close it. */
export function refusalBox({ name, refusal }: NonNullable<ReplayState["refused"]>, close?: () => void) {
  return html`<div class="unplayable" data-testid="replay-refused" data-kind=${refusal.kind}>
    <b>${say.refused(name)}</b>
    <p>${refusalText(refusal)}</p>
    ${close ? html`<button type="button" data-testid="replay-refusal-read" @click=${close}>${strings.board.close}</button>` : nothing}
  </div>`;
}

/** Why a file is not played, in the page's language. */
export function refusalText(refusal: Refusal): string {
  const words = say.refusals[refusal.kind] as string | ((refusal: Refusal) => string);
  return typeof words === "string" ? words : words(refusal);
}
