/** Compare: settings race with the same seeds; evaluations and seconds of each, beside what was measured of them. */

import { chart } from "../parts/chart.js";
import { of } from "../parts/element.js";
import { number } from "../parts/fields.js";
import { job } from "../parts/job.js";
import { labels } from "../parts/class_picker.js";
import { UrlState } from "../parts/url_state.js";
import { paint } from "../parts/painting.js";
import { amount, seeds, settings } from "../parts/settings.js";
import { reveal } from "../parts/output_panel.js";

export const title = "Compare";

const MOST_LANES = 4;
/** How much longer than another a drawing may take without being any slower. */
const MOOD = 0.15;

export function mount(root, { engine, model, link, say, remember }) {
  const which = labels(model, link);
  const many = amount(model, link, "Images each", { value: 12, most: 64 });
  const seed = number("Seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 0, said: [link, "seed"] });
  const lanes = [];
  const track = of("div", { class: "lanes" });
  const plot = of("div", {});
  let racing = null;

  function add(link) {
    const one = lane(model, engine, link, say);
    one.drop.addEventListener("click", () => {
      one.work.stop();
      lanes.splice(lanes.indexOf(one), 1);
      one.element.remove();
      arrange();
    });
    lanes.push(one);
    track.append(one.element);
    arrange();
  }

  function arrange() {
    more.disabled = lanes.length >= MOST_LANES;
    lanes.forEach((one, at) => one.stand(at + 1, lanes.length > 2));
  }

  async function race(event) {
    event?.preventDefault();
    if (![many, seed].every((part) => part.valid()) || !lanes.every((one) => one.how.valid())) return;
    const mine = (racing = {}), results = [];
    remember({ n: many.get(), seed: seed.get(), ...which.link() });
    say("");
    const request = { model: model.name, seeds: seeds(seed.get(), many.get()), labels: which.read() };
    const started = [...lanes];
    started.forEach((one) => one.wait());
    // one after the other: at once they would take the machine from each other, and their seconds would say nothing
    for (const one of started) {
      if (mine !== racing) return;
      if (!lanes.includes(one)) continue;
      say(`${one.name} is running…`);
      reveal(one.element);
      const result = await one.run(request);
      if (result) results.push(result);
    }
    if (mine !== racing) return;
    if (results.length < 2) return;
    const { words, winners } = judged(results);
    lanes.forEach((one) => one.element.classList.toggle("winner", winners.some((won) => won.lane === one)));
    say(`${words} Same seeds: look whether they show the same.`);
  }

  const more = of("button", { type: "button", onclick: () => add(new UrlState()) }, "One more");
  root.append(
    of("form", { class: "panel stack", onsubmit: race, noValidate: true },
      of("div", { class: "pair" }, many.element, seed.element),
      which.element,
      of("div", { class: "row" }, of("button", { class: "primary", type: "submit" }, "Race"), more)),
    of("section", { class: "panel", "aria-label": "Lanes" }, track),
    plot,
  );
  add(new UrlState({ sampler: model.sampler, steps: model.steps }));
  add(new UrlState({ sampler: "ddim", steps: Math.min(50, model.most_steps) }));
  engine.quality?.(model.name).then((rows) => measured(plot, rows, model)).catch(() => {});
  return () => {
    racing = null;
    lanes.forEach((one) => one.work.stop());
  };
}

/**
 * Return who won of `results`, each { name, evaluations, seconds }, and in what words. Of as many evaluations a few
 * percent of seconds are the machine's mood, and no victory.
 */
export function judged(results) {
  const ended = [...results].sort((a, b) => a.seconds - b.seconds);
  const first = ended[0], last = ended.at(-1);
  const winners = ended.filter((each) => each === first || (each.evaluations === first.evaluations && each.seconds < (1 + MOOD) * first.seconds));
  const named = winners.map((each) => each.name).join(" and ");
  if (winners.length === ended.length) return { winners, words: `${named} were as fast: ${first.evaluations} evaluations each.` };
  const times = (last.seconds / Math.max(first.seconds, 0.001)).toFixed(1);
  return { winners, words: `${named} ${winners.length > 1 ? "were" : "was"} first, ${times} times as fast as ${last.name}.` };
}

function lane(model, engine, link, say) {
  const how = settings(model, link, { withSeed: false });
  const canvas = of("canvas", { class: "picture", role: "img" });
  const figures = of("p", { class: "figures hint" }, "ready");
  const drop = of("button", { type: "button", class: "quiet" }, "✕");
  const title = of("h3", {});
  const element = of("div", { class: "lane panel stack", role: "group" }, of("div", { class: "row spread" }, title, drop), how.element, canvas, figures);
  const tell = (text, problem = false) => {
    figures.textContent = text;
    figures.classList.toggle("problem", problem);
    if (problem) say(`${self.name}: ${text}`, true);
  };
  const work = job(engine, tell);
  const self = { element, how, work, drop, wait: () => tell("waits") };
  self.stand = (place, removable) => {
    self.name = title.textContent = `Lane ${place}`;
    element.setAttribute("aria-label", self.name);
    canvas.setAttribute("aria-label", `pictures of lane ${place}`);
    drop.setAttribute("aria-label", `remove lane ${place}`);
    drop.disabled = !removable;
  };
  self.run = async (request) => {
    let told = null, seconds = null;
    const name = () => `${told.sampler}:${told.steps}`;
    const asked = { ...request, ...how.read() };
    if (asked.labels?.every((label) => label < 0)) asked.guidance = null;
    // a model is loaded, and its programs are chosen by the number of images, when it first draws: no lane's own time
    if (!(await work.run({ ...asked, steps: 1, moments: 2 }, {}))) return null;
    const ended = await work.run(asked, {
      begin: (said) => (told = said),
      step: (frame) => {
        paint(canvas, frame.denoised, told.shape, { labels: told.labels, columns: Math.min(told.count, 6) });
        tell(`${name()}, step ${frame.step} of ${told.steps}`);
      },
      done: (said) => (seconds = said.seconds),
    });
    if (!ended) return null;
    tell(`${name()}: ${told.evaluations} evaluations ${told.shape.length === 1 ? "a point" : "an image"}, ${seconds.toFixed(2)} s`);
    return { lane: self, name: `${self.name} (${name()})`, evaluations: told.evaluations, seconds };
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
