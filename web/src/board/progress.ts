/** Which round it is, and what is going on. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { roundProgress } from "./select";

const say = strings.board;

export function progress(view: View) {
  const { sent, of } = roundProgress(view.devices);
  const under = view.phase === "training" && of > 0;
  return html`<span class="round" data-testid="round" data-round=${view.round}>
      ${say.round} <b>${view.round}</b> ${say.ofRounds(view.config.rounds)}
    </span>
    <span class="phase" role="status" data-testid="phase" data-phase=${view.phase}>${strings.phases[view.phase]}</span>
    ${
      under
        ? html`<span class="updates-in"><progress max=${of} .value=${sent} aria-label=${say.sentOf(sent, of)}></progress>
            <span aria-hidden="true">${say.sentOf(sent, of)}</span></span>`
        : nothing
    }`;
}
