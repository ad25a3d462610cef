/** How many examples of each label. */

import { html, svg } from "lit";
import { strings } from "../strings";

const HEIGHT = 56;

export function histogram(counts: readonly number[]) {
  const width = 24 * counts.length;
  const heights = barHeights(counts, HEIGHT - 14);
  return html`<svg class="histogram" viewBox="0 0 ${width} ${HEIGHT + 14}" role="img" aria-label=${strings.histogram(counts)} data-testid="histogram">
    ${heights.map(
      (height, label) => svg`
        <rect x=${label * 24 + 3} y=${HEIGHT - height} width="18" height=${height} rx="2" />
        <text class="count" x=${label * 24 + 12} y=${HEIGHT - height - 3}>${counts[label]}</text>
        <text x=${label * 24 + 12} y=${HEIGHT + 12}>${label}</text>`,
    )}
  </svg>`;
}

/** Heights of bars in proportion; what is there at all can be seen. */
export function barHeights(counts: readonly number[], tallest: number): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((count) => (count === 0 ? 0 : Math.max((count / most) * tallest, 1.5)));
}
