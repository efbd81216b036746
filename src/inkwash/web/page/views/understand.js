/** Understand: the schedule and the level one is at, loss against noise, the exact denoiser beside the network, moons. */

import { chart } from "../parts/chart.js";
import { of } from "../parts/element.js";
import { job } from "../parts/job.js";
import { Player } from "../parts/player.js";
import { amount, seeds, settings } from "../parts/settings.js";
import { stage } from "../parts/output_panel.js";

export const title = "Understand";

export function mount(root, app) {
  const { engine, model, models, say } = app;
  const work = job(engine, say);
  const points = model.shape.length === 1;
  const curves = of("div", { class: "charts" });
  let marks = [];
  const level = of("p", { class: "caption" });

  /** Mark the level that a frame is at in every chart. */
  function at(frame, now) {
    if (!now) return;
    level.textContent = `Level: ${(100 * now.alpha).toFixed(1)}% image, ${(100 * now.sigma).toFixed(1)}% noise (alpha ${now.alpha.toFixed(3)}, sigma ${now.sigma.toFixed(3)})`;
    marks.forEach((mark) => mark(now));
  }

  const exact = !points && engine.canCompareExact;
  const player = new Player({ parts: exact ? ["x", "denoised", "exact"] : ["x", "denoised"], classes: model.classes, onframe: at });
  const how = settings(model, app.link);
  const many = amount(model, app.link, "Images", { value: 4, most: 16 });
  const sheet = stage("Walk", "Walk from noise to clean, and look at what is predicted at every level.");

  async function walk(event) {
    event.preventDefault();
    if (![many, how].every((part) => part.valid())) return;
    sheet.show(player.element, level, explanation(points, exact));
    const request = { model: model.name, seeds: seeds(how.seed(), many.get()), labels: null, ...how.read(), exact, field: points };
    const on = { begin: (told) => player.begin(told, { columns: points ? null : Math.min(told.count, 4) }), step: (frame) => player.add(frame) };
    if (await work.run(request, on)) return;
    const reason = work.problem();
    if (!reason?.startsWith("exact:")) return;
    // its data is not here: what the network says can be seen all the same
    say("");
    if (await work.run({ ...request, exact: false }, on)) say(`Without the exact denoiser: ${reason.slice("exact: ".length)}`);
  }

  const moons = models.find((each) => each.name === "moons");
  const form = of(
    "form",
    { class: "panel stack", onsubmit: walk, noValidate: true },
    of("h2", {}, "Walk"),
    many.element,
    how.element,
    of("button", { class: "primary", type: "submit" }, "Walk"),
    !points && moons && of("button", { type: "button", onclick: () => app.go("understand", { model: "moons" }) }, "The same in the plane: two moons"),
  );
  root.append(of("div", { class: "workbench" }, form, sheet.element), curves);

  lessons(engine, model).then(
    (made) => {
      curves.replaceChildren(...made.map((one) => of("section", { class: "panel" }, of("h2", {}, one.title), one.chart.element, of("p", { class: "hint" }, one.words))));
      marks = made.map((one) => (now) => one.chart.mark(one.where(now)));
    },
    (error) => curves.replaceChildren(of("p", { class: "problem" }, error.message)),
  );
  return () => {
    work.stop();
    player.stop();
  };
}

function explanation(points, exact) {
  const words = points
    ? "The noisy points, with where a point of each place would be taken; and where each one is predicted to come from."
    : exact
      ? "The exact denoiser knows every image of the train set and says their mean, weighted by how likely each is behind the noise. At high noise the network says the same; at low noise the exact one copies a train image, and what the network says instead is what it has learnt."
      : "Early on the denoised is a blurred mean of all that could be behind the noise; it sharpens as the noise goes.";
  return of("p", { class: "hint" }, words);
}

async function lessons(engine, model) {
  const [levels, course] = await Promise.all([engine.schedule(model.name), engine.history(model.name)]);
  const { trained, sampled } = levels.curves;
  const pairs = (curve, y) => curve.u.map((u, place) => [u, curve[y][place]]);
  const place = (now) => nearest(trained, now.code);
  const made = [
    {
      title: "Schedule",
      words: `${levels.name}. From clean (0) to noise (1): how much of the image is left, and how much noise there is.`,
      chart: chart({ x: "u", y: "amount", series: [{ name: "alpha, image", points: pairs(trained, "alpha") }, { name: "sigma, noise", points: pairs(trained, "sigma") }], label: "alpha and sigma along the schedule", log: Math.max(...trained.sigma) > 5 ? "y" : "" }),
      where: place,
    },
    {
      title: "Signal to noise",
      words: levels.sampled_name === levels.name ? "The log of the signal-to-noise ratio; drawing takes its steps along the same line." : `Drawing takes other steps than training: ${levels.sampled_name}.`,
      chart: chart({ x: "u", y: "log-SNR", series: [{ name: "trained on", points: pairs(trained, "log_snr") }, ...(levels.sampled_name === levels.name ? [] : [{ name: "drawn on", points: pairs(sampled, "log_snr") }])], label: "log signal-to-noise ratio along the schedule" }),
      where: place,
    },
  ];
  if (course.by_level) {
    const { codes, losses, floor } = course.by_level;
    const series = [{ name: model.name, points: codes.map((code, at) => [code, losses[at]]) }];
    if (floor) series.push({ name: "exact denoiser", points: codes.map((code, at) => [code, floor[at]]) });
    made.push({
      title: "Loss against noise",
      words: "Held-out loss by noise level (0 clean, 1 noise). No network can be below the exact denoiser, except where that has learnt the train set by heart.",
      chart: chart({ x: "noise level", y: "loss", series, label: "held-out loss against noise level" }),
      where: (now) => now.code,
    });
  }
  return made;
}

/** The u of a curve whose level has nearly this code. */
function nearest(curve, code) {
  let best = 0;
  curve.code.forEach((value, place) => {
    if (Math.abs(value - code) < Math.abs(curve.code[best] - code)) best = place;
  });
  return curve.u[best];
}
