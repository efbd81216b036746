/** Live: images that are redrawn while a slider moves, for models whose own sampler takes one step. */

import { classOptions, labelOf } from "./class_picker.js";
import { h } from "./element.js";
import { enlarging, imageUse } from "./enlarging.js";
import { choice, number, slider } from "./fields.js";
import { newest } from "./newest.js";
import { paint } from "./painting.js";
import { imageSeeds } from "./settings.js";

const COUNT = 16;
const COLUMNS = 4;
const MAX_SEED = Number.MAX_SAFE_INTEGER - COUNT;

/** Return whether a model is fast enough to be redrawn while a slider moves. */
export const isLive = (model) => model.steps === 1 && model.shape.length === 3;

/** Return whether two models sample the same classes of the same data, so that their samples can be compared. */
export const isComparable = (model, other) =>
  !other.broken && other.data === model.data && other.conditional === model.conditional && String(other.classes) === String(model.classes);

/** Return the first comparable model of several steps with the same attributes for one of a single step, and the reverse; undefined for none. */
export const counterpart = (model, models) =>
  models.find((other) => isComparable(model, other) && (other.steps === 1) !== (model.steps === 1) && attributeNames(other) === attributeNames(model));

const attributeNames = ({ attributes = [] }) => String(attributes.map((each) => each.name));

/** Return { element, params, redraw, stop }; `condition` has classes, prompt and attributes of a model with attributes. */
export function livePanel(app, condition = null) {
  const { engine, model, url, notify } = app;
  const position = (label, name) => slider(label, { min: 0, max: 1, step: 0.01, value: 0, param: [url, name] });
  const seedField = (label, name, value) => number(label, { min: 0, max: MAX_SEED, value, param: [url, name] });
  const classField = (label, name) => choice(label, [["", "any"], ...classOptions(model)], "", [url, name]);
  const fields = { seed_from: seedField("From seed", "seed_from", 0), seed_to: seedField("To seed", "seed_to", COUNT), seed_morph: position("Seed morph", "seed_morph") };
  if (model.conditional && !condition) fields.class_from = classField("From class", "class_from");
  if (model.conditional) Object.assign(fields, { class_to: classField("To class", "class_to"), class_morph: position("Class morph", "class_morph") });
  if (model.guidable) fields.weight = slider("Guidance", { min: 0, max: 4, step: 0.05, value: model.guidance, param: [url, "weight"] });
  const canvas = h("canvas", { class: "picture", role: "img", "aria-label": `${COUNT} images of the live model` });
  const caption = h("p", { class: "caption" }, "\u00a0");
  const controller = new AbortController();
  const labels = (field) => (field && field.get() !== "" ? [labelOf(model, field.get())] : null);

  let shown = null;
  const layout = { columns: COLUMNS }, use = imageUse(app);
  const enlarge = enlarging(canvas, () => ({ values: shown, shape: model.shape, layout, caption: (at) => `live image ${at + 1} of ${COUNT}`, use }));
  const show = (pixels) => paint(canvas, (shown = pixels), model.shape, layout);
  const request = () => ({
    model: model.name,
    seeds: imageSeeds(fields.seed_from.get(), COUNT),
    seed_to: fields.seed_to.get(),
    seed_position: fields.seed_morph.get(),
    ...(condition?.request() ?? { labels: labels(fields.class_from) }),
    labels_to: labels(fields.class_to),
    label_position: fields.class_morph?.get() ?? 0,
    guidance: fields.weight?.get() ?? null,
  });
  const redraw = newest(async () => {
    if (!Object.values(fields).every((field) => field.input.checkValidity()) || condition?.valid() === false) return;
    const started = performance.now();
    try {
      const pixels = await engine.live(request(), controller.signal);
      if (controller.signal.aborted) return;
      show(pixels);
      caption.textContent = `${COUNT} images in ${Math.round(performance.now() - started)} ms`;
    } catch (error) {
      if (!controller.signal.aborted) notify(error.message, true);
    }
  });

  const pair = (...names) => h("div", { class: "pair" }, names.map((name) => fields[name]?.element));
  const rows = [pair("seed_from", "seed_to"), fields.seed_morph.element];
  if (model.conditional) rows.push(pair("class_from", "class_to"), fields.class_morph.element);
  if (model.guidable) rows.push(fields.weight.element);
  const content = condition ? [condition.element, h("details", {}, h("summary", {}, "Seeds, morphs and guidance"), h("div", { class: "stack" }, rows))] : rows;
  const form = h("form", { class: "panel stack", oninput: redraw, onsubmit: (event) => event.preventDefault(), noValidate: true }, h("h2", {}, "Live"), content);
  // Black images first, so that the canvas has its size before the first answer.
  show(new Uint8Array(COUNT * model.shape.reduce((product, each) => product * each, 1)));
  redraw();
  return {
    element: h("div", { class: "workbench live" }, form, h("section", { class: "panel stack output", "aria-label": "Live images" }, canvas, h("div", { class: "row spread" }, caption, enlarge))),
    params: () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.get()])),
    redraw,
    stop: () => controller.abort(),
  };
}
