/** Play: a distribution in the plane, a denoiser of it, and particles that follow the ODE and the SDE under a time slider. */

import { copyActions } from "../parts/copy_actions.js";
import { h } from "../parts/element.js";
import { checkbox, choice, number } from "../parts/fields.js";
import { outputPanel } from "../parts/output_panel.js";
import { energyDistance } from "../math/energy.js";
import { Mlp } from "../math/mlp.js";
import { pythonOf } from "../play/code.js";
import { NAMES, dataset, decodePoints, encodePoints } from "../play/datasets.js";
import { Pad } from "../play/pad.js";
import { densityImage, paintScene } from "../play/scene.js";
import { Timeline } from "../play/timeline.js";

export const title = "Play";

const PARTICLES = 300;
const TRAINING_STEPS = 1500;
/** Points of a distribution that measure the particles, and their seed: others than those of the denoiser, which it may repeat. */
const HELD_OUT = 1000, HELD_OUT_SEED = 7;
const ODE = [["euler", "Euler (DDIM)"], ["heun", "Heun"], ["dpm++2m", "DPM++ 2M"], ["dpm++3m", "DPM++ 3M"]];
const SDE = [["ddpm", "DDPM"], ["dpm++2m-sde", "DPM++ 2M SDE"], ["consistency", "noise anew"]];

