/** Where a device is given its table: a file, which stays in the tab, or an example. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import type { TableConfig } from "../types.gen";
import type { FileRefusal } from "../worker-messages";
import { hasExample } from "./example";
import type { TabDevice } from "./state";

const say = strings.table;

export interface TableActions {
  /** Reads a file for a device. */
  read(key: number, name: string, content: Promise<ArrayBuffer>): void;
  /** Reads the example of a slot. */
  example(key: number, slot: number): void;
}

export function tablePanel({ key, identity, file }: TabDevice, table: TableConfig, actions: TableActions) {
  const take = (files: FileList | null | undefined) => {
    const [first] = files ?? [];
    if (first) actions.read(key, first.name, first.arrayBuffer());
  };
  const chosen = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    take(input.files);
    // So that the same file, mended, can be chosen again.
    input.value = "";
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  };
  return html`<section class="table" data-testid="table">
    <h2>${say.title}</h2>
    <label class="drop" @dragover=${(event: DragEvent) => event.preventDefault()} @drop=${dropped}>
      <span><b>${say.choose}</b> ${say.drop}</span>
      <input type="file" accept=".csv,text/csv" data-testid="table-file" @change=${chosen} />
    </label>
    <p class="stays">${say.stays}</p>
    ${
      file?.refusal
        ? html`<div class="refusal" role="alert" data-testid="table-refused">
            <b>${say.refused(file.name)}</b>
            <p>${refusalText(file.refusal)}</p>
            <p>${say.another}</p>
          </div>`
        : html`<p role="status">${file ? say.reading(file.name) : nothing}</p>`
    }
    ${
      hasExample(table)
        ? html`<p>
            <button type="button" data-testid="table-example" @click=${() => actions.example(key, identity?.slot ?? 0)}>${say.example}</button>
            <small class="dim">${say.exampleHint}</small>
          </p>`
        : nothing
    }
    ${expected(table)}
  </section>`;
}

/** Why a file is not taken, in the page's language. */
export function refusalText(refusal: FileRefusal): string {
  const words = say.refusals[refusal.kind] as string | ((refusal: FileRefusal) => string);
  return typeof words === "string" ? words : words(refusal);
}

function expected({ label, labels, columns }: TableConfig) {
  return html`<details open data-testid="table-expected">
    <summary>${say.expected}</summary>
    <dl>
      <dt>${say.labelColumn}</dt>
      <dd><code>${label}</code>${say.oneOf(labels)}</dd>
      <dt>${say.columns(columns.length)}</dt>
      <dd class="names">${columns.map(({ name }) => html`<code>${name}</code> `)}</dd>
    </dl>
  </details>`;
}
