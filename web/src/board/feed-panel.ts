/** What happened to devices, the newest first. */

import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { strings } from "../strings";
import type { FeedEntry, FeedEvent, View } from "../types.gen";

const say = strings.feed;

/** A sign beside each sentence, so that they are told apart from afar. */
const SIGNS: Record<FeedEvent, string> = {
  joined: "+",
  back: "+",
  away: "…",
  left: "−",
  removed: "⊖",
  late: "◷",
  refused: "✕",
};

export function feedSentence({ device, event, code }: FeedEntry): string {
  const who = say.device(device);
  return event === "refused" ? say.refused(who, strings.reason(code ?? "")) : say.events[event](who);
}

export function feedPanel({ feed }: View) {
  if (feed.length === 0) return html`<p class="empty">${say.none}</p>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-labelledby="membership-title">
    <ol class="feed" data-testid="feed">
      ${repeat(
        feed,
        ({ number }) => number,
        (entry) => html`<li
          class=${entry.event}
          data-testid="feed-entry"
          data-event=${entry.event}
          data-device=${entry.device}
          data-code=${entry.code ?? nothing}
        >
          <b aria-hidden="true">${SIGNS[entry.event]}</b>
          <span>${feedSentence(entry)} ${entry.count > 1 ? say.times(entry.count) : nothing}</span>
          <small class="dim">${say.round(entry.round)}</small>
        </li>`,
      )}
    </ol>
  </div>`;
}
