/** Small signs used in text, legends and tables. */

import { html, svg, type TemplateResult } from "lit";
import { type ArmMark, burstPath, coalitionMark, shapePath, starPath } from "../lib/palette";
import type { CoalitionId } from "../types.gen";

/** The sign of a coalition. Its letter always stands beside it, so the picture itself is silent. */
export function coalitionSign(id: CoalitionId): TemplateResult {
  const { className, shape } = coalitionMark(id);
  return html`<svg class="sign ${className}" viewBox="-12 -12 24 24" aria-hidden="true">
    <path class="fill" d=${shapePath(shape, 8.5)} />
  </svg>`;
}

export const starSign = html`<svg class="sign" viewBox="-12 -12 24 24" aria-hidden="true">
  <path class="star" d=${starPath(10)} />
</svg>`;

export const globalSign = html`<svg class="sign" viewBox="-12 -12 24 24" aria-hidden="true">
  <circle class="global-ring" r="8" /><circle class="global-dot" r="3" />
</svg>`;

/** The sign of a difficult device: a jagged ring, as around its mark on the map. Words always stand beside it. */
export const mischiefSign = html`<svg class="sign" viewBox="-12 -12 24 24" aria-hidden="true">
  <path class="burst" d=${burstPath(10.5)} />
</svg>`;

/** The sign of a device that was set aside: a broken ring, as around its mark on the map. Words always stand beside it. */
export const asideSign = html`<svg class="sign" viewBox="-12 -12 24 24" aria-hidden="true">
  <circle class="aside-ring" r="9" />
</svg>`;

/** A piece of an arm's curve. */
export function armSign({ className, dash }: ArmMark): TemplateResult {
  return html`<svg class="arm-sign ${className}" viewBox="0 0 30 8" aria-hidden="true">
    ${svg`<line x1="1" y1="4" x2="29" y2="4" stroke-dasharray=${dash.join(" ") || "none"} />`}
  </svg>`;
}

/** Sign of the product: four devices, joined. */
export const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
  <path d="M8 22 13 9l11 4-3 11Z" />
  <circle class="c-0" cx="8" cy="22" r="3" />
  <circle class="c-1" cx="13" cy="9" r="3" />
  <circle class="c-2" cx="24" cy="13" r="3" />
  <circle class="c-3" cx="21" cy="24" r="3" />
</svg>`;
