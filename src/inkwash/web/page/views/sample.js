/** Sample: choose classes, number and settings; every step is shown as it is computed; models of one step are redrawn live. */

import { outputActions } from "../parts/output_actions.js";
import { h } from "../parts/element.js";
import { imageUse } from "../parts/enlarging.js";
import { checkbox } from "../parts/fields.js";
import { samplingJob } from "../parts/job.js";
import { counterpart, isLive, livePanel } from "../parts/live_panel.js";
import { conditions } from "../parts/conditions.js";
import { columnsFor } from "../parts/painting.js";
import { Player } from "../parts/player.js";
import { reproduce } from "../parts/reproduce.js";
import { costOf, countField, effective, imageSeeds, samplingSettings } from "../parts/settings.js";
import { outputPanel } from "../parts/output_panel.js";

export const title = "Sample";

export function mount(root, app) {
  const { engine, model, models, url, notify, updateUrl, go, restore } = app;
  const points = model.shape.length === 1;
  const condition = conditions({ model, engine, url, onchange: () => live?.redraw() });
  const count = countField(model, url, "Number of images", { value: 20, max: 100 });
  const settings = samplingSettings(model, url);
  const pause = checkbox("Pause at each step");
  const player = new Player({ classes: model.classes, use: imageUse(app, (at) => settings.reuse(player.info.seeds[at], notify)) });
  const job = samplingJob(engine, notify);
  // Prompt and sliders are beside the images that follow them; the form of more samples takes them from there.
  const isAbove = isLive(model) && model.attributes?.length > 0;
  const live = isLive(model) ? livePanel(app, isAbove ? condition : null) : null;
  const params = () => ({ ...live?.params(), n: count.get(), ...condition.params(), ...settings.params() });
  const actions = outputActions(player, { url: () => updateUrl(params()), name: () => `${model.name}-${settings.seed()}`, notify, source: model.source });
  const output = outputPanel("Samples", `Press Sample to turn noise into ${points ? "points" : "images"}, step by step.`);

  function request() {
    return effective({ model: model.name, seeds: imageSeeds(settings.seed(), count.get()), ...condition.request(), ...settings.values(), field: points });
  }

  async function sample(event) {
    event?.preventDefault();
    if (![count, settings].every((part) => part.valid())) return;
    const problem = await condition.problem();
    if (problem) return notify(problem, true);
    const link = updateUrl(params());
    output.show(player.element, actions.element);
    actions.disable();
    player.stepwise = pause.get();
    const body = request();
    const finished = await job.run(body, {
      begin: (info) => player.begin(info, { columns: columnsFor(info.count, condition.turn()) }),
      step: (frame) => player.add(frame),
    });
    if (finished) actions.enable(reproduce(model, body), link);
  }

  const form = h(
    "form",
    { class: "panel stack", onsubmit: sample, noValidate: true },
    isAbove ? h("p", { class: "hint" }, "Prompt, classes and attributes are those set above.") : condition.element,
    count.element,
    settings.element,
    pause.element,
    h("details", {}, h("summary", {}, "Settings of a PNG"), h("label", { class: "field" }, "A PNG that inkwash wrote", h("input", { type: "file", accept: "image/png", onchange: ({ target }) => restore(target.files[0]) }), h("span", { class: "hint" }, "or drop it anywhere on the page"))),
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Sample"), job.controls()),
  );
  const sampling = h("div", { class: "workbench" }, form, output.element);
  root.append(introduction(models));
  root.append(...[stepsSwitch(model, counterpart(model, models), go), live?.element, sampling].filter(Boolean));
  if (url.shouldSample("seed")) {
    const cost = costOf(request());
    if (cost) notify(cost);
    else sample();
  }
  const leave = () => {
    job.stop();
    player.stop();
  };
  const dispose = () => {
    live?.stop();
    leave();
  };
  return { leave, dispose, params };
}

/** Return what this page is, and examples of the models that it has: an exported page has one. */
function introduction(models) {
  const examples = { "Write 2026": "#write?model=fast&text=2026&seed=1", "Sevens, with guidance": "#sample?model=fast&n=20&labels=7&guidance=2&seed=3", "Bold, slanted sevens": "#sample?model=words&prompt=a%20bold%2C%20slanted%20seven&n=20&seed=3", "Points in the plane": "#sample?model=moons&n=300&seed=0" };
  const links = Object.entries(examples).filter(([, href]) => models.some(({ name }) => href.includes(`model=${name}&`))).flatMap(([text, href]) => [" ", h("a", { href }, text)]);
  return h("p", { class: "introduction" }, "inkwash trains and examines diffusion models of small images: networks that turn noise into images step by step. Examples:", links);
}

/** Return buttons that switch between a model of one step and one of several; null where there is no `other`. */
function stepsSwitch(model, other, go) {
  if (!other) return null;
  const button = (each) =>
    h("button", { type: "button", "aria-pressed": String(each === model), onclick: () => go("sample", { model: each.name }) }, `${each.steps} ${each.steps === 1 ? "step" : "steps"}: ${each.name}`);
  return h("div", { class: "chips switch", role: "group", "aria-label": "Steps" }, [model, other].sort((a, b) => a.steps - b.steps).map(button));
}
