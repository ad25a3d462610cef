/** The first page: start a room or join one. */

import { html, nothing, svg } from "lit";
import { type Shape, shapePath, starPath } from "../lib/palette";
import { strings } from "../strings";
import { preferences } from "../ui/preferences";
import type { HomeState } from "./state";

const say = strings.home;

export interface HomeActions {
  start(): void;
  join(code: string): void;
}

/** `settings` is how many settings the address has that differ from their defaults. */
export function homePage({ busy, notice }: HomeState, settings: number, actions: HomeActions) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("code") as HTMLInputElement;
    actions.join(field.value);
  };
  return html`<main>
    ${emblem}
    <h1>${strings.product}</h1>
    <p class="what">${say.what}</p>
      <p class="what">${say.stays}</p>
    <div class="ways">
      <section>
        <button type="button" class="primary large" data-testid="start-room" ?disabled=${busy} @click=${actions.start}>
          ${busy ? say.starting : say.start}
        </button>
        <p class="dim">${say.startHint}</p>
        ${settings > 0 ? html`<p class="dim" data-testid="with-settings" data-count=${settings}>${say.withSettings(settings)}</p>` : nothing}
      </section>
      <section>
        <form @submit=${submit}>
          <label class="unseen" for="code">${say.code}</label>
          <input
            id="code"
            name="code"
            data-testid="join-code"
            placeholder=${say.code}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="12"
          />
          <button class="large" data-testid="join-button">${say.join}</button>
        </form>
        <p class="dim">${say.joinHint}</p>
      </section>
    </div>
    <p><a href="/replay" data-testid="replay-link">${strings.replay.link}</a></p>
    <p class="notice" role="alert" data-testid="notice">${notice ? strings.refusal(notice.code, notice.detail) : ""}</p>
    </main>
    <footer>${preferences("with guide")}</footer>`;
}

/** Four coalitions around a global model: a picture of the idea, not of a run. */
const CORNERS: readonly [Shape, number, number, readonly [number, number][]][] = [
  [
    "circle",
    92,
    62,
    [
      [-34, -14],
      [4, -34],
      [30, 8],
      [-14, 26],
    ],
  ],
  [
    "triangle",
    308,
    58,
    [
      [-30, 6],
      [2, -30],
      [34, -2],
      [12, 28],
    ],
  ],
  [
    "square",
    104,
    180,
    [
      [-32, -8],
      [10, -30],
      [30, 12],
      [-8, 30],
    ],
  ],
  [
    "diamond",
    300,
    184,
    [
      [-28, -16],
      [14, -28],
      [32, 12],
      [-6, 28],
    ],
  ],
];

const emblem = html`<svg class="emblem" viewBox="0 0 400 240" aria-hidden="true">
  ${CORNERS.map(([, x, y]) => svg`<line class="to-global" x1=${x} y1=${y} x2="200" y2="120" />`)}
  ${CORNERS.map(
    ([shape, x, y, around], k) => svg`<g class="c-${k}" transform="translate(${x} ${y})">
      <g class="hull"><path stroke-width="34" d="M${around.map((p) => p.join(" ")).join("L")}Z" /></g>
      ${around.map(([dx, dy]) => svg`<line class="to-barycenter" x2=${dx} y2=${dy} />`)}
      ${around.map(([dx, dy]) => svg`<path class="fill" transform="translate(${dx} ${dy})" d=${shapePath(shape, 7)} />`)}
      <path class="star" d=${starPath(8)} />
    </g>`,
  )}
  <circle class="global-ring" cx="200" cy="120" r="9" /><circle class="global-dot" cx="200" cy="120" r="3.4" />
</svg>`;
