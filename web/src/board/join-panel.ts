/** How to join: large while the room is a lobby, on demand afterwards. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import type { View } from "../types.gen";
import type { Actions } from "./actions";
import { HERE } from "./here";
import type { BoardState } from "./state";

const say = strings.board;

export function joinPanel({ room, address, view, here }: BoardState, actions: Actions) {
  return html`<section class="join" aria-labelledby="join-title" data-testid="join-panel">
    ${
      address
        ? html`<img class="qr" src=${address.qr_svg_url} alt=${say.qr(room)} data-testid="join-qr" />`
        : html`<span class="qr"></span>`
    }
    <div class="how">
      <h2 id="join-title">${say.joinTitle}</h2>
      ${view?.locked ? html`<p class="locked" role="status" data-testid="join-locked">${say.joinLocked}</p>` : nothing}
      <p>${say.joinSteps}</p>
      <p class="address" data-testid="join-address">${address ? breakable(address.join_url) : nothing}</p>
      <p>${say.joinCode} <span class="code">${room}</span></p>
      ${view ? gathering(view) : nothing}
      <p class="ways">
        <a class="button" href="/join/${room}" target="_blank" rel="noopener" data-testid="join-tab">${say.joinTab}</a>
        ${view && canRunHere(view) && here === 0 ? html`<button type="button" data-testid="run-here" @click=${actions.runHere}>${say.runHere(HERE)}</button>` : nothing}
        ${
          view && view.phase !== "lobby"
            ? html`<button type="button" @click=${() => actions.dispatch({ type: "join_toggled" })}>${say.close}</button>`
            : nothing
        }
      </p>
      ${here > 0 ? html`<p class="dim" role="status" data-testid="running-here">${say.runningHere(here)}</p>` : nothing}
    </div>
  </section>`;
}

/** Devices of this tab have no tables to bring, and no place in a locked room. */
const canRunHere = ({ locked, config }: View) => !locked && !config.data.table;

/** An address that is too long for its line breaks before the path. */
function breakable(url: string) {
  const path = url.indexOf("/", url.indexOf("//") + 2);
  return path < 0 ? url : html`${url.slice(0, path)}<wbr />${url.slice(path)}`;
}

function gathering(view: View) {
  const here = view.devices.filter(({ state }) => state !== "away").length;
  const missing = Math.max(view.config.pacing.min_devices - here, 0);
  return html`<p class="here" role="status">
      <b>${say.devices(here)}</b>
      ${view.phase === "lobby" ? html`<small>${missing > 0 ? say.needed(missing) : say.enough}</small>` : nothing}
    </p>
    ${view.phase === "lobby" ? html`<p class="dim">${say.runSummary(view.config.rounds, view.arms.length)}</p>` : nothing}`;
}
