/** What a device holds: some of its examples, and how many of each label. */

import { html, svg } from "lit";
import { guard } from "lit/directives/guard.js";
import { ref } from "lit/directives/ref.js";
import { language } from "../lib/language";
import { strings } from "../strings";
import type { Samples } from "../types.gen";
import { barHeights, greyToRgba } from "./pixels";

const say = strings.device;

export function sampleImages(samples: Samples) {
  // Examples do not change; drawing them again with every view would be work for nothing.
  return guard(
    [samples, language()],
    () => html`<div class="samples" role="img" aria-label=${say.samples(samples.labels)} data-testid="samples">
      ${samples.labels.map(
        (label, index) => html`<figure>
          <canvas width=${samples.width} height=${samples.height} ${ref((canvas) => draw(canvas, samples, index))}></canvas>
          <figcaption aria-hidden="true">${label}</figcaption>
        </figure>`,
      )}
    </div>`,
  );
}

function draw(canvas: Element | undefined, samples: Samples, index: number) {
  if (!(canvas instanceof HTMLCanvasElement)) return;
  const context = canvas.getContext("2d");
  const image = context?.createImageData(samples.width, samples.height);
  if (!context || !image) return;
  image.data.set(greyToRgba(samples, index));
  context.putImageData(image, 0, 0);
}

const HEIGHT = 56;

export function histogram(counts: readonly number[]) {
  const width = 24 * counts.length;
  const heights = barHeights(counts, HEIGHT - 14);
  return html`<svg class="histogram" viewBox="0 0 ${width} ${HEIGHT + 14}" role="img" aria-label=${say.histogram(counts)} data-testid="histogram">
    ${heights.map(
      (height, label) => svg`
        <rect x=${label * 24 + 3} y=${HEIGHT - height} width="18" height=${height} rx="2" />
        <text class="count" x=${label * 24 + 12} y=${HEIGHT - height - 3}>${counts[label]}</text>
        <text x=${label * 24 + 12} y=${HEIGHT + 12}>${label}</text>`,
    )}
  </svg>`;
}
