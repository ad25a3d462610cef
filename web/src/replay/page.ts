/** The page that plays recordings, as a function of its state. */

import { html, nothing } from "lit";
import { withoutDesk } from "../board/actions";
import { panels } from "../board/panels";
import { progress } from "../board/progress";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { logo } from "../ui/marks";
import { type Opening, opening, refusalBox } from "./opening";
import { playerBar } from "./player-bar";
import { boardShown, type Film, type ReplayMessage, type ReplayState } from "./state";

const say = strings.replay;

export function replayPage(state: ReplayState, open: Opening, dispatch: (message: ReplayMessage) => void) {
  const { film } = state;
  const board = boardShown(state);
  const shown =
    film && board?.view
      ? html`${top(film, board.view, dispatch)} ${notices(state, dispatch)} ${cutOff(film)}
          ${panels(
            board,
            board.view,
            withoutDesk((message) => dispatch({ type: "board", message })),
          )}
          ${playerBar(state, film, board.view, dispatch)}`
      : opening(state, open);
  return html`${shown}
    <p class="drop-here" aria-hidden="true">${say.dropHere}</p>`;
}

function top(film: Film, view: View, dispatch: (message: ReplayMessage) => void) {
  return html`<header class="top">
    <h1>${logo}<a href="/">${strings.product}</a></h1>
    <span class="recorded" data-testid="replay-name">${say.recorded} <b>${film.run ? say.runs[film.run].name : film.file}</b></span>
    ${progress(view)}
    <div class="desk">
      <button type="button" data-testid="replay-other" @click=${() => dispatch({ type: "closed" })}>${say.other}</button>
    </div>
  </header>`;
}

function notices({ refused, reading }: ReplayState, dispatch: (message: ReplayMessage) => void) {
  return html`<div class="notices" role="alert">
    ${reading === null ? nothing : html`<p>${say.reading(reading)}</p>`}
    ${refused ? refusalBox(refused, () => dispatch({ type: "refusal_read" })) : nothing}
  </div>`;
}

function cutOff({ recording: { cutOff, frames } }: Film) {
  return cutOff
    ? html`<p class="cut-off" role="status" data-testid="replay-cut">${say.cutOff(frames.length)}</p>`
    : nothing;
}
