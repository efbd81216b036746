/** Compare: configurations, also of several models, sample from the same seeds, with evaluations and seconds of each, beside measured quality. */

import { chart } from "../parts/chart.js";
import { h } from "../parts/element.js";
import { choice, number } from "../parts/fields.js";
import { samplingJob } from "../parts/job.js";
import { counterpart, isComparable } from "../parts/live_panel.js";
import { copyActions } from "../parts/copy_actions.js";
import { reproduce, reproduceAll } from "../parts/reproduce.js";
import { describeImage, enlarging, imageUse } from "../parts/enlarging.js";
import { difference } from "../parts/difference.js";
import { judgementHint, recognizedText } from "../parts/judgement.js";
import { settingsGrid } from "../parts/settings_grid.js";
import { conditions } from "../parts/conditions.js";
import { UrlState } from "../parts/url_state.js";
import { paint } from "../parts/painting.js";
import { countField, effective, imageSeeds, reuseSeed, samplingSettings } from "../parts/settings.js";
import { reveal } from "../parts/output_panel.js";

export const title = "Compare";

const MAX_CONFIGURATIONS = 4;
/** Relative difference of seconds that is within the variation of one machine. */
const TIMING_NOISE = 0.15;

export function mount(root, app) {
  const { engine, model, models, url, notify, updateUrl } = app;
  const condition = conditions({ model, engine, url, onchange: () => {} });
  const count = countField(model, url, "Images each", { value: 12, max: 64 });
  const seed = number("Seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 0, param: [url, "seed"] });
  const configurations = [];
  const grid = h("div", { class: "configurations" });
  const quality = h("div", {}), differences = h("div", {});
  const reuse = (info, at) => reuseSeed(seed, info.seeds[at], notify);
  let comparison = null;

  const comparable = models.filter((each) => each === model || isComparable(model, each));

  const params = () => ({ n: count.get(), seed: seed.get(), ...condition.params(), configurations: configurations.map((one) => one.text()).join(";"), ...cells.params() });

  function add(initial, which = model) {
    const one = makeConfiguration(comparable, which, app, initial, reuse);
    one.remove.addEventListener("click", () => {
      one.job.stop();
      configurations.splice(configurations.indexOf(one), 1);
      one.element.remove();
      renumber();
    });
    configurations.push(one);
    grid.append(one.element);
    renumber();
  }

  function renumber() {
    more.disabled = configurations.length >= MAX_CONFIGURATIONS;
    configurations.forEach((one, at) => one.renumber(at + 1, configurations.length > 2));
  }

  async function compare(event) {
    event?.preventDefault();
    if (![count, seed].every((part) => part.valid()) || !configurations.every((one) => one.valid())) return;
    const problem = await condition.problem();
    if (problem) return notify(problem, true);
    const current = (comparison = {}), results = [];
    updateUrl(params());
    cells.stop();
    notify("");
    differences.replaceChildren();
    stop.disabled = false;
    const request = { seeds: imageSeeds(seed.get(), count.get()), ...condition.request() };
    const started = [...configurations];
    started.forEach((one) => one.wait());
    // One after the other: in parallel they would compete for the processor, and the seconds would mean nothing.
    for (const one of started) {
      if (current !== comparison) return;
      if (!configurations.includes(one)) continue;
      notify(`${one.name} is running…`);
      reveal(one.element);
      const result = await one.run(request);
      if (result) results.push(result);
    }
    if (current !== comparison) return;
    comparison = null;
    stop.disabled = true;
    copying.enable(reproduceAll(results.map((each) => reproduce(each.model, each.request))));
    if (results.length < 2) return;
    const { text, fastest } = compareSpeed(results);
    configurations.forEach((one) => one.element.classList.toggle("fastest", fastest.some((each) => each.configuration === one)));
    notify(`${text} All configurations use the same seeds.`);
    showDifferences(differences, results);
  }

  const stop = h("button", { type: "button", disabled: true, onclick: () => leave() }, "Stop");
  const copying = copyActions({ url: () => updateUrl(params()), notify });
  const cells = settingsGrid({ ...app, updateUrl: () => updateUrl(params()) }, { seed: () => seed.get(), condition, reuse, onstart: () => leave() });
  const more = h("button", { type: "button", onclick: () => add(new UrlState()) }, "Add configuration");
  root.append(
    h("form", { class: "panel stack", onsubmit: compare, noValidate: true },
      h("div", { class: "pair" }, count.element, seed.element),
      condition.element,
      h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Compare"), stop, more, copying.buttons), copying.caption),
    h("section", { class: "panel", "aria-label": "Configurations" }, h("h2", {}, "Configurations"), grid),
    differences,
    cells.element,
    quality,
  );
  const other = counterpart(model, models), linked = url.text("configurations", "").split(";").filter(Boolean).slice(0, MAX_CONFIGURATIONS);
  for (const text of linked) {
    const { model: name, ...rest } = Object.fromEntries(new URLSearchParams(text));
    add(new UrlState(rest), comparable.find((each) => each.name === name) ?? model);
  }
  if (linked.length < 2) add(new UrlState());
  if (linked.length) renumber();
  else if (other) add(new UrlState(), other);
  else add(new UrlState({ sampler: "ddim", steps: Math.min(50, model.max_steps) }));
  engine.quality?.(model.name).then((rows) => showQuality(quality, rows, model)).catch(() => {});
  const leave = () => {
    if (comparison) notify("Stopped.");
    comparison = null;
    configurations.forEach((one) => one.job.stop());
    cells.stop();
    stop.disabled = true;
  };
  return { leave, dispose: leave, params };
}

/**
 * Return the fastest of `results`, each { name, evaluations, seconds }, and a sentence. Results with as many evaluations
 * as the fastest tie with it up to TIMING_NOISE.
 */
export function compareSpeed(results) {
  const sorted = [...results].sort((a, b) => a.seconds - b.seconds);
  const first = sorted[0], last = sorted.at(-1);
  const fastest = sorted.filter((each) => each === first || (each.evaluations === first.evaluations && each.seconds < (1 + TIMING_NOISE) * first.seconds));
  const names = fastest.map((each) => each.name).join(" and ");
  if (fastest.length === sorted.length) return { fastest, text: `${names} are equally fast: ${first.evaluations} evaluations each.` };
  const ratio = (last.seconds / Math.max(first.seconds, 0.001)).toFixed(1);
  return { fastest, text: `${names} ${fastest.length > 1 ? "are" : "is"} fastest, ${ratio} times as fast as ${last.name}.` };
}

function makeConfiguration(comparable, first, app, initial, reuse) {
  const { engine, notify } = app;
  const menu = choice("Model", comparable.map((each) => [each.name, each.name]), first.name);
  const place = h("div", {});
  let model, settings;
  function select(selected, url) {
    model = selected;
    settings = samplingSettings(model, url, { withSeed: false });
    place.replaceChildren(settings.element);
  }
  select(first, initial);
  menu.input.addEventListener("change", () => select(comparable.find((each) => each.name === menu.get()), new UrlState()));
  const canvas = h("canvas", { class: "picture", role: "img" });
  const status = h("p", { class: "figures hint" }, "ready");
  let shown = null;
  const enlarge = enlarging(canvas, () => shown);
  enlarge.disabled = true;
  const remove = h("button", { type: "button", class: "quiet" }, "✕");
  const heading = h("h3", {});
  const element = h("div", { class: "configuration panel stack", role: "group" }, h("div", { class: "row spread" }, heading, h("div", { class: "row" }, enlarge, remove)), comparable.length > 1 && menu.element, place, canvas, status);
  const setStatus = (text, isProblem = false) => {
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
    if (isProblem) notify(`${self.name}: ${text}`, true);
  };
  const job = samplingJob(engine, setStatus);
  const self = { element, job, remove, valid: () => settings.valid(), wait: () => setStatus("waiting") };
  self.renumber = (number, removable) => {
    self.name = heading.textContent = `Configuration ${number}`;
    element.setAttribute("aria-label", self.name);
    canvas.setAttribute("aria-label", `images of configuration ${number}`);
    remove.setAttribute("aria-label", `remove configuration ${number}`);
    enlarge.setAttribute("aria-label", `enlarge an image of configuration ${number}`);
    remove.disabled = !removable;
  };
  self.text = () => String(new URLSearchParams({ model: model.name, ...settings.params() }));
  self.run = async (shared) => {
    let info = null, end = null, values = null;
    const sampler = () => `${comparable.length > 1 ? `${request.model}, ` : ""}${info.sampler}:${info.steps}`;
    const request = effective({ ...shared, model: model.name, ...settings.values(), judge: true });
    const layout = () => ({ labels: info.labels, columns: Math.min(info.count, 6) });
    // An untimed step first: loading the model and choosing kernels for this batch size are no part of the measurement.
    if (!(await job.run({ ...request, steps: 1, max_frames: 2, judge: false }, {}))) return null;
    const finished = await job.run(request, {
      begin: (event) => (info = event),
      step: (frame) => {
        values = frame.denoised;
        paint(canvas, values, info.shape, layout());
        setStatus(`${sampler()}, step ${frame.step} of ${info.steps}`);
      },
      done: (event) => (end = event),
    });
    if (!finished) return null;
    const { seconds, recognized = null } = end, points = info.shape.length === 1;
    enlarge.disabled = points;
    if (!points) shown = { values, shape: info.shape, layout: layout(), caption: (at) => `${self.name}, image ${at + 1} of ${info.count}: ${describeImage(info, at, model.classes)}`, use: imageUse({ ...app, model }, (at) => reuse(info, at)) };
    setStatus(`${sampler()}: ${info.evaluations} ${info.evaluations === 1 ? "evaluation" : "evaluations"} per ${points ? "point" : "image"}, ${seconds.toFixed(2)} s${recognized ? `; ${recognizedText(recognized)}` : ""}`);
    return { configuration: self, model, request, info, values, layout: layout(), recognized, name: `${self.name} (${sampler()})`, evaluations: info.evaluations, seconds };
  };
  return self;
}

/** Show what differs between the images of the first of `results` and those of each other one, and what the classifier means. */
function showDifferences(root, results) {
  const [first, ...others] = results.filter(({ info }) => info.shape.length === 3).map((each) => ({ ...each, name: each.configuration.name.toLowerCase() }));
  if (!others.length) return;
  const judged = results.find((each) => each.recognized)?.recognized;
  const figures = h("div", { class: "configurations" }, others.map((other) => difference(first, other)));
  root.replaceChildren(h("section", { class: "panel stack" }, h("h2", {}, "Difference, seed by seed"), figures, judged && h("p", { class: "hint" }, judgementHint(judged))));
}

function showQuality(root, rows, model) {
  if (!rows.length) return;
  const ofModel = rows.filter((row) => row.model === model.name), others = rows.filter((row) => row.model !== model.name);
  const series = [[model.name, ofModel], ["others", others]].filter(([, group]) => group.length).map(([name, group]) => ({
    name,
    dots: true,
    points: group.map((row) => [row.seconds, row.times]),
    titles: group.map((row) => `${row.model} at step ${row.step.toLocaleString("en")}, ${row.sampler}: FD ${row.times.toFixed(2)} times that of ${row.n.toLocaleString("en")} real images, in ${row.seconds.toFixed(2)} s`),
  }));
  const plot = chart({ x: "seconds for 64 images, as measured", y: "FD / FD of real images", series, log: "xy", label: "Speed against quality of measured models" });
  const caption = "Measured by 'inkwash evaluate'. Lower and to the left is better; 1 is the FD of as many real images. To add a run: inkwash evaluate RUN.";
  root.replaceChildren(h("section", { class: "panel" }, h("h2", {}, "Speed against quality"), plot.element, h("p", { class: "hint" }, caption)));
}
