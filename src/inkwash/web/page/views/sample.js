/** Sample: choose classes, number and settings; every step is shown as it is computed, and can be stepped through. */

import { outputActions } from "../parts/output_actions.js";
import { h } from "../parts/element.js";
import { checkbox } from "../parts/fields.js";
import { samplingJob } from "../parts/job.js";
import { classPicker } from "../parts/class_picker.js";
import { columnsFor } from "../parts/painting.js";
import { Player } from "../parts/player.js";
import { countField, imageSeeds, samplingSettings } from "../parts/settings.js";
import { outputPanel } from "../parts/output_panel.js";

export const title = "Sample";

export function mount(root, { engine, model, url, notify, updateUrl }) {
  const points = model.shape.length === 1;
  const classes = classPicker(model, url);
  const count = countField(model, url, "Number of images", { value: 20, max: 100 });
  const settings = samplingSettings(model, url);
  const pause = checkbox("Pause at each step");
  const player = new Player({ classes: model.classes });
  const job = samplingJob(engine, notify);
  const params = () => ({ n: count.get(), ...classes.params(), ...settings.params() });
  const actions = outputActions(player, { url: () => updateUrl(params()), name: () => `${model.name}-${settings.seed()}`, notify });
  const stop = h("button", { type: "button", disabled: true, onclick: job.stop }, "Stop");
  const output = outputPanel("Samples", `Press Sample to turn noise into ${points ? "points" : "images"}, step by step.`);

  async function sample(event) {
    event?.preventDefault();
    if (![count, settings].every((part) => part.valid())) return;
    updateUrl(params());
    output.show(player.element, actions.element);
    actions.disable();
    stop.disabled = false;
    player.stepwise = pause.get();
    const labels = classes.labels();
    const request = { model: model.name, seeds: imageSeeds(settings.seed(), count.get()), labels, ...settings.values(), field: points };
    // Guidance has no effect on unconditional samples, and a request with both is refused.
    if (labels?.every((label) => label < 0)) request.guidance = null;
    let command = null;
    const finished = await job.run(request, {
      begin: (info) => {
        command = info.command;
        player.begin(info, { columns: columnsFor(info.count, classes.selected().length) });
      },
      step: (frame) => player.add(frame),
    });
    if (!job.isBusy()) stop.disabled = true;
    if (finished) actions.enable(command);
  }

  const form = h(
    "form",
    { class: "panel stack", onsubmit: sample, noValidate: true },
    classes.element,
    count.element,
    settings.element,
    pause.element,
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Sample"), stop),
  );
  root.append(h("div", { class: "workbench" }, form, output.element));
  if (url.shouldSample("seed")) sample();
  return () => {
    job.stop();
    player.stop();
  };
}
