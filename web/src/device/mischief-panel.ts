/** How the device behaves: honestly, or difficult in one of five ways. Only where the desk allows it. */

import { html } from "lit";
import { live } from "lit/directives/live.js";
import { MISCHIEF } from "../lib/mischief";
import { strings } from "../strings";
import type { Mischief } from "../types.gen";

const say = strings.mischief;

/** `key` keeps the choices of several devices in one tab apart. */
export function mischiefPanel(chosen: Mischief | null, key: number, choose: (mischief: Mischief | null) => void) {
  const choice = (value: Mischief | null, name: string, what: string) => html`<label class="choice">
    <input
      type="radio"
      name="mischief-${key}"
      .checked=${live(value === chosen)}
      data-testid="mischief-${value ?? "honest"}"
      @change=${() => choose(value)}
    />
    <span>${name} <small class="dim">${what}</small></span>
  </label>`;
  return html`<section class="mischief" data-testid="mischief" data-mischief=${chosen ?? "honest"}>
    <h2 id="mischief-title">${say.title}</h2>
    <p class="dim hint">${say.hint}</p>
    <div role="radiogroup" aria-labelledby="mischief-title">
      ${choice(null, say.honest.name, say.honest.what)}
      ${MISCHIEF.map((kind) => choice(kind, say.kinds[kind].name, say.kinds[kind].what))}
    </div>
    <p class="dim hint">${say.leaving}</p>
  </section>`;
}
