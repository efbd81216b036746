/** An image file as the pixels of a model's images, and whether its ink is light or dark. */

import { h } from "./element.js";

// The rules of image_file.py and ink.py in inkwash/data.
const DARK_INK = 64;
const PAPER_WIDTH = 48;
export const INK_DISTANCE = 64;
const MIN_BACKGROUND = 0.75, MIN_INK = 0.005, MIN_SIDE = 0.9;

/** The longest side in pixels of an image whose ink is looked for. */
const LONGEST = 448;

/** Return the bitmap of an image file. Throws an Error with one line for a file that is not an image. */
export const bitmapOf = (file) =>
  createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} cannot be read as an image.`);
  });

/**
 * Return { pixels, cropped }: the central square of a bitmap as floats [C, H, W] in 0..255, and whether it was cropped.
 */
export function squareOf(bitmap, { channels, height, width }) {
  const side = Math.min(bitmap.width, bitmap.height);
  const pixels = pixelsOf(bitmap, [(bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side], { channels, height, width });
  return { pixels, cropped: bitmap.width !== bitmap.height };
}

/** Return { grey, height, width }: a bitmap as grey levels, made smaller where it is large. */
export function greyOf(bitmap) {
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  return { grey: pixelsOf(bitmap, [0, 0, bitmap.width, bitmap.height], { channels: 1, height, width }), height, width };
}

/** Return a part of a bitmap as floats [C, H, W], over black where it is transparent, or white where its ink is dark. */
function pixelsOf(bitmap, part, { channels, height, width }) {
  const context = h("canvas", { width, height }).getContext("2d");
  // Bilinear sampling of a large image would skip most of its pixels.
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, ...part, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Float32Array(channels * height * width);
  const behind = inkLevel(data) < DARK_INK ? 255 : 0;
  for (let at = 0; at < width * height; at++) {
    const [r, g, b, a] = data.subarray(4 * at, 4 * at + 4);
    const colour = [r, g, b].map((value) => (value * a + behind * (255 - a)) / 255);
    const values = channels === 1 ? [luminance(colour)] : colour;
    values.forEach((value, channel) => (pixels[channel * width * height + at] = value));
  }
  return pixels;
}

const luminance = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b;

/** Return the mean grey level of RGBA `data`, weighted by opacity; 255 where nothing is opaque. */
function inkLevel(data) {
  let [opacity, total] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    opacity += data[at + 3];
    total += data[at + 3] * luminance(data.subarray(at, at + 3));
  }
  return opacity ? total / opacity : 255;
}

/** Return "dark" or "light" for pixels [C, H, W] with light ink on dark or dark ink on light, null for neither. */
export function backgroundOf(pixels, { channels, height, width }) {
  const size = height * width;
  const grey = Array.from({ length: size }, (_, at) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += pixels[channel * size + at];
    return sum / channels;
  });
  return groundOf(grey, { height, width }).background;
}

/** Return { background, paper } of grey levels: as `backgroundOf`, and the median of the border. */
export function groundOf(grey, { height, width }) {
  const row = (at) => Math.floor(at / width), column = (at) => at % width;
  const border = Array.from(grey).filter((_, at) => !row(at) || !column(at) || row(at) === height - 1 || column(at) === width - 1).sort((a, b) => a - b);
  const paper = border[Math.floor((border.length - 1) / 2)];
  const plain = border.filter((value) => Math.abs(value - paper) <= PAPER_WIDTH).length / border.length;
  const lighter = grey.filter((value) => value - paper > INK_DISTANCE).length, darker = grey.filter((value) => paper - value > INK_DISTANCE).length;
  const ink = lighter + darker;
  const isPlain = plain >= MIN_BACKGROUND && ink && ink >= MIN_INK * height * width;
  const isSide = (count) => isPlain && count >= MIN_SIDE * ink;
  return { background: isSide(lighter) ? "dark" : isSide(darker) ? "light" : null, paper };
}
