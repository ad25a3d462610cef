/** What a device holds: some of its examples. */

import { html } from "lit";
import { guard } from "lit/directives/guard.js";
import { ref } from "lit/directives/ref.js";
import { language } from "../lib/language";
import { strings } from "../strings";
import type { Samples } from "../types.gen";
import { greyToRgba } from "./pixels";

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
