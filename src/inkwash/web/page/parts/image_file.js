/** A picture from a file, as the pixels of a model's images. */

import { of } from "./element.js";

/**
 * Return { pixels, cropped } of a `file`: floats [C, H, W] of its middle square, on black where it is transparent, and
 * whether there was more of it. Throws an Error with one line where it is no picture.
 */
export async function readImage(file, { channels, height, width }) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} cannot be read as a picture.`);
  });
  const context = of("canvas", { width, height }).getContext("2d");
  const side = Math.min(bitmap.width, bitmap.height);
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Float32Array(channels * height * width);
  for (let place = 0; place < width * height; place++) {
    const [r, g, b, a] = data.subarray(4 * place, 4 * place + 4);
    const colour = [r, g, b].map((value) => (value * a) / 255);
    const shown = channels === 1 ? [0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]] : colour;
    shown.forEach((value, channel) => (pixels[channel * width * height + place] = value));
  }
  return { pixels, cropped: bitmap.width !== bitmap.height };
}
