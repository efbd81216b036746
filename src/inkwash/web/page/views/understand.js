/** Understand: schedule and noise level of each step, loss by noise level, and the exact denoiser beside the network. */

import { chart } from "../parts/chart.js";
import { h } from "../parts/element.js";
import { imageUse } from "../parts/enlarging.js";
import { samplingJob } from "../parts/job.js";
import { Player } from "../parts/player.js";
import { copyActions } from "../parts/copy_actions.js";
import { reproduce } from "../parts/reproduce.js";
import { costOf, countField, imageSeeds, samplingSettings } from "../parts/settings.js";
import { outputPanel } from "../parts/output_panel.js";

export const title = "Understand";

export function mount(root, app) {
  const { engine, model, models, notify, url, updateUrl } = app;
  const job = samplingJob(engine, notify);
  const points = model.shape.length === 1;
  const charts = h("div", { class: "charts" });
  let marks = [];
  const levelText = h("p", { class: "caption" });

  /** Mark the noise level of a frame in every chart. */
  function showLevel(frame, level) {
    if (!level) return;
    const { alpha, sigma } = level, variance = alpha ** 2 + sigma ** 2;
    levelText.textContent = `Level: ${((100 * alpha ** 2) / variance).toFixed(1)}% signal, ${((100 * sigma ** 2) / variance).toFixed(1)}% noise in variance (alpha ${alpha.toFixed(3)}, sigma ${sigma.toFixed(3)})`;
    marks.forEach((mark) => mark(level));
  }

  const canCompareExact = !points && engine.canCompareExact;
  const player = new Player({ parts: canCompareExact ? ["x", "denoised", "exact"] : ["x", "denoised"], classes: model.classes, onframe: showLevel, use: imageUse(app, (at) => settings.reuse(player.info.seeds[at], notify)) });
  const settings = samplingSettings(model, url);
  const count = countField(model, url, "Images", { value: 4, max: 16 });
  const output = outputPanel("Trajectory", "Follow a sampling trajectory from noise to image, with the prediction at every noise level.");
  const caption = h("p", { class: "hint" });

  const params = () => ({ n: count.get(), ...settings.params() });
  const copying = copyActions({ url: () => updateUrl(params()), notify });

  async function sample(event) {
    event?.preventDefault();
    if (![count, settings].every((part) => part.valid())) return;
    copying.disable();
    caption.textContent = explanation(points, canCompareExact);
    output.show(player.element, levelText, caption, h("div", { class: "row" }, copying.buttons), copying.caption);
    const request = { model: model.name, seeds: imageSeeds(settings.seed(), count.get()), labels: null, ...settings.values(), exact: canCompareExact, field: points };
    if (!event && costOf(request)) return notify(costOf(request));
    updateUrl(params());
    const on = { begin: (info) => player.begin(info, { columns: points ? null : Math.min(info.count, 4) }), step: (frame) => player.add(frame) };
    if (await job.run(request, on)) return copying.enable(reproduce(model, request));
    const error = job.error();
    if (error?.field !== "exact") return;
    // The training data is not on this machine: show the network without the exact denoiser.
    notify("");
    caption.textContent = explanation(points, false);
    if (!(await job.run({ ...request, exact: false }, on))) return;
    copying.enable(reproduce(model, request));
    notify(`Without the exact denoiser: ${error.message}`);
  }

  const moons = models.find((each) => each.name === "moons");
  const form = h(
    "form",
    { class: "panel stack", onsubmit: sample, noValidate: true },
    h("h2", {}, "Trajectory"),
    count.element,
    settings.element,
    h("div", { class: "row" }, h("button", { class: "primary", type: "submit" }, "Sample"), job.controls()),
    !points && moons && h("button", { type: "button", onclick: () => app.go("understand", { model: "moons" }) }, "Try a 2-D example"),
  );
  root.append(h("div", { class: "workbench" }, form, output.element), charts);

  figures(engine, model).then(
    (made) => {
      charts.replaceChildren(...made.map((one) => h("section", { class: "panel" }, h("h2", {}, one.title), one.chart.element, h("p", { class: "hint" }, one.caption))));
      marks = made.map((one) => (level) => one.chart.mark(one.xOf(level)));
    },
    (error) => charts.replaceChildren(h("p", { class: "problem" }, error.message)),
  );
  if (url.shouldSample("seed")) sample();
  const leave = () => {
    job.stop();
    player.stop();
  };
  return { leave, dispose: leave, params };
}

