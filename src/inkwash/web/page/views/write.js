/** Write: a line of text in the model's hand, one image a character, or one a word where classes have names. */

import { actions } from "../parts/output_actions.js";
import { of } from "../parts/element.js";
import { line, tick } from "../parts/fields.js";
import { job } from "../parts/job.js";
import { Player } from "../parts/player.js";
import { seeds, settings } from "../parts/settings.js";
import { stage } from "../parts/output_panel.js";

export const title = "Write";

/** Images that the server draws for one request. */
const MOST = 400;
const NAMED = 12;

/** Return the labels of what can be written, null for a gap, the pieces that cannot be, and the labels beyond `most`. */
export function spell(text, classes, most = MOST) {
  const single = classes.every((name) => [...name].length === 1);
  // the longest name first: "ankle boot" is one class, and not what "boot" may be
  const names = classes.map((name, label) => [name.toLowerCase(), label]).sort((a, b) => b[0].length - a[0].length);
  const order = [], unknown = [];
  for (let rest = text; rest; ) {
    const [name, label] = names.find(([each]) => rest.toLowerCase().startsWith(each) && (single || !/^\w/.test(rest.slice(each.length)))) ?? [];
    if (name) order.push(label);
    else if (!rest[0].trim()) order.push(...(single ? [null] : []));
    else unknown.push(single ? [...rest][0] : rest.match(/^\S+/)[0]);
    rest = rest.slice(name ? name.length : !rest[0].trim() ? 1 : unknown.at(-1).length);
  }
  let written = 0;
  const end = order.findIndex((label) => label !== null && ++written > most);
  const beyond = end < 0 ? [] : order.splice(end).filter((label) => label !== null);
  return { order, unknown, beyond };
}

/** Name a few of many pieces, and say how many more there are. */
const some = (pieces) => pieces.slice(0, NAMED).join(" ") + (pieces.length > NAMED ? ` and ${pieces.length - NAMED} more` : "");

export function mount(root, { engine, model, link, say, remember }) {
  if (!model.conditional || model.shape.length !== 3) {
    root.append(of("p", { class: "panel" }, `${model.name} was trained without labels, so that it cannot be told what to write. Choose another model above.`));
    return undefined;
  }
  const numbers = model.classes.every((name) => /^\d$/.test(name));
  const text = line("Text", { value: link.text("text", numbers ? "2026" : model.classes.slice(0, 3).join(" ")), hint: `It can write: ${model.classes.join(" ")}` });
  const hand = tick("One consistent hand: the same noise for all", link.choice("hand", "0", ["0", "1"]) === "1");
  const how = settings(model, link);
  const player = new Player({ parts: ["denoised"], classes: model.classes });
  const work = job(engine, say);
  const read = () => ({ text: text.get(), hand: hand.get() ? 1 : 0, ...how.link() });
  const kept = actions(player, { address: () => remember(read()), name: () => text.get().trim().replaceAll(/\W+/g, "-") || "written", say });
  const cannot = of("p", { class: "problem", role: "alert" });
  const sheet = stage("Picture", "Type something, and press Write.");

  async function begin(event) {
    event?.preventDefault();
    if (!how.valid()) return;
    const { order, unknown, beyond } = spell(text.get(), model.classes);
    const faults = [];
    if (unknown.length) faults.push(`Not written: ${some(unknown)} (${model.name} was never shown ${unknown.length === 1 ? "it" : "them"}).`);
    if (beyond.length) faults.push(`Left out after ${MOST} images, the most of one drawing: ${some(beyond.map((label) => model.classes[label]))}.`);
    cannot.textContent = faults.join(" ");
    const written = order.filter((label) => label !== null);
    if (!written.length) return say("There is nothing here that this model can write.", true);
    remember(read());
    sheet.show(player.element, kept.element);
    kept.wait();
    let next = 0;
    const places = order.map((label) => (label === null ? null : next++));
    const request = { model: model.name, seeds: seeds(how.seed(), written.length, hand.get()), labels: written, ...how.read() };
    let command = null;
    const ended = await work.run(request, {
      begin: (told) => {
        command = told.command;
        player.begin(told, { order: places, columns: Math.min(places.length, 16), gap: 0 });
      },
      step: (frame) => player.add(frame),
    });
    if (ended) kept.ready(command);
  }

  const form = of("form", { class: "panel stack", onsubmit: begin, noValidate: true }, text.element, cannot, hand.element, how.element, of("div", { class: "row" }, of("button", { class: "primary", type: "submit" }, "Write")));
  root.append(of("div", { class: "workbench" }, form, sheet.element));
  if (link.asks("text")) begin();
  return () => {
    work.stop();
    player.stop();
  };
}