export function mount(root, { url, notify, updateUrl }) {
  const data = choice("Distribution", Object.entries(NAMES), "moons", [url, "data"]);
  const pad = new Pad(() => {
    data.set("drawn");
    changed();
  });
  const denoiser = choice("Denoiser", [["exact", "exact (no training)"], ["network", "network, trained here"]], "exact", [url, "denoiser"]);
  const ode = choice("ODE solver", ODE, "dpm++2m", [url, "ode"]), sde = choice("SDE solver", SDE, "ddpm", [url, "sde"]);
  const steps = number("Steps", { min: 1, max: 100, value: 20, param: [url, "steps"] });
  const label = choice("Class", [["-1", "any"], ["0", "A"], ["1", "B"]], "-1", [url, "class"]);
  const guidance = number("Guidance", { min: 0, max: 10, step: "any", value: 2, hint: "for a class; 1 = no guidance", param: [url, "guidance"] });
  const seed = number("Seed", { min: 0, max: 1e9, value: 0, param: [url, "seed"] });
  const shown = Object.fromEntries([["density", "Density"], ["arrows", "Score arrows"], ["trails", "Trajectories"]].map(([name, text]) => [name, checkbox(text, url.choice(name, "1", ["0", "1"]) === "1")]));
  const canvases = Object.fromEntries([["ode", "ODE, deterministic"], ["sde", "SDE, stochastic"]].map(([name, text]) => [name, h("canvas", { class: "picture plane", role: "img", "aria-label": `particles of the ${text}` })]));
  const figures = [["ode", "ODE (deterministic)"], ["sde", "SDE (fresh noise in every step)"]].map(([name, text]) => h("figure", {}, h("figcaption", {}, text), canvases[name]));
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "training" }), loss = h("span", { class: "hint" });
  const result = h("p", { class: "caption", role: "status" }), legend = h("p", { class: "hint" });
  const output = outputPanel("Particles", "Press Run: noise on the left of the slider becomes data on its right.");
  const fields = [data, denoiser, ode, sde, steps, label, guidance, seed];
  let worker = null, lastId = 0, trained = null, found = null, images = [];

  const timeline = new Timeline({ onmove: paint, text: (index) => `step ${index} of ${timeline.last}${found ? `, sigma ${found.ode.levels[index].sigma.toFixed(2)}` : ""}` });
  const params = () => ({
    data: data.get(), denoiser: denoiser.get(), ode: ode.get(), sde: sde.get(), steps: steps.get(), class: label.get(), guidance: guidance.get(), seed: seed.get(),
    ...Object.fromEntries(Object.entries(shown).map(([name, box]) => [name, box.get() ? 1 : 0])),
    ...(data.get() === "drawn" && { points: encodePoints(pad.data) }),
  });
  const copying = copyActions({ url: () => updateUrl(params()), notify, reason: "No equivalent: inkwash has no command for this view, and Python for the exact denoiser only" });

  function load() {
    pad.set(data.get() === "drawn" ? decodePoints(url.text("points", "")) : dataset(data.get()));
  }

  /** Discard what was computed, or is being computed, for other points or another seed. */
  function changed() {
    stop();
    trained = null;
    updateUrl(params());
  }

  function stop() {
    worker?.terminate();
    worker = null;
    timeline.stop();
    stopButton.disabled = true;
    bar.hidden = true;
    loss.textContent = "";
  }

  /** Resolve to the last answer of the worker to `message`; `report` receives those before. */
  function request(message, isLast, report = () => {}) {
    worker ??= new Worker(new URL("../play/worker.js", import.meta.url), { type: "module" });
    const id = ++lastId, current = worker;
    return new Promise((resolve, reject) => {
      current.onmessage = ({ data: answer }) => (answer.id !== id ? null : isLast(answer) ? resolve(answer) : report(answer));
      current.onerror = (event) => reject(new Error(`the worker failed: ${event.message ?? "it cannot be loaded"}`));
      current.postMessage({ id, ...message });
    });
  }

  async function run(event) {
    event?.preventDefault();
    if (!fields.every((field) => field.input.reportValidity())) return;
    const points = pad.data;
    if (points.labels.length < 2) return notify("There are no points: draw some, or choose a distribution.", true);
    stop();
    updateUrl(params());
    output.show(h("div", { class: "figures-row" }, figures), timeline.element, result, legend, h("div", { class: "row" }, copying.buttons), copying.caption);
    stopButton.disabled = false;
    try {
      if (denoiser.get() === "network" && !trained) await training(points);
      const settings = { ode: ode.get(), sde: sde.get(), steps: steps.get(), guidance: guidance.get(), label: Number(label.get()), count: PARTICLES, seed: seed.get() };
      const answer = await request({ sample: { data: points, parameters: denoiser.get() === "network" ? trained : null, ...settings } }, ({ ode: path }) => path);
      found = { ...answer, points, settings, heldOut: data.get() === "drawn" ? null : dataset(data.get(), HELD_OUT, HELD_OUT_SEED) };
      images = [];
      describe();
      timeline.begin(steps.get());
      copying.enable({ command: null, python: pythonOf(points, { ...settings, isExact: denoiser.get() === "exact", sampler: settings.ode }) });
      notify("");
    } catch (error) {
      notify(error.message, true);
    }
    stopButton.disabled = true;
  }

  async function training(points) {
    const started = performance.now();
    bar.hidden = false;
    notify(`Training a network of ${new Mlp().parameters.length.toLocaleString("en")} weights…`);
    const { parameters } = await request({ train: { ...points, steps: TRAINING_STEPS, seed: seed.get() } }, (answer) => answer.parameters, (answer) => {
      bar.value = answer.step / TRAINING_STEPS;
      loss.textContent = `step ${answer.step} of ${TRAINING_STEPS}, loss ${answer.loss.toFixed(2)}`;
    });
    trained = parameters;
    bar.hidden = true;
    loss.textContent = `trained in ${((performance.now() - started) / 1000).toFixed(1)} s`;
  }

  /** Show the energy distances of both ends to the points of the class, and what the arrows are. */
  function describe() {
    const { points, heldOut, settings } = found, wanted = settings.label;
    const ofClass = (all) => all.points.filter((_, i) => wanted < 0 || all.labels[Math.floor(i / 2)] === wanted);
    const own = ofClass(points), target = heldOut ? ofClass(heldOut) : own, distance = (values) => energyDistance(values, target).toFixed(4);
    const [atOde, atSde] = [found.ode, found.sde].map(({ frames }) => distance(frames.at(-1)));
    const name = heldOut ? `${(target.length / 2).toLocaleString("en")} held-out points` : "the drawn points", ofData = heldOut ? `, of the points of the denoiser ${distance(own)}` : "";
    result.textContent = target.length < 4 ? "" : `Energy distance to ${name}: ODE ${atOde}, SDE ${atSde}; at the start ${distance(found.ode.frames[0])}${ofData}.`;
    legend.textContent = wanted < 0 ? "Arrows: direction of the score, alpha D(x) - x. Background: density of the noised data." : "Arrows: score of class A (blue), of class B (orange), and with guidance (white), by which the particles move. Background: density of the noised data.";
  }

  function paint(index) {
    if (!found) return;
    images[index] ??= shown.density.get() ? densityImage(found.points.points, found.ode.levels[index]) : null;
    const options = { density: shown.density.get() ? images[index] : null, arrows: shown.arrows.get(), trails: shown.trails.get(), label: found.settings.label };
    for (const name of ["ode", "sde"]) paintScene(canvases[name], found[name], index, options);
  }

  const stopButton = h("button", { type: "button", disabled: true, onclick: () => (stop(), notify("Stopped.")) }, "Stop");
  data.input.addEventListener("change", () => (load(), changed()));
  seed.input.addEventListener("change", changed);
  for (const box of Object.values(shown)) box.input.addEventListener("change", () => ((images = []), paint(timeline.index)));
  const form = h("form", { class: "panel stack", onsubmit: run, noValidate: true },
    h("h2", {}, "Diffusion in the plane"), data.element, pad.element, denoiser.element,
    h("div", { class: "pair" }, ode.element, sde.element), h("div", { class: "pair" }, steps.element, seed.element), h("div", { class: "pair" }, label.element, guidance.element),
    h("fieldset", {}, h("legend", {}, "Show"), h("div", { class: "row" }, Object.values(shown).map((box) => box.element))),
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Run"), stopButton, h("div", { class: "progress" }, bar, loss)));
  root.append(h("div", { class: "workbench" }, form, output.element));
  load();
  if (url.shouldSample("seed")) run();
  return { leave: stop, dispose: stop, params };
}
