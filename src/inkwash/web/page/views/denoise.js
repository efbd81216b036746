/** Denoise: the reader's drawing is noised, and one output of the network is shown as x0, eps and v beside the exact denoiser. */

import { InkCanvas } from "../parts/canvas.js";
import { chart } from "../parts/chart.js";
import { classOptions, labelOf } from "../parts/class_picker.js";
import { copyActions } from "../parts/copy_actions.js";
import { DRAWING, denoiseCode } from "../parts/denoise_code.js";
import { savePng } from "../parts/download.js";
import { h } from "../parts/element.js";
import { choice, number, slider } from "../parts/fields.js";
import { counterpart } from "../parts/live_panel.js";
import { newest } from "../parts/newest.js";
import { paint } from "../parts/painting.js";
import { encodeBase64 } from "../engine/base64.js";
import { combine } from "../math/levels.js";
import { powerSpectrum } from "../math/spectrum.js";

export const title = "Denoise";

/** A seven, for a reader who has not drawn yet: a line through points of the unit square. */
const EXAMPLE = [[0.3, 0.26], [0.7, 0.26], [0.45, 0.8]];
/** The power that the axis of the spectrum always includes, so that it stays while the slider moves. */
const POWER_LIMITS = [1e-3, 100];
const READINGS = {
  x0: ["x0, the image", "x0 = (x - sigma eps) / alpha"],
  eps: ["eps, the noise", "eps = (x - alpha x0) / sigma; the score is -eps / sigma"],
  v: ["v, the direction", "v = (alpha eps - sigma x0) / |(alpha, sigma)|"],
};

