/** The last message that left the device, decoded. */

import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { bytes, exact } from "../lib/format";
import { language } from "../lib/language";
import { strings } from "../strings";
import type { SentFile } from "../types.gen";
import { readMessage, type SentModel } from "./message";

const say = strings.message;

export function messagePanel(file: SentFile) {
  // A message does not change; the page draws ten times a second.
  return guard([file, language()], () => panel(file));
}

function panel(file: SentFile) {
  const { models, report, otherBytes } = readMessage(file);
  return html`<details class="message" data-testid="last-message" data-round=${file.round}>
    <summary>${say.title(file.round, bytes(file.bytes))}</summary>
    <table>
      <thead>
        <tr><th scope="col">${say.what}</th><th scope="col">${say.numbers}</th><th scope="col">${say.type}</th><th scope="col">${say.bytes}</th></tr>
      </thead>
      <tbody>
        ${models.map(row)}
        <tr>
          <th scope="row">${say.report}</th>
          <td></td>
          <td>JSON</td>
          <td>${exact(otherBytes)}</td>
        </tr>
      </tbody>
    </table>
    ${file.numbers.length > 0 ? html`<p class="dim hint">${say.first(file.numbers.map(fourDigits).join(", "))}</p>` : nothing}
    <pre data-testid="last-report">${report}</pre>
  </details>`;
}

const row = ({ name, types, numbers, bytes: size }: SentModel) => html`<tr data-testid="sent-model" data-model=${name}>
  <th scope="row"><code>${name}</code></th>
  <td>${exact(numbers)}</td>
  <td>${types.join(", ")}</td>
  <td>${exact(size)}</td>
</tr>`;

/** As in the report beside it, which is JSON, whatever the language. */
/** Training that has diverged sends what is no number, and the page says so. */
const fourDigits = (value: number | null) => (value === null ? "NaN" : value.toPrecision(4).replace("-", "−"));
