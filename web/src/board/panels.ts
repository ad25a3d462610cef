/** The pictures and tables of a run: what a live board and a recording have in common. */

import { html, type TemplateResult } from "lit";
import type { View } from "../types.gen";
import { accuracyPanel } from "./accuracy-panel";
import type { Actions } from "./actions";
import { deviceDetail } from "./device-detail";
import { mapPanel } from "./map-panel";
import { membership } from "./membership";
import type { BoardState } from "./state";
import { traffic } from "./traffic";

/** `first` may take the place of the map. */
export function panels(state: BoardState, view: View, actions: Actions, first: TemplateResult | null = null) {
  return html`<main class="board-grid">
      ${first ?? [mapPanel(state, view, actions), deviceDetail(state, view)]}
      ${accuracyPanel(state, view, actions)} ${membership(state, view, actions)}
    </main>
    ${traffic(view)}`;
}
