/** Edit: draw something and let the model go on from it, fill in a part of it, or walk from one picture to another. */

import { actions } from "../parts/output_actions.js";
import { InkCanvas } from "../parts/canvas.js";
import { of } from "../parts/element.js";
import { choice, number, slider } from "../parts/fields.js";
import { packed } from "../engine/base64.js";
import { job } from "../parts/job.js";
import { Player } from "../parts/player.js";
import { seeds, settings } from "../parts/settings.js";
import { stage } from "../parts/output_panel.js";

export const title = "Edit";

const VARIATIONS = 8;

export function mount(root, app) {
  const { engine, model, say } = app;
  if (model.shape.length !== 3) {
    root.append(of("p", { class: "panel" }, `${model.name} draws points, and there is nothing to edit. Choose another model above.`));
    return undefined;
  }
  const work = job(engine, say);
  const parts = [repaint(app, work), morph(app, work)];
  root.append(...parts.map((part) => part.element));
  return () => {
    work.stop();
    parts.forEach((part) => part.player.stop());
  };
}

/** Return what a class is chosen with, where the model hears one. */
function classes(model, label, value = "", said = null) {
  if (!model.conditional) return null;
  return choice(label, [["", "whatever comes"], ...model.classes.map((name, at) => [String(at), name])], value, said);
}

const chosen = (field) => (field && field.get() !== "" ? Number(field.get()) : null);

function repaint({ engine, model, say, link }, work) {
  const easel = new InkCanvas(model.shape, say);
  const noise = slider("Noise first", { min: 0.05, max: 1, step: 0.05, value: 0.6, hint: "little keeps the drawing, much lets go of it", said: [link, "noise"] });
  const label = classes(model, "What it shall become", "", [link, "label"]);
  const how = settings(model, link);
  const player = new Player({ parts: ["denoised"], classes: model.classes });
  const kept = actions(player, { address: null, name: () => `${model.name}-edited`, say });
  const sheet = stage("What the model makes of it", "Draw on the empty sheet. Then start from it, or mark a part and have it painted anew.");

  async function begin(filling) {
    if (![noise, how].every((part) => part.valid())) return;
    const marked = filling ? easel.marked : null;
    if (filling && !marked) return say("Mark what shall be painted anew first: choose that tool, and go over it.", true);
    if (!filling && noise.get() === 1) return say("With noise 1 nothing is left of the drawing: take less.", true);
    if (!filling && easel.empty) return say("Draw something first, or load a picture.", true);
    sheet.show(player.element, kept.element);
    kept.wait();
    const edit = { picture: packed(easel.pixels), paint: marked && packed(marked), noise: filling ? 1 : noise.get() };
    const wanted = chosen(label);
    const request = { model: model.name, seeds: seeds(how.seed(), VARIATIONS), labels: wanted === null ? (model.conditional ? free(model) : null) : [wanted], ...how.read(), edit };
    if (wanted === null && model.conditional && model.guidable) request.guidance = null;
    const ended = await work.run(request, { begin: (told) => player.begin(told, { columns: 4 }), step: (frame) => player.add(frame) });
    if (ended) kept.ready(null);
  }

  /** Put a picture that the model draws onto the easel. */
  async function fetchOne() {
    let last = null;
    const wanted = chosen(label);
    const request = { model: model.name, seeds: [how.seed()], labels: wanted === null ? null : [wanted], ...how.read(), moments: 2 };
    if (await work.run(request, { step: (frame) => (last = frame) })) easel.set(last.x);
  }

  const form = of(
    "form",
    { class: "panel stack", onsubmit: (event) => event.preventDefault(), noValidate: true },
    of("h2", {}, "Draw, and let it go on"),
    easel.element,
    of("button", { type: "button", onclick: fetchOne }, "Take one that the model draws"),
    noise.element,
    label?.element,
    of("div", { class: "row" }, of("button", { class: "primary", type: "button", onclick: () => begin(false) }, "Start from it"), of("button", { class: "primary", type: "button", onclick: () => begin(true) }, "Fill in what is marked")),
    of("details", {}, of("summary", {}, "How"), how.element),
  );
  return { element: of("div", { class: "workbench" }, form, sheet.element), player };
}

/** Without a wish: no class at all where the model knows how, else one drawn for each seed. */
const free = (model) => (model.guidable ? [-1] : null);

function morph({ engine, model, say }, work) {
  // of digits a 3 that becomes an 8; of fewer classes the two that are farthest apart
  const [first, last] = model.classes.length > 8 ? [3, 8] : [0, model.classes.length - 1];
  const from = { seed: number("From seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 3 }), label: classes(model, "From class", String(first)) };
  const to = { seed: number("To seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 8 }), label: classes(model, "To class", String(last)) };
  const many = number("Pictures on the way", { min: 2, max: 60, value: 24 });
  const how = settings(model, undefined, { withSeed: false });
  const player = new Player({ parts: ["x"], names: { x: "on the way" }, unit: "picture" });
  const kept = actions(player, { address: null, name: () => `${model.name}-morph`, say });
  const sheet = stage("The way", "From one picture to another, by way of all between.");

  async function begin(event) {
    event.preventDefault();
    if (![from.seed, to.seed, many, how].every((part) => part.valid())) return;
    const ends = [chosen(from.label), chosen(to.label)];
    if ((ends[0] === null) !== (ends[1] === null)) return say("Name a class at both ends, or at neither.", true);
    const request = { model: model.name, seeds: seeds(from.seed.get(), many.get(), true), labels: ends[0] === null ? null : [ends[0]], ...how.read(), far: { seed: to.seed.get(), label: ends[1] }, moments: 2 };
    let told = null, drawn = null;
    player.clear();
    sheet.show(player.element, kept.element);
    kept.wait();
    const ended = await work.run(request, { begin: (said) => (told = said), step: (frame) => (drawn = frame) });
    if (!ended) return;
    player.begin({ ...told, count: 1, steps: told.count - 1, levels: Array(told.count).fill(null) }, { columns: 1 });
    const size = drawn.x.length / told.count;
    for (let at = 0; at < told.count; at++) player.add({ step: at, x: drawn.x.subarray(at * size, (at + 1) * size) });
    player.toggle();
    kept.ready(told.command);
  }

  const form = of(
    "form",
    { class: "panel stack", onsubmit: begin, noValidate: true },
    of("h2", {}, "From one to another"),
    of("div", { class: "pair" }, from.seed.element, to.seed.element),
    from.label && of("div", { class: "pair" }, from.label.element, to.label.element),
    many.element,
    of("details", {}, of("summary", {}, "How"), how.element),
    of("button", { class: "primary", type: "submit" }, "Morph"),
  );
  return { element: of("div", { class: "workbench" }, form, sheet.element), player };
}
