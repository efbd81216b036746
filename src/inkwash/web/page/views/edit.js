/** Edit: image-to-image from a sketch (SDEdit), inpainting of a marked area, changed attributes, and interpolation. */

import { attributeEdit } from "../parts/attribute_edit.js";
import { outputActions } from "../parts/output_actions.js";
import { InkCanvas } from "../parts/canvas.js";
import { classOptions, labelOf } from "../parts/class_picker.js";
import { h } from "../parts/element.js";
import { enlarging, imageUse } from "../parts/enlarging.js";
import { choice, number, slider } from "../parts/fields.js";
import { savePng } from "../parts/download.js";
import { encodeBase64 } from "../engine/base64.js";
import { samplingJob } from "../parts/job.js";
import { paint } from "../parts/painting.js";
import { Player } from "../parts/player.js";
import { DRAWING, reproduce } from "../parts/reproduce.js";
import { imageSeeds, samplingSettings } from "../parts/settings.js";
import { outputPanel } from "../parts/output_panel.js";

export const title = "Edit";

const VARIATIONS = 8;
const STRIP_COLUMNS = 12;

export function mount(root, app) {
  const { engine, model, models, notify } = app;
  if (model.shape.length !== 3) {
    root.append(h("p", { class: "panel" }, `${model.name} samples points, which cannot be edited.${models.some((each) => each.shape.length === 3) ? " Select a model of images above." : ""}`));
    return undefined;
  }
  const job = samplingJob(engine, notify);
  const sections = [], params = () => Object.assign({}, ...sections.map((section) => section.params()));
  sections.push(repaint(app, job, params), interpolate(app, job, params));
  root.append(...sections.map((section) => section.element));
  const leave = () => {
    job.stop();
    sections.forEach((section) => section.player.stop());
  };
  return { leave, dispose: leave, params, load: sections[0].load };
}

/** Return the field for a target class, null for an unconditional model. */
function classField(model, label, value = "", param = null) {
  if (!model.conditional) return null;
  return choice(label, [["", "any"], ...classOptions(model)], value, param);
}

/** Return the selected class of a field, null for any. */
const selectedClass = (model, field) => (field && field.get() !== "" ? labelOf(model, field.get()) : null);

function repaint(app, job, params) {
  const { model, notify, url, updateUrl } = app;
  const canvas = new InkCanvas(model.shape, notify, model.background, { isMnist: model.data === "mnist" });
  const noise = slider("Noise strength", { min: 0.05, max: 1, step: 0.05, value: 0.6, hint: "low: close to the drawing; high: close to the model", param: [url, "noise"] });
  const target = classField(model, "Target class", "", [url, "label"]);
  const settings = samplingSettings(model, url);
  const fill = h("button", { type: "button", onclick: () => edit(true) }, "Fill marked area");
  const attributes = attributeEdit(app, settings, () => encodeBase64(canvas.pixels), [noise.element, target?.element, fill].filter(Boolean));
  const player = new Player({ parts: ["denoised"], classes: model.classes, use: imageUse(app, (at) => settings.reuse(player.info.seeds[at], notify)) });
  // Another drawing has other attributes, which are measured when it is encoded.
  canvas.element.addEventListener("input", () => attributes.setDrawn({}));
  const reconstruction = h("p", { class: "caption" });
  const actions = outputActions(player, { url: () => updateUrl({ ...params(), ...canvas.params() }), name: () => `${model.name}-edited`, notify, linkNote: () => canvas.linkNote, source: model.source });
  const output = outputPanel("Edited images", "Draw on the empty canvas and regenerate from it, or mark an area to repaint.");

  async function edit(inpainting) {
    if (![noise, settings].every((part) => part.valid())) return;
    const mask = inpainting ? canvas.mask : null;
    if (inpainting && !mask) return notify("No area is marked: select 'Mark area to repaint' and paint over it.", true);
    const isEncoded = attributes.isOn();
    if (isEncoded && canvas.mask) return notify("An area is marked, which an edit of attributes does not use: press Unmark.", true);
    if (!inpainting && !isEncoded && noise.get() === 1) return notify("Noise strength 1 ignores the drawing: choose a lower value.", true);
    if (!inpainting && canvas.isBlank) return notify("The canvas is blank: draw something or load an image.", true);
    const problem = await attributes.problem();
    if (problem) return notify(problem, true);
    output.show(player.element, reconstruction, actions.element);
    actions.disable();
    reconstruction.textContent = "";
    const label = selectedClass(model, target);
    const request = {
      model: model.name,
      seeds: imageSeeds(settings.seed(), VARIATIONS),
      labels: label === null ? defaultLabels(model) : [label],
      ...settings.values(),
      edit: { image: encodeBase64(canvas.pixels), mask: mask && encodeBase64(mask), noise: inpainting ? 1 : noise.get() },
    };
    if (label === null && model.guidable) request.guidance = null;
    if (isEncoded) Object.assign(request, { guidance: settings.values().guidance, ...attributes.request() });
    const finished = await job.run(request, {
      begin: (info) => {
        attributes.setDrawn(info.drawn ?? {});
        player.begin(info, { columns: 4 });
      },
      step: (frame) => player.add(frame),
      done: ({ reconstruction_error: error = null }) => (reconstruction.textContent = error === null ? "" : `Encoded (the drawing itself is reconstructed to ${error.toFixed(1)} grey levels RMS).`),
    });
    if (finished) actions.enable(isEncoded ? reproduce(model, request) : null);
  }

  /** Put one sample of the model onto the canvas. */
  async function loadSample() {
    let last = null;
    const label = attributes.isOn() ? null : selectedClass(model, target);
    const request = { model: model.name, seeds: [settings.seed()], labels: label === null ? null : [label], ...settings.values(), max_frames: 2 };
    if (await job.run(request, { step: (frame) => (last = frame) })) canvas.set(last.x);
  }

  /** Save the drawing as the file that a copied command reads. */
  async function saveDrawing() {
    const picture = h("canvas");
    paint(picture, canvas.pixels, model.shape, { columns: 1 });
    await savePng(picture, DRAWING, 1);
  }

  const form = h(
    "form",
    { class: "panel stack", onsubmit: (event) => event.preventDefault(), noValidate: true },
    h("h2", {}, "Sketch and regenerate"),
    canvas.element,
    h("div", { class: "row" }, h("button", { type: "button", onclick: loadSample }, "Start from a sample"), h("button", { type: "button", onclick: saveDrawing }, "Save drawing")),
    attributes.element,
    noise.element,
    target?.element,
    h("div", { class: "row" }, h("button", { class: "primary", type: "button", onclick: () => edit(false) }, "Regenerate from sketch"), fill, job.controls()),
    h("details", {}, h("summary", {}, "Settings"), settings.element),
  );
  if (url.has("image")) canvas.restore(url.text("image", ""), url.text("mask", ""));
  const own = () => ({ noise: noise.get(), ...(target && { label: target.get() }), ...settings.params(), ...attributes.params() });
  return { element: h("div", { class: "workbench" }, form, output.element), player, params: own, load: (pixels) => canvas.set(pixels) };
}