function explanation(points, exact) {
  if (points) return "The noisy points, with the direction from each grid point to its denoised point; and the predicted points.";
  if (exact)
    return "The exact denoiser is the mean of all training images, weighted by their posterior probability given the noisy image. At high noise the network predicts the same; at low noise the exact denoiser reproduces a training image, while the network generalizes.";
  return "At high noise the prediction is a blurred mean of all images that are consistent with the noisy input; it sharpens as the noise decreases.";
}

async function figures(engine, model) {
  const [schedule, history] = await Promise.all([engine.schedule(model.name), engine.history(model.name)]);
  const { trained, sampled } = schedule.curves, same = schedule.sampled_name === schedule.name;
  const pairs = (curve, y) => curve.u.map((u, at) => [u, curve[y][at]]);
  const xOf = (level) => nearestU(trained, level.c_noise);
  const made = [
    {
      title: "Schedule",
      caption: `${schedule.name}. Amplitudes of image (alpha) and noise (sigma), from noise (u = 1, left) to clean (u = 0, right), as the step slider.`,
      chart: chart({ reversed: true, x: "u", y: "amplitude", series: [{ name: "alpha, image", points: pairs(trained, "alpha") }, { name: "sigma, noise", points: pairs(trained, "sigma") }], label: "alpha and sigma along the schedule", log: Math.max(...trained.sigma) > 5 ? "y" : "" }),
      xOf,
    },
    {
      title: "Signal-to-noise ratio",
      caption: same ? "Logarithm of the signal-to-noise ratio; training and sampling use the same schedule." : `Sampling uses another schedule than training: ${schedule.sampled_name}.`,
      chart: chart({ reversed: true, x: "u", y: "log-SNR", series: [{ name: "training", points: pairs(trained, "log_snr") }, ...(same ? [] : [{ name: "sampling", points: pairs(sampled, "log_snr") }])], label: "log signal-to-noise ratio along the schedule" }),
      xOf,
    },
  ];
  if (history.loss_by_noise_level) {
    const { c_noise, loss, exact, fresh = null } = history.loss_by_noise_level;
    const series = [{ name: model.name, points: c_noise.map((x, at) => [x, loss[at]]) }];
    if (exact) series.push({ name: "exact denoiser", points: c_noise.map((x, at) => [x, exact[at]]) });
    made.push({
      title: "Loss by noise level",
      caption: fresh ? `Loss by noise level (c_noise: 0 clean, 1 noise) on ${fresh.toLocaleString("en")} fresh points for each level, beside that of the exact denoiser of the distribution, the lowest that any denoiser has.` : `Validation loss by noise level (c_noise: 0 clean, 1 noise), beside that of the exact denoiser of the training set, which memorizes it.${model.shape.length === 1 ? " It is measured on few held-out points: a difference of neighbouring levels is chance." : ""}`,
      chart: chart({ reversed: true, x: "noise level (c_noise)", y: "loss", series, label: `${fresh ? "loss on fresh points" : "validation loss"} by noise level` }),
      xOf: (level) => level.c_noise,
    });
  }
  return made;
}

/** Return the u of the point on a curve whose noise level is nearest to `cNoise`. */
function nearestU(curve, cNoise) {
  const distances = curve.c_noise.map((value) => Math.abs(value - cNoise));
  return curve.u[distances.indexOf(Math.min(...distances))];
}
