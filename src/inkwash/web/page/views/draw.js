/** Draw: pick classes, how many and how; watch every step as it happens, and scrub back and forth through them. */

import { actions } from "../parts/output_actions.js";
import { of } from "../parts/element.js";
import { tick } from "../parts/fields.js";
import { job } from "../parts/job.js";
import { labels } from "../parts/class_picker.js";
import { columnsFor } from "../parts/painting.js";
import { Player } from "../parts/player.js";
import { amount, seeds, settings } from "../parts/settings.js";
import { stage } from "../parts/output_panel.js";

export const title = "Draw";

export function mount(root, { engine, model, link, say, remember }) {
  const points = model.shape.length === 1;
  const which = labels(model, link);
  const many = amount(model, link, "How many", { value: 20, most: 100 });
  const how = settings(model, link);
  const stepwise = tick("Step by step");
  const player = new Player({ classes: model.classes });
  const work = job(engine, say);
  const kept = actions(player, { address: () => remember(read()), name: () => `${model.name}-${how.seed()}`, say });
  const read = () => ({ n: many.get(), ...which.link(), ...how.link() });
  const go = of("button", { class: "primary", type: "submit" }, "Draw");
  const halt = of("button", { type: "button", disabled: true, onclick: work.stop }, "Stop");
  const sheet = stage("Picture", `Press Draw, and watch noise become ${points ? "points" : "pictures"}.`);

  async function begin(event) {
    event?.preventDefault();
    if (![many, how].every((part) => part.valid())) return;
    remember(read());
    sheet.show(player.element, kept.element);
    kept.wait();
    halt.disabled = false;
    player.stepwise = stepwise.get();
    const asked = which.picked();
    const request = { model: model.name, seeds: seeds(how.seed(), many.get()), labels: which.read(), ...how.read(), field: points };
    if (asked.length && asked.every((label) => label < 0)) request.guidance = null;
    let command = null;
    const ended = await work.run(request, {
      begin: (told) => {
        command = told.command;
        player.begin(told, { columns: columnsFor(told.count, asked.length) });
      },
      step: (frame) => player.add(frame),
    });
    if (!work.busy()) halt.disabled = true;
    if (ended) kept.ready(command);
  }

  const form = of(
    "form",
    { class: "panel stack", onsubmit: begin, noValidate: true },
    which.element,
    many.element,
    how.element,
    stepwise.element,
    of("div", { class: "row" }, go, halt),
  );
  root.append(of("div", { class: "workbench" }, form, sheet.element));
  if (link.asks("seed")) begin();
  return () => {
    work.stop();
    player.stop();
  };
}
