/** Ink on a plain ground made like the images of MNIST: light on black, scaled to fit a box and centred by its mass. */

import { INK_DISTANCE, groundOf } from "./image_file.js";

/** The box of MNIST, 20 of 28 pixels (LeCun et al., 1998). */
const BOX = 20 / 28;

/**
 * Return { pixels, background } of a `grey` image [height * width] in 0..255: float pixels [side * side], and "dark" or
 * "light", what the ground was; null for an image that is not ink on a plain ground.
 */
export function centred(grey, { height, width }, side) {
  const { background, paper } = groundOf(grey, { height, width });
  if (!background) return null;
  const sign = background === "dark" ? 1 : -1, ink = Float64Array.from(grey, (value) => Math.max(0, sign * (value - paper)));
  const peak = ink.reduce((most, value) => Math.max(most, value), 0);
  const columns = [], rows = [];
  ink.forEach((value, at) => {
    if (value <= INK_DISTANCE) return;
    columns.push(at % width);
    rows.push(Math.floor(at / width));
  });
  const [left, right, top, bottom] = [least(columns), most(columns) + 1, least(rows), most(rows) + 1];
  const scale = (BOX * side) / Math.max(right - left, bottom - top);
  const size = [right - left, bottom - top].map((length) => Math.max(1, Math.round(length * scale)));
  const small = averaged(ink, width, { left, right, top, bottom }, size).map((value) => (255 * value) / peak);
  // The centre of mass moves to the centre of the image, by whole pixels, and no ink out of it.
  const mass = small.reduce((sum, value) => sum + value, 0);
  const centre = [0, 1].map((axis) => small.reduce((sum, value, at) => sum + value * ((axis ? Math.floor(at / size[0]) : at % size[0]) + 0.5), 0) / mass);
  const offset = centre.map((value, axis) => Math.max(0, Math.min(side - size[axis], Math.round(side / 2 - value))));
  const pixels = new Float32Array(side * side);
  small.forEach((value, at) => (pixels[(offset[1] + Math.floor(at / size[0])) * side + offset[0] + (at % size[0])] = value));
  return { pixels, background };
}

const least = (values) => values.reduce((a, b) => Math.min(a, b));
const most = (values) => values.reduce((a, b) => Math.max(a, b));

/** Return the part of `values` in a box as [width, height] means over its pixels, in parts where they are cut. */
function averaged(values, across, { left, right, top, bottom }, [width, height]) {
  const found = new Float64Array(width * height), step = [(right - left) / width, (bottom - top) / height];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (const [y, down] of overlaps(top + row * step[1], top + (row + 1) * step[1]))
        for (const [x, along] of overlaps(left + column * step[0], left + (column + 1) * step[0])) sum += values[y * across + x] * down * along;
      found[row * width + column] = sum / (step[0] * step[1]);
    }
  return found;
}

/** Return [pixel, length] of the parts of an interval. */
function overlaps(from, to) {
  const found = [];
  for (let at = Math.floor(from + 1e-9); at < to - 1e-9; at++) found.push([at, Math.min(to, at + 1) - Math.max(from, at)]);
  return found;
}