export function mount(root, { engine, model: selected, models, url, notify, updateUrl }) {
  if (selected.shape.length !== 3) {
    root.append(h("p", { class: "panel" }, `${selected.name} samples points, and this view is for images.${models.some((each) => each.shape.length === 3) ? " Select a model of images above." : ""}`));
    return undefined;
  }
  // A network of one step was trained at the noisiest level alone: at any other its output means nothing.
  const model = (selected.steps === 1 && counterpart(selected, models)) || selected, size = model.shape.reduce((product, each) => product * each, 1);
  const canvas = new InkCanvas(model.shape, notify, model.background, { canMask: false, isMnist: model.data === "mnist" });
  const noise = slider("Noise level u", { min: 0.01, max: 1, step: 0.01, value: 0.5, param: [url, "noise"] });
  const seed = number("Seed of the noise", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 0, param: [url, "seed"] });
  const classes = model.conditional ? choice("Class given to the network", [...(model.guidable ? [["", "none"]] : []), ...classOptions(model)], model.guidable ? "" : classOptions(model)[0][0], [url, "label"]) : null;
  const levelText = h("p", { class: "caption" }), exactText = h("p", { class: "hint" });
  const picture = (name, hint) => {
    const image = h("canvas", { class: "picture", role: "img", "aria-label": name }), caption = h("figcaption", {}, name);
    const below = h("p", { class: "hint" }, hint);
    paint(image, new Uint8Array(size), model.shape);
    return { element: h("figure", {}, caption, image, below), show: (values) => paint(image, values, model.shape), below };
  };
  const pictures = { x: picture("noisy image", ""), network: picture("network", ""), exact: picture("exact denoiser", "") };
  const readings = Object.fromEntries(Object.entries(READINGS).map(([key, [name, formula]]) => [key, picture(name, `${formula}${key === model.target ? ": the output of the network" : ""}`)]));
  const spectrum = chart({ x: "cycles per image", y: "power", log: "xy", limits: POWER_LIMITS, series: spectra([1, 1, 1].map((power) => [[1, power]])), label: "power spectra of drawing, noise and mixture" });
  const controller = new AbortController();

  const request = () => ({
    model: model.name,
    image: encodeBase64(canvas.pixels),
    noise: noise.get(),
    seed: seed.get(),
    label: classes && classes.get() !== "" ? labelOf(model, classes.get()) : -1,
  });
  const params = () => ({ noise: noise.get(), seed: seed.get(), ...(classes && { label: classes.get() }) });
  const copying = copyActions({ url: () => updateUrl({ ...params(), ...canvas.params() }), notify, linkNote: () => canvas.linkNote });
  let exactOf = null;

  /** Return the newest of calls of `show(answer, image)` with the answer to the current request. */
  const redrawing = (exact, show) =>
    newest(async () => {
      if (controller.signal.aborted || !seed.input.checkValidity()) return;
      const body = request(), image = Float32Array.from(canvas.pixels, (value) => value / 127.5 - 1);
      try {
        const answer = await engine.denoise({ ...body, exact }, controller.signal);
        show(answer, image);
        copying.enable(denoiseCode(model, body, exactOf));
      } catch (error) {
        if (!controller.signal.aborted) notify(error.message, true);
      }
    });
  const drawNetwork = redrawing(false, ({ level, x, x0, eps, v }, image) => {
    const share = (100 * level.sigma ** 2) / (level.alpha ** 2 + level.sigma ** 2);
    levelText.textContent = `x = alpha * drawing + sigma * noise with alpha ${level.alpha.toFixed(3)}, sigma ${level.sigma.toFixed(3)}: ${share.toFixed(share > 99 || share < 1 ? 2 : 0)}% of the variance is noise.`;
    noise.input.setAttribute("aria-valuetext", `${noise.get().toFixed(2)}, ${share.toFixed(0)}% noise`);
    pictures.x.show(pixelsOf(x));
    pictures.network.show(pixelsOf(x0));
    pictures.network.below.textContent = errorText(x0, image);
    readings.x0.show(pixelsOf(x0));
    readings.eps.show(pixelsOf(eps, 2));
    readings.v.show(pixelsOf(v, 2));
    const parts = [combine(level.alpha, image, 0, image), combine(1, x, -level.alpha, image), x];
    spectrum.update(spectra(parts.map((part) => powerSpectrum(part, model.shape).map((power, at) => [at + 1, power]))));
  });
  // A request of its own, because the exact denoiser takes longer, and its images are read at the first call.
  const drawExact = redrawing(true, ({ exact, exact_of }, image) => {
    exactOf = exact_of;
    pictures.exact.show(pixelsOf(exact));
    pictures.exact.below.textContent = errorText(exact, image);
    const { count, sampled } = exact_of;
    exactText.textContent = `The exact denoiser is the posterior mean over ${count.toLocaleString("en")} ${sampled ? `samples of ${model.name}, because its training images are not here` : `training images of ${model.data}`}.`;
  });
  const redraw = () => [drawNetwork, drawExact].forEach((draw) => draw());

  function changeNoise() {
    seed.set(Math.floor(Math.random() * 1e9));
    seed.input.dispatchEvent(new Event("change", { bubbles: true }));
    redraw();
  }

  const form = h("form", { class: "panel stack", oninput: redraw, onsubmit: (event) => event.preventDefault(), noValidate: true },
    h("h2", {}, "Draw a digit"), canvas.element, classes?.element, seed.element);
  const other = model !== selected && h("p", { class: "hint" }, `Shown is the network of ${model.name}: ${selected.name} takes one step from pure noise, and predicts at no other level.`);
  const lone = selected.steps === 1 && model === selected && h("p", { class: "hint" }, `${model.name} was made for one step from pure noise: at other noise levels its prediction may mean nothing.`);
  const output = h("section", { class: "panel stack output", "aria-label": "Noise and predictions", oninput: redraw },
    h("div", { class: "row low" }, h("div", { class: "grow" }, noise.element), h("button", { type: "button", onclick: changeNoise }, "New noise")),
    levelText,
    h("div", { class: "triple" }, Object.values(pictures).map((each) => each.element)),
    exactText, other, lone,
    h("h3", {}, "One output, read three ways"),
    h("div", { class: "triple small" }, Object.values(readings).map((each) => each.element)),
    h("h3", {}, "Power spectrum at this level"),
    spectrum.element,
    h("p", { class: "hint" }, "Noise has the same power at every frequency, a drawing has most at low ones: fine detail drowns first. Where the curve of the drawing is below that of the noise, it is lost in the mixture."),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => savePng(canvas.canvas, DRAWING, 1) }, "Save drawing"), copying.buttons),
    copying.caption,
    h("p", { class: "hint" }, "The command samples an image from this noisy one; it reads drawing.png, which Save drawing writes."));
  if (url.has("image")) canvas.restore(url.text("image", ""));
  else if (canvas.isBlank) canvas.draw(EXAMPLE);
  exactText.textContent = "Reading the images of the exact denoiser…";
  root.append(h("div", { class: "workbench" }, form, output));
  redraw();
  return { dispose: () => controller.abort(), params };
}

/** Return values in [-limit, limit] as uint8 pixels. */
const pixelsOf = (values, limit = 1) => Uint8Array.from(values, (value) => Math.round((Math.min(1, Math.max(-1, value / limit)) + 1) * 127.5));

/** Return the RMS difference of a prediction, as it is shown, from the drawing, in grey levels. */
function errorText(values, image) {
  const squared = values.reduce((sum, value, at) => sum + (Math.min(1, Math.max(-1, value)) - image[at]) ** 2, 0);
  return `RMS error ${(127.5 * Math.sqrt(squared / values.length)).toFixed(1)} grey levels`;
}

const spectra = (parts) => ["drawing, times alpha", "noise, times sigma", "mixture x"].map((name, at) => ({ name, points: parts[at] }));
