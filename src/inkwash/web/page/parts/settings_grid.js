/** A grid of guidance weights by numbers of steps: the same seeds in every cell, whose cost is shown before it starts. */

import { copyActions } from "./copy_actions.js";
import { h } from "./element.js";
import { enlarging, describeImage, imageUse } from "./enlarging.js";
import { number, textField } from "./fields.js";
import { samplingJob } from "./job.js";
import { recognizedText } from "./judgement.js";
import { columnsFor, paint } from "./painting.js";
import { reproduce, reproduceAll } from "./reproduce.js";
import { effective, evaluationsOf, imageSeeds } from "./settings.js";

/** The most values along a side, which is that of a table on a screen. */
const MAX_VALUES = 6;

/**
 * Return { element, params, stop }: `seed()` and `condition` are those of the view, `onstart()` is called before it samples, and
 * `reuse(info, at)` sets the seed to that of an image of a request.
 */
export function settingsGrid(app, { seed, condition, reuse, onstart }) {
  const { engine, model, url, notify, updateUrl } = app, points = model.shape.length === 1;
  const guidances = model.guidable ? listField("Guidance weights", "grid_guidance", [1, 2, 4], { min: 0, max: 20 }, url) : null;
  const steps = listField("Numbers of steps", "grid_steps", stepsOf(model), { min: 1, max: model.max_steps, whole: true }, url);
  const count = number(points ? "Points in each cell" : "Images in each cell", { min: 1, max: points ? 400 : 16, value: points ? 200 : 4, param: [url, "grid_n"] });
  const cost = h("p", { class: "hint" }), table = h("div", {}), fields = [guidances, steps, count].filter(Boolean);
  const job = samplingJob(engine, notify);
  const params = () => ({ ...(guidances && { grid_guidance: guidances.text() }), grid_steps: steps.text(), grid_n: count.get() });
  const copying = copyActions({ url: () => updateUrl(), notify });
  let current = null;

  const request = (guidance, number) => effective({ model: model.name, seeds: imageSeeds(seed(), count.get()), ...condition.request(), sampler: model.sampler, steps: number, guidance, max_frames: 2, judge: true });
  /** The requests by guidance and steps; one row where guidance has no effect. */
  function rows() {
    const made = (guidances?.values() ?? [null]).map((guidance) => steps.values().map((each) => request(guidance, each)));
    return made[0][0].guidance === null ? made.slice(0, 1) : made;
  }

  function showCost() {
    if (!fields.every((field) => field.input.checkValidity())) return (cost.textContent = "");
    const requests = rows().flat(), evaluations = requests.reduce((sum, each) => sum + evaluationsOf(each), 0);
    cost.textContent = `${requests.length} ${requests.length === 1 ? "cell" : "cells"}: ${evaluations.toLocaleString("en")} network evaluations.`;
  }

  async function run(event) {
    event.preventDefault();
    if (!fields.every((field) => field.valid())) return;
    const problem = await condition.problem();
    if (problem) return notify(problem, true);
    onstart();
    updateUrl();
    showCost();
    copying.disable();
    const requests = rows(), cells = requests.map((row) => row.map((each) => cellOf(each)));
    table.replaceChildren(tableOf(cells));
    const started = (current = {});
    for (const [at, cell] of cells.flat().entries()) {
      const isFinished = started === current && (await job.run(cell.request, { begin: cell.begin, step: cell.step, done: cell.done }));
      if (!isFinished) return;
      notify(`Cell ${at + 1} of ${cells.flat().length} is finished.`);
    }
    copying.enable(reproduceAll(requests.flat().map((each) => reproduce(model, each))));
  }

  function cellOf(each) {
    const name = [each.guidance !== null && `guidance ${each.guidance}`, `${each.steps} ${each.steps === 1 ? "step" : "steps"}`].filter(Boolean).join(", ");
    const canvas = h("canvas", { class: "picture", role: "img", "aria-label": name }), verdict = h("p", { class: "hint" });
    let info = null, values = null;
    const layout = { columns: points ? null : columnsFor(count.get()) };
    const enlarge = enlarging(canvas, () => values && !points && { values, shape: info.shape, layout, caption: (at) => `${name}: ${describeImage(info, at, model.classes)}`, use: imageUse(app, (at) => reuse(info, at)) }, `enlarge an image of ${name}`);
    enlarge.disabled = true;
    return {
      request: each,
      element: h("div", {}, canvas, h("div", { class: "row spread" }, verdict, !points && enlarge)),
      begin: (event) => (info = event),
      step: (frame) => paint(canvas, (values = frame.x), info.shape, { ...layout, labels: info.labels }),
      done: ({ recognized }) => {
        enlarge.disabled = false;
        verdict.textContent = recognized ? recognizedText(recognized) : "";
      },
    };
  }

  function tableOf(cells) {
    const head = h("tr", {}, h("td", {}), steps.values().map((each) => h("th", { scope: "col" }, `${each} ${each === 1 ? "step" : "steps"}`)));
    const body = cells.map((row) => h("tr", {}, h("th", { scope: "row" }, row[0].request.guidance === null ? "no guidance" : `guidance ${row[0].request.guidance}`), row.map((cell) => h("td", {}, cell.element))));
    return h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "grid of guidance and steps" }, h("table", { class: "cells" }, h("thead", {}, head), h("tbody", {}, body)));
  }

  function stop() {
    current = null;
    if (job.isBusy()) job.stop();
  }

  const title = model.guidable ? "Guidance by steps" : "Numbers of steps";
  const form = h("form", { class: "stack", onsubmit: run, oninput: showCost, noValidate: true },
    h("div", { class: "fields" }, fields.map((field) => field.element)), cost,
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Sample the grid"), job.controls()), h("div", { class: "row" }, copying.buttons), copying.caption);
  condition.element?.addEventListener("change", showCost);
  showCost();
  return { element: h("section", { class: "panel stack", "aria-label": title }, h("h2", {}, title), h("p", { class: "hint" }, "The seed and the classes above, in every cell the same, with the sampler of the recipe."), form, table), params, stop };
}

/** Return three numbers of steps around that of the recipe. */
const stepsOf = ({ steps, max_steps: max }) => [...new Set([Math.max(1, Math.round(steps / 5)), Math.max(1, Math.round(steps / 2)), steps].map((each) => Math.min(each, max)))];

/** A field of up to MAX_VALUES numbers, which are separated by commas. */
function listField(label, name, initial, { min, max, whole = false }, url) {
  const parse = (text) => text.split(",").map((each) => each.trim()).filter(Boolean).map(Number);
  const isValid = (values) => values.length > 0 && values.length <= MAX_VALUES && values.every((each) => each >= min && each <= max && (!whole || Number.isInteger(each)));
  const given = url.text(name, ""), isGiven = given !== "" && url.validated(name, null, isValid(parse(given))) !== null;
  const field = textField(label, { value: isGiven ? given : initial.join(", "), hint: `up to ${MAX_VALUES} from ${min} to ${max}` });
  const check = () => field.input.setCustomValidity(isValid(parse(field.get())) ? "" : `Give up to ${MAX_VALUES} numbers from ${min} to ${max}, separated by commas.`);
  field.input.addEventListener("input", check);
  return { ...field, values: () => parse(field.get()), text: () => parse(field.get()).join(",") };
}
