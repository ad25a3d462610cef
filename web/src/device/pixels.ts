/** From examples to what a canvas takes. */

import type { Samples } from "../types.gen";

/** One grey image as the canvas wants it. Pixels that are missing stay black. */
export function greyToRgba({ width, height, pixels }: Pick<Samples, "width" | "height" | "pixels">, index: number) {
  const size = width * height;
  const rgba = new Uint8ClampedArray(size * 4);
  for (let i = 0; i < size; i++) {
    const grey = pixels[index * size + i] ?? 0;
    rgba.fill(grey, i * 4, i * 4 + 3);
    rgba[i * 4 + 3] = 255;
  }
  return rgba;
}
