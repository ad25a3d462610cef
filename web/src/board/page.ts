/** The whole board as a function of its state. */

import { html, nothing } from "lit";
import { strings } from "../strings";
import { preferences } from "../ui/preferences";
import type { Actions } from "./actions";
import { header } from "./header";
import { joinPanel } from "./join-panel";
import { panels } from "./panels";
import { removeDialog } from "./remove-dialog";
import { type BoardState, joinShown } from "./state";

const say = strings.board;

export function boardPage(state: BoardState, actions: Actions) {
  const { view, connection } = state;
  if (connection.kind === "missing") {
    return html`<main class="alone" data-testid="missing">
      <h1>${say.missing}</h1>
      <p>${strings.refusal(connection.notice.code, connection.notice.detail)}</p>
      <p><a class="button primary" href="/">${say.home}</a></p>
      </main>
      <footer>${preferences("with guide")}</footer>`;
  }
  return html`${header(state, actions)} ${notices(state)}
    ${
      view
        ? html`${panels(state, view, actions, joinShown(state) ? joinPanel(state, actions) : null)}
            ${removeDialog(state, view, actions)}`
        : html`<main class="alone"><p class="dim">${say.connecting}</p></main><footer>${preferences("with guide")}</footer>`
    }`;
}

function notices({ connection, notice: last, settingsOpen }: BoardState) {
  // The form of the settings says itself what was refused.
  const notice = settingsOpen ? null : last;
  return html`<div class="notices" role="alert">
    ${connection.kind === "lost" ? html`<p data-testid="connection-lost">${say.lost(connection.retryMs)}</p>` : nothing}
    ${notice ? html`<p data-testid="notice">${strings.refusal(notice.code, notice.detail)}</p>` : nothing}
  </div>`;
}
