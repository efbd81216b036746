/** Compare: settings race with the same seeds; evaluations and seconds of each, beside what was measured of them. */

import { chart } from "../parts/chart.js";
import { of } from "../parts/element.js";
import { number } from "../parts/fields.js";
import { job } from "../parts/job.js";
import { labels } from "../parts/labels.js";
import { paint } from "../parts/picture.js";
import { seeds, settings } from "../parts/settings.js";

export const title = "Compare";

const MOST_LANES = 4;

export function mount(root, { engine, model, link, say, remember }) {
  const which = labels(model, link);
  const many = number("Images each", { min: 1, max: 64, value: link.get("n") ?? 12 });
  const seed = number("Seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: link.get("seed") ?? 0 });
  const lanes = [];
  const track = of("div", { class: "lanes" });
  const verdict = of("p", { role: "status" });
  const plot = of("div", {});

  function add(link) {
    if (lanes.length >= MOST_LANES) return;
    const one = lane(model, engine, link);
    one.drop.addEventListener("click", () => {
      one.work.stop();
      lanes.splice(lanes.indexOf(one), 1);
      one.element.remove();
      enough();
    });
    lanes.push(one);
    track.append(one.element);
    enough();
  }

  function enough() {
    more.disabled = lanes.length >= MOST_LANES;
    lanes.forEach((one) => (one.drop.disabled = lanes.length <= 2));
  }

  async function race(event) {
    event?.preventDefault();
    if (![many, seed].every((part) => part.valid()) || !lanes.every((one) => one.how.valid())) return;
    remember({ n: many.get(), seed: seed.get(), ...which.link() });
    say("");
    verdict.textContent = "";
    const drawn = seeds(seed.get(), many.get());
    const results = await Promise.all(lanes.map((one) => one.run({ model: model.name, seeds: drawn, labels: which.read() })));
    const ended = results.filter(Boolean).sort((a, b) => a.seconds - b.seconds);
    if (ended.length < 2) return;
    lanes.forEach((one) => one.element.classList.toggle("winner", one === ended[0].lane));
    const times = ended.at(-1).seconds / Math.max(ended[0].seconds, 0.001);
    verdict.textContent = `${ended[0].name} was first, ${times.toFixed(1)} times as fast as ${ended.at(-1).name}. Same seeds: look whether they show the same.`;
  }

  const more = of("button", { type: "button", onclick: () => add(new URLSearchParams()) }, "One more");
  root.append(
    of("form", { class: "panel stack", onsubmit: race, noValidate: true },
      of("div", { class: "pair" }, many.element, seed.element),
      which.element,
      of("div", { class: "row" }, of("button", { class: "primary", type: "submit" }, "Race"), more),
      verdict),
    of("section", { class: "panel", "aria-label": "Lanes" }, track),
    plot,
  );
  add(new URLSearchParams({ sampler: model.sampler, steps: model.steps }));
  add(new URLSearchParams({ sampler: "ddim", steps: Math.min(50, model.most_steps) }));
  engine.quality?.(model.name).then((rows) => measured(plot, rows, model)).catch(() => {});
  return () => lanes.forEach((one) => one.work.stop());
}

function lane(model, engine, link) {
  const how = settings(model, link, { withSeed: false });
  const canvas = of("canvas", { class: "picture", role: "img", "aria-label": "pictures of this lane" });
  const figures = of("p", { class: "figures hint", role: "status" }, "ready");
  const drop = of("button", { type: "button", class: "quiet", "aria-label": "remove this lane" }, "✕");
  const element = of("div", { class: "lane panel stack" }, of("div", { class: "row spread" }, of("h3", {}, "Lane"), drop), how.element, canvas, figures);
  const work = job(engine, (text, problem) => {
    figures.textContent = text;
    figures.classList.toggle("problem", Boolean(problem));
  });
  const self = { element, how, work, drop };
  self.run = async (request) => {
    let told = null, seconds = null;
    const name = () => `${told.sampler}:${told.steps}`;
    const asked = { ...request, ...how.read() };
    if (asked.labels?.every((label) => label < 0)) asked.guidance = null;
    const ended = await work.run(asked, {
      begin: (said) => (told = said),
      step: (frame) => {
        paint(canvas, frame.guess, told.shape, { labels: told.labels, columns: Math.min(told.count, 6) });
        figures.textContent = `${name()}, step ${frame.step} of ${told.steps}`;
      },
      done: (said) => (seconds = said.seconds),
    });
    if (!ended) return null;
    figures.textContent = `${name()}: ${told.evaluations} evaluations an image, ${seconds.toFixed(2)} s`;
    return { lane: self, name: name(), seconds };
  };
  return self;
}

function measured(place, rows, model) {
  if (!rows.length) return;
  const own = rows.filter((row) => row.model === model.name), others = rows.filter((row) => row.model !== model.name);
  const series = [["others", others], [model.name, own]].filter(([, held]) => held.length).reverse().map(([name, held]) => ({
    name,
    dots: true,
    points: held.map((row) => [row.seconds, row.times]),
    titles: held.map((row) => `${row.model} at step ${row.step.toLocaleString("en")}, ${row.sampler}: FD ${row.times.toFixed(2)} times that of ${row.n.toLocaleString("en")} real images, in ${row.seconds.toFixed(2)} s`),
  }));
  const drawn = chart({ x: "seconds for 64 images, as measured", y: "FD, times that of real images", series, log: "xy", label: "Speed against quality of measured models" });
  place.replaceChildren(of("section", { class: "panel" }, of("h2", {}, "Speed against quality"), drawn.element, of("p", { class: "hint" }, "Measured by 'inkwash evaluate' over as many images as a mark says; lower and to the left is better, 1 is as good as real images. A run shows what was measured of it: inkwash evaluate RUN.")));
}
