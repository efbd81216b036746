/** An image file as the pixels of a model's images. */

import { h } from "./element.js";

/**
 * Return { pixels, cropped }: the central square of `file` as floats [C, H, W] in 0..255, over black where it is
 * transparent, and whether it was cropped. Throws an Error with one line for a file that is not an image.
 */
export async function readImage(file, { channels, height, width }) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} cannot be read as an image.`);
  });
  const context = h("canvas", { width, height }).getContext("2d");
  const side = Math.min(bitmap.width, bitmap.height);
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Float32Array(channels * height * width);
  for (let at = 0; at < width * height; at++) {
    const [r, g, b, a] = data.subarray(4 * at, 4 * at + 4);
    const colour = [r, g, b].map((value) => (value * a) / 255);
    const values = channels === 1 ? [0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]] : colour;
    values.forEach((value, channel) => (pixels[channel * width * height + at] = value));
  }
  return { pixels, cropped: bitmap.width !== bitmap.height };
}
