/** The line at the bottom: what crossed the wire, what was refused, and what the run can be known by. */

import { html, nothing } from "lit";
import { bytes } from "../lib/format";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { preferences } from "../ui/preferences";
import { feedSentence } from "./feed-panel";

const say = strings.board;

const FINGERPRINT_SHOWN = 16;

export function traffic(view: View) {
  const { bytes_up, bytes_down, rounds } = view.traffic;
  const refusals = Object.entries(view.refusals);
  return html`<footer class="traffic">
    <dl>
      <div><dt>${say.traffic}</dt>
        <dd data-testid="traffic">
          <b data-testid="bytes-up" data-bytes=${bytes_up}>${bytes(bytes_up)}</b> ${say.bytesUp}
          <b data-testid="bytes-down" data-bytes=${bytes_down}>${bytes(bytes_down)}</b> ${say.bytesDown}
          <span>${say.rounds(rounds)}</span> <b class="none" data-testid="data-sent">${view.config.data.table ? say.noRows : say.noImages}</b>
        </dd></div>
      <div><dt>${say.refusals}</dt>
        <dd data-testid="refusals">
          ${
            refusals.length === 0
              ? say.noRefusals
              : refusals.map(
                  ([code, count]) =>
                    html`<span data-code=${code} data-count=${count} title=${strings.refusal(code, code)}>${code} <b>${count}</b></span> `,
                )
          }
        </dd></div>
      ${latest(view)}
      <div><dt>${say.seed}</dt><dd><b data-testid="seed">${view.seed}</b></dd></div>
      <div class="fingerprint"><dt>${say.fingerprint}</dt>
        <dd>
          ${
            view.fingerprint
              ? html`<code title=${view.fingerprint} tabindex="0" data-testid="fingerprint" data-fingerprint=${view.fingerprint}
                    >${view.fingerprint.slice(0, FINGERPRINT_SHOWN)}</code
                  ><code class="whole">${view.fingerprint}</code>`
              : html`<span class="dim" data-testid="fingerprint" data-fingerprint="">${say.fingerprintNone}</span>`
          }
        </dd></div>
    </dl>
    ${preferences("with guide")}
  </footer>`;
}

/** The newest event, for those who look at something else. */
function latest({ feed }: View) {
  const [entry] = feed;
  return entry
    ? html`<div><dt>${strings.feed.latest}</dt><dd data-testid="feed-latest" data-event=${entry.event}>${feedSentence(entry)}</dd></div>`
    : nothing;
}
