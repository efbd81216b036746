/** Choose the model: bundled ones and the runs of this machine, with their cards; a run that trains is seen live. */

import { chart } from "../parts/chart.js";
import { of } from "../parts/element.js";
import { markdown } from "../parts/markdown.js";

export const title = "Models";

const EVERY = 2000;

export function mount(root, { engine, model, models, say, go, refresh }) {
  const card = of("section", { class: "panel stack", "aria-label": `About ${model.name}` }, of("p", { class: "loading" }, "Loading its card…"));
  const list = of("div", { class: "cards", role: "group", "aria-label": "Models" }, models.map((each) => tile(each, each === model, go)));
  const again = of("button", { type: "button", onclick: refresh }, "Look for new runs");
  root.append(of("section", { class: "panel stack" }, of("div", { class: "row spread" }, of("h2", {}, "Models on this machine"), again), list), card);
  let timer = null, gone = false;

  async function live(place, before) {
    try {
      const course = await engine.course(model.name);
      if (gone) return;
      const added = course.pictures.filter((name) => !before.pictures.includes(name));
      if (course.step !== before.step || added.length) {
        place.chart.replaceChildren(...progress(course));
        for (const name of added) place.pictures.append(milestone(await engine.picture(model.name, name)));
        before = { step: course.step, pictures: course.pictures };
      }
      if (course.training) timer = setTimeout(() => live(place, before), EVERY);
      else place.state.textContent = "";
    } catch (error) {
      say(error.message, true);
    }
  }

  Promise.all([engine.card(model.name), engine.course(model.name)]).then(
    ([told, course]) => {
      if (gone) return;
      const place = { chart: of("div", {}, progress(course)), pictures: of("div", { class: "milestones", tabIndex: 0, role: "group", "aria-label": "Pictures on the way" }, told.pictures.map(milestone)), state: of("span", { class: "badge" }, course.training ? "training now" : "") };
      card.replaceChildren(
        of("div", { class: "row" }, of("h2", {}, model.name), course.training && place.state),
        place.chart,
        told.pictures.length > 0 && place.pictures,
        of("details", {}, of("summary", {}, "Its card"), ...markdown(told.card)),
      );
      if (course.training) live(place, { step: course.step, pictures: told.pictures.map((each) => each.name) });
    },
    (error) => card.replaceChildren(of("p", { class: "problem" }, error.message)),
  );
  return () => {
    gone = true;
    clearTimeout(timer);
  };
}

function tile(model, chosen, go) {
  const words = model.broken ?? `${model.data}, ${model.shape.join("×")}${model.conditional ? ", hears a class" : ""}`;
  return of(
    "button",
    { type: "button", "aria-pressed": String(chosen), onclick: () => go("choose", { model: model.name }) },
    of("strong", {}, model.name, " ", model.training && of("span", { class: "badge" }, "training"), !model.bundled && !model.training && of("span", { class: "badge" }, "run")),
    of("span", { class: model.broken ? "problem" : "hint" }, words),
    model.about && of("span", { class: "hint" }, model.about),
  );
}

function progress(course) {
  const drawn = chart({
    x: "step",
    y: "loss",
    series: [{ name: "while training", points: course.trained }, { name: "held out", points: course.held_out }],
    label: "loss while training",
    log: "y",
  });
  const share = course.total ? `step ${course.step.toLocaleString("en")} of ${course.total.toLocaleString("en")}` : `step ${course.step.toLocaleString("en")}`;
  return [of("p", { class: "hint" }, share), drawn.element];
}

function milestone({ name, source }) {
  return of("figure", {}, of("figcaption", {}, name), of("img", { src: source, alt: `pictures drawn at ${name}`, loading: "lazy" }));
}
