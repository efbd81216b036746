/** What differs between two configurations that sampled from the same seeds: one picture of both, and its RMS. */

import { enlarging } from "./enlarging.js";
import { h } from "./element.js";
import { paint } from "./painting.js";

/**
 * Return a figure of two results { name, info, values, layout } of one shape. Grey images are overlaid: what is brighter in
 * the first is blue, what is brighter in the second is orange; colour images show the absolute difference.
 */
export function difference(first, second) {
  const { shape, count } = first.info, grey = shape[0] === 1;
  const values = grey ? overlay(first.values, second.values, shape) : first.values.map((value, at) => Math.abs(value - second.values[at]));
  const shown = [3, ...shape.slice(1)], rms = rmsOf(first.values, second.values);
  const name = `difference of ${first.name} and ${second.name}`;
  const canvas = h("canvas", { class: "picture", role: "img", "aria-label": name });
  paint(canvas, values, shown, first.layout);
  const enlarge = enlarging(canvas, () => ({ values, shape: shown, layout: first.layout, caption: (at) => `${name}, image ${at + 1} of ${count}: seed ${first.info.seeds[at]}` }));
  const legend = grey ? `Blue is brighter in ${first.name}, orange in ${second.name}; white and grey are equal.` : "Absolute difference of each colour.";
  return h("figure", {}, h("figcaption", {}, `${first.name} and ${second.name}`, enlarge), canvas, h("p", { class: "hint" }, `RMS difference ${rms.toFixed(1)} grey levels. ${legend}`));
}

/** Return uint8 [N, 3, H, W] of two arrays of grey images: red is the second, blue the first, green their mean. */
function overlay(first, second, [, height, width]) {
  const size = height * width, values = new Uint8Array(3 * first.length);
  for (let at = 0; at < first.length; at++) {
    const start = 3 * size * Math.floor(at / size) + (at % size);
    values[start] = second[at];
    values[start + size] = (first[at] + second[at]) / 2;
    values[start + 2 * size] = first[at];
  }
  return values;
}

const rmsOf = (first, second) => Math.sqrt(first.reduce((sum, value, at) => sum + (value - second[at]) ** 2, 0) / first.length);
