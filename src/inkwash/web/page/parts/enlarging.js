/** Images of a canvas that are enlarged by a click, or by a button: each with its seed and class, which can be used again. */

import { decodeBase64, encodeBase64 } from "../engine/base64.js";
import { h } from "./element.js";
import { showImages } from "./image_dialog.js";
import { imageAt, paint } from "./painting.js";

/**
 * Return a button that enlarges the first image of `canvas`, as a click on the canvas enlarges the one below it. `shown()`
 * returns what the canvas shows, null for nothing: { values, shape, layout, caption(at) } with the options of `paint` as
 * `layout`, and `use`, the actions of an image and what is beside it, as `imageUse` returns them. `label` names the button.
 */
export function enlarging(canvas, shown, label = "enlarge an image") {
  canvas.classList.add("enlarges");
  canvas.addEventListener("click", (event) => {
    const found = shown(), at = found && imageAt(canvas, event, found.shape, countOf(found), found.layout);
    if (found && at !== null) open(found, at);
  });
  return h("button", { type: "button", "aria-label": label, title: "Enlarge an image", onclick: () => shown() && open(shown(), 0) }, "⤢");
}

const sizeOf = (shape) => shape.reduce((product, each) => product * each, 1);
const countOf = ({ values, shape }) => values.length / sizeOf(shape);
const imageOf = ({ values, shape }, at) => values.slice(at * sizeOf(shape), (at + 1) * sizeOf(shape));

function open(found, at) {
  const { shape, caption, use = {} } = found;
  showImages({
    count: countOf(found),
    at,
    caption,
    picture: (index) => pictureOf(imageOf(found, index), shape, caption(index)),
    actions: (index) => use.actions?.(index, imageOf(found, index)) ?? [],
    beside: use.nearest ? { text: "Nearest training image", make: (index) => use.nearest(imageOf(found, index)) } : null,
  });
}

function pictureOf(values, shape, name) {
  const canvas = h("canvas", { class: "picture", role: "img", "aria-label": name });
  paint(canvas, values, shape, { columns: 1 });
  return canvas;
}

/** Return "seed 3, 7" of an image of a request, as far as its event `info` has them. */
export function describeImage({ seeds, labels }, at, classes = []) {
  const name = labels && classes.length ? (labels[at] < 0 ? "unconditional" : classes[labels[at]]) : null;
  return [seeds && `seed ${seeds[at]}`, name !== null && `class ${name}`].filter(Boolean).join(", ");
}

/**
 * Return { actions, nearest } of the samples of `model`: `reuse(at)` sets the fields of the view to the seed of an image,
 * null where it has none; `edit` and `engine` are those of the page.
 */
export function imageUse({ engine, model, edit }, reuse = null) {
  return {
    actions: (at, pixels) => [...(reuse ? [["Reuse seed", () => reuse(at)]] : []), ["Use in Edit", () => edit(pixels, model.name)]],
    nearest: engine.nearest && ((pixels) => nearest(engine, model, pixels)),
  };
}

/** Resolve to a figure of the training image that is nearest to `pixels`, or to the reason why there is none. */
async function nearest(engine, model, pixels) {
  try {
    const found = await engine.nearest({ model: model.name, image: encodeBase64(pixels) });
    const name = found.label === null ? "" : `, class ${model.classes[found.label]}`;
    const text = `Nearest of ${found.count.toLocaleString("en")} training images${name}: RMS difference ${found.distance.toFixed(1)} grey levels. The median of ${found.compared.toLocaleString("en")} training images to their nearest other one is ${found.typical.toFixed(1)}.`;
    return h("figure", {}, pictureOf(decodeBase64(found.image), model.shape, "nearest training image"), h("p", { class: "hint" }, text));
  } catch (error) {
    return h("p", { class: "problem", role: "alert" }, error.message);
  }
}
