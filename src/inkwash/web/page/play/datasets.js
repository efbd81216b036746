/** Distributions of points in the plane, each with two classes; drawn ones as text for URLs. */

import { normals, uniforms } from "../math/noise.js";

export const COUNT = 400;
/** The streams of random numbers of the points. */
const PLACE = 104, BLUR = 105;
const WIDTH = 0.06;
/** Units of a coordinate in text: 1/50 in -2.54..2.54. */
const UNIT = 50;

/** The strokes of a digit 8 as an outline, upper and lower loop: centre, radii. */
const LOOPS = [{ y: 0.85, rx: 0.65, ry: 0.75 }, { y: -0.8, rx: 0.85, ry: 0.9 }];

/** The place of a point of class 0 or 1 for two uniform numbers. */
const PLACES = {
  moons: (label, t) => (label ? [1 - Math.cos(Math.PI * t), 0.5 - Math.sin(Math.PI * t)] : [Math.cos(Math.PI * t), Math.sin(Math.PI * t)]).map((value, axis) => 1.2 * (value - [0.5, 0.25][axis])),
  spiral: (label, t) => {
    const r = 0.25 + 1.75 * Math.sqrt(t), turn = 2.4 * Math.PI * Math.sqrt(t) + Math.PI * label;
    return [r * Math.cos(turn), r * Math.sin(turn)];
  },
  checkerboard: (label, t, s) => {
    // Eight of sixteen squares; class 0 is the left half.
    const square = Math.floor(4 * t), column = 2 * label + Math.floor(square / 2), row = 2 * (square % 2) + (column % 2);
    return [column - 2 + (4 * t) % 1, row - 2 + s];
  },
  digit: (label, t) => {
    const { y, rx, ry } = LOOPS[label];
    return [rx * Math.cos(2 * Math.PI * t), y + ry * Math.sin(2 * Math.PI * t)];
  },
};

export const NAMES = { moons: "Two moons", spiral: "Spiral", checkerboard: "Checkerboard", digit: "Outline of an 8", drawn: "Drawn by you" };

/** Return { points [N * 2], labels [N] } of a distribution in PLACES. */
export function dataset(name, count = COUNT, seed = 0) {
  const drawn = uniforms(seed, 0, PLACE, 2 * count), blur = normals(seed, 0, BLUR, 2 * count);
  const points = new Float32Array(2 * count), labels = new Int8Array(count), width = name === "checkerboard" ? 0 : WIDTH;
  for (let k = 0; k < count; k++) {
    labels[k] = k % 2;
    points.set(PLACES[name](labels[k], drawn[2 * k], drawn[2 * k + 1]).map((value, axis) => value + width * blur[2 * k + axis]), 2 * k);
  }
  return { points, labels };
}

/** Return drawn points as base64: three bytes for each, x and y in UNIT and the class. */
export function encodePoints({ points, labels }) {
  const bytes = Array.from(labels, (label, k) => [128 + Math.round(UNIT * points[2 * k]), 128 + Math.round(UNIT * points[2 * k + 1]), label]);
  return btoa(String.fromCharCode(...bytes.flat().map((value) => Math.max(0, Math.min(255, value)))));
}

/** Return the points of text, at most COUNT; none for other text. */
export function decodePoints(text) {
  let bytes = [];
  try {
    bytes = Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    // Not base64.
  }
  const count = Math.min(COUNT, Math.floor(bytes.length / 3));
  const points = Float32Array.from({ length: 2 * count }, (_, i) => (bytes[3 * Math.floor(i / 2) + (i % 2)] - 128) / UNIT);
  return { points, labels: Int8Array.from({ length: count }, (_, k) => (bytes[3 * k + 2] ? 1 : 0)) };
}
