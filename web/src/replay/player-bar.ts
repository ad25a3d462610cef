/** The bar at the bottom: play and pause, one frame, anywhere, how fast. */

import { html, nothing, svg } from "lit";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { type Film, lastFrame, type ReplayMessage, type ReplayState, SPEEDS } from "./state";
import type { RoundMark } from "./timeline";

const say = strings.replay;

export function playerBar(state: ReplayState, film: Film, view: View, dispatch: (message: ReplayMessage) => void) {
  const { frame, playing, speed } = state;
  const last = lastFrame(state);
  const step = (by: number, label: string, id: string, sign: unknown, off: boolean) => html`<button
    type="button"
    aria-label=${label}
    title=${label}
    data-testid="replay-${id}"
    ?disabled=${off}
    @click=${() => dispatch({ type: "stepped", by })}
  >
    ${sign}
  </button>`;
  return html`<section
    class="player"
    aria-label=${say.player}
    data-testid="player"
    data-frame=${frame}
    data-frames=${last + 1}
    data-playing=${playing}
  >
    <div class="moves">
      ${step(-1, say.back, "back", backSign, frame === 0)}
      <button
        type="button"
        class="primary"
        aria-label=${playing ? say.pause : say.play}
        title=${playing ? say.pause : say.play}
        data-testid="replay-play"
        @click=${() => dispatch({ type: "play_toggled" })}
      >
        ${playing ? pauseSign : playSign}
      </button>
      ${step(1, say.forward, "forward", forwardSign, frame === last)}
    </div>
    <div class="track">
      <input
        type="range"
        min="0"
        max=${last}
        .value=${`${frame}`}
        aria-label=${say.place}
        aria-valuetext=${say.at(view.round, view.config.rounds, say.doing[view.phase])}
        data-testid="replay-place"
        @input=${(event: Event) => dispatch({ type: "moved", to: Number((event.currentTarget as HTMLInputElement).value) })}
      />
      ${marks(film.marks, last)}
    </div>
    <span class="clock" data-testid="replay-clock">
      <span class="unseen">${say.time}</span> <b>${minutes(film.clock[frame] ?? 0)}</b>
      <span class="all">/ ${minutes(film.clock[last] ?? 0)}</span>
    </span>
    <div class="tabs" role="group" aria-label=${say.speed}>
      ${SPEEDS.map(
        (one) => html`<button
          type="button"
          aria-pressed=${one === speed}
          data-testid="replay-speed-${one}"
          @click=${() => dispatch({ type: "speed_chosen", speed: one })}
        >
          ×${one}
        </button>`,
      )}
    </div>
  </section>`;
}

/** Minutes and seconds. */
export function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => `${value}`.padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

const MOST_NAMED = 8;

/** Which rounds are named below the slider: few enough that their numbers do not touch. */
export function namedEvery(rounds: number): number {
  return [1, 2, 5, 10, 20, 50, 100].find((every) => rounds / every <= MOST_NAMED) ?? Math.ceil(rounds / MOST_NAMED);
}

/** A line where each round closes. */
function marks(all: readonly RoundMark[], last: number) {
  if (last === 0) return nothing;
  const every = namedEvery(all.at(-1)?.round ?? 0);
  return html`<svg class="round-marks" aria-hidden="true" data-testid="replay-marks">
    ${all.map(({ round, frame }) => {
      const x = `${((100 * frame) / last).toFixed(3)}%`;
      const named = round % every === 0;
      return svg`<line x1=${x} x2=${x} y1="0" y2=${named ? "5" : "3"} />
        ${named ? svg`<text x=${x} y="1.35em">${round}</text>` : nothing}`;
    })}
  </svg>`;
}

const sign = (path: string) => html`<svg class="sign" viewBox="0 0 16 16" aria-hidden="true"><path d=${path} /></svg>`;

const playSign = sign("M4 2L14 8L4 14Z");
const pauseSign = sign("M3 2H7V14H3ZM9 2H13V14H9Z");
const backSign = sign("M12 2L5 8L12 14ZM2 2H4V14H2Z");
const forwardSign = sign("M4 2L11 8L4 14ZM12 2H14V14H12Z");
