/** Write: a line of text, one sampled image for each character, or for each word where classes have longer names. */

import { outputActions } from "../parts/output_actions.js";
import { h } from "../parts/element.js";
import { imageUse } from "../parts/enlarging.js";
import { checkbox, textField } from "../parts/fields.js";
import { samplingJob } from "../parts/job.js";
import { Player } from "../parts/player.js";
import { reproduce } from "../parts/reproduce.js";
import { costOf, imageSeeds, samplingSettings } from "../parts/settings.js";
import { outputPanel } from "../parts/output_panel.js";

export const title = "Write";

/** The most images that the server samples for one request. */
const MAX_IMAGES = 400;
const MAX_NAMED = 12;
/** The most characters and gaps of one line: more would be a canvas that browsers cannot show. */
const MAX_PLACES = 1000;

/**
 * Return { order, unknown, omitted }: the label of each image with null for a gap, the pieces of `text` that are not
 * a class, and the labels after the first `max`.
 */
export function labelsOfText(text, classes, max = MAX_IMAGES) {
  const single = classes.every((name) => [...name].length === 1);
  // The longest name first: "ankle boot" is one class, although "boot" may be another.
  const names = classes.map((name, label) => [name.toLowerCase(), label]).sort((a, b) => b[0].length - a[0].length);
  const order = [], unknown = [], lower = text.toLowerCase(), piece = single ? /./suy : /\S+/y;
  // Positions instead of rests of the text: the time is linear in its length.
  for (let at = 0; at < text.length; ) {
    const [name, label] = names.find(([each]) => lower.startsWith(each, at) && (single || !/\w/.test(text[at + each.length] ?? ""))) ?? [];
    piece.lastIndex = at;
    if (name) order.push(label);
    else if (text[at].trim()) unknown.push(piece.exec(text)[0]);
    else if (single) order.push(null);
    at += name ? name.length : text[at].trim() ? unknown.at(-1).length : 1;
  }
  let written = 0;
  const end = order.findIndex((label, at) => at >= MAX_PLACES || (label !== null && ++written > max));
  const omitted = end < 0 ? [] : order.splice(end).filter((label) => label !== null);
  return { order, unknown, omitted };
}

/** Return the first few pieces, and the number of the others. */
const some = (pieces) => pieces.slice(0, MAX_NAMED).join(" ") + (pieces.length > MAX_NAMED ? ` and ${pieces.length - MAX_NAMED} more` : "");

export function mount(root, app) {
  const { engine, model, models, url, notify, updateUrl } = app;
  if (!model.conditional || model.shape.length !== 3) {
    root.append(h("p", { class: "panel" }, `${model.name} is not class-conditional: text needs one class per character.${models.some((each) => each.conditional) ? " Select a class-conditional model above." : ""}`));
    return undefined;
  }
  const digits = model.classes.every((name) => /^\d$/.test(name));
  const text = textField("Text", { value: url.text("text", digits ? "2026" : model.classes.slice(0, 3).join(" ")), hint: `Classes: ${model.classes.join(" ")}` });
  const shared = checkbox("Same handwriting (one seed for all characters)", url.choice("same_seed", "0", ["0", "1"]) === "1");
  const settings = samplingSettings(model, url);
  const player = new Player({ parts: ["denoised"], classes: model.classes, use: imageUse(app, (at) => settings.reuse(player.info.seeds[at], notify)) });
  const job = samplingJob(engine, notify);
  const params = () => ({ text: text.get(), same_seed: shared.get() ? 1 : 0, ...settings.params() });
  const actions = outputActions(player, { url: () => updateUrl(params()), name: () => text.get().trim().replaceAll(/\W+/g, "-") || "written", notify });
  const omissions = h("p", { class: "problem", role: "alert" });
  const output = outputPanel("Output", "Enter text and press Write.");

  async function write(event) {
    const isLink = !event;
    event?.preventDefault();
    if (!settings.valid()) return;
    const { order, unknown, omitted } = labelsOfText(text.get(), model.classes);
    const faults = [], labels = order.filter((label) => label !== null);
    if (unknown.length) faults.push(`Not written: ${some(unknown)} (not a class of ${model.name}).`);
    if (omitted.length) faults.push(`Omitted after ${labels.length} images, the limit of one request: ${some(omitted.map((label) => model.classes[label]))}.`);
    omissions.textContent = faults.join(" ");
    if (!labels.length) return notify("The text contains no class of this model.", true);
    updateUrl(params());
    output.show(player.element, actions.element);
    actions.disable();
    let next = 0;
    const places = order.map((label) => (label === null ? null : next++));
    const request = { model: model.name, seeds: imageSeeds(settings.seed(), labels.length, shared.get()), labels, ...settings.values() };
    if (isLink && costOf(request)) return notify(costOf(request));
    const finished = await job.run(request, {
      begin: (info) => player.begin(info, { order: places, columns: Math.min(places.length, 16), gap: 0 }),
      step: (frame) => player.add(frame),
    });
    if (finished) actions.enable(reproduce(model, request));
  }

  const form = h("form", { class: "panel stack", onsubmit: write, noValidate: true }, text.element, omissions, shared.element, settings.element, h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Write"), job.controls()));
  root.append(h("div", { class: "workbench" }, form, output.element));
  if (url.shouldSample("text")) write();
  const leave = () => {
    job.stop();
    player.stop();
  };
  return { leave, dispose: leave, params };
}