/** The labels without a target class: unconditional where the model can be, else one random class for each seed. */
const defaultLabels = (model) => (model.guidable ? [-1] : null);

function interpolate(app, job, params) {
  const { model, notify, url, updateUrl } = app;
  // Default to 3 and 8, which are similar digits; without them, to the first and the last class.
  const [first, last] = ["3", "8"].every((name) => model.classes.includes(name)) ? ["3", "8"] : [model.classes[0], model.classes.at(-1)];
  const seedField = (label, value, name) => number(label, { min: 0, max: Number.MAX_SAFE_INTEGER, value, param: [url, name] });
  const from = { seed: seedField("From seed", 3, "seed_from"), label: classField(model, "From class", first && encodeURIComponent(first), [url, "class_from"]) };
  const to = { seed: seedField("To seed", 8, "seed_to"), label: classField(model, "To class", last && encodeURIComponent(last), [url, "class_to"]) };
  const count = number("Number of images", { min: 2, max: 60, value: 24, param: [url, "images"] });
  const settings = samplingSettings(model, undefined, { withSeed: false });
  const player = new Player({ parts: ["x"], names: { x: "interpolated image" }, unit: "image" });
  const strip = { canvas: h("canvas", { class: "picture", role: "img", "aria-label": "strip of the interpolation" }), info: null, frames: [], suffix: "", frameCanvases: () => player.frameCanvases() };
  const use = imageUse(app);
  const enlarge = enlarging(strip.canvas, () => strip.info && { values: strip.frames[0].x, shape: strip.info.shape, layout: strip.layout, caption: (at) => `interpolated image ${at + 1} of ${strip.info.count}`, use });
  const figure = h("figure", {}, h("figcaption", { class: "row spread" }, "all images, row by row", enlarge), strip.canvas);
  const actions = outputActions(strip, { url: () => updateUrl(params()), name: () => `${model.name}-interpolation`, notify, source: model.source });
  const output = outputPanel("Interpolation", "Interpolates between two samples in noise and class.");

  async function run(event) {
    event.preventDefault();
    if (![from.seed, to.seed, count, settings].every((part) => part.valid())) return;
    const [label, labelTo] = [from.label, to.label].map((field) => selectedClass(model, field));
    if ((label === null) !== (labelTo === null)) return notify("Select a class at both ends, or at neither.", true);
    const request = {
      model: model.name,
      seeds: imageSeeds(from.seed.get(), count.get(), true),
      labels: label === null ? null : [label],
      seed_to: to.seed.get(),
      label_to: labelTo,
      ...settings.values(),
      max_frames: 2,
    };
    let info = null, frame = null;
    player.clear();
    figure.hidden = true;
    output.show(figure, player.element, actions.element);
    actions.disable();
    if (!(await job.run(request, { begin: (event) => (info = event), step: (event) => (frame = event) }))) return;
    Object.assign(strip, { info, frames: [frame], layout: { columns: Math.min(info.count, STRIP_COLUMNS) } });
    paint(strip.canvas, frame.x, info.shape, strip.layout);
    figure.hidden = false;
    player.begin({ ...info, count: 1, steps: info.count - 1, levels: Array(info.count).fill(null) }, { columns: 1 });
    const size = frame.x.length / info.count;
    for (let at = 0; at < info.count; at++) player.add({ step: at, x: frame.x.subarray(at * size, (at + 1) * size) });
    // With reduced motion the reader starts it.
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) player.toggle();
    else player.seek(info.count - 1);
    actions.enable(reproduce(model, request));
  }

  const form = h(
    "form",
    { class: "panel stack", onsubmit: run, noValidate: true },
    h("h2", {}, "Interpolate"),
    h("div", { class: "pair" }, from.seed.element, to.seed.element),
    from.label && h("div", { class: "pair" }, from.label.element, to.label.element),
    count.element,
    h("details", {}, h("summary", {}, "Settings"), settings.element),
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Interpolate"), job.controls()),
  );
  const own = () => ({ seed_from: from.seed.get(), seed_to: to.seed.get(), images: count.get(), ...(from.label && { class_from: from.label.get(), class_to: to.label.get() }) });
  return { element: h("div", { class: "workbench" }, form, output.element), player, params: own };
}
