/** Choose the model: bundled ones and the runs of this machine, with their cards; a run that trains is seen live. */

import { chart } from "../parts/chart.js";
import { of } from "../parts/element.js";
import { markdown } from "../parts/markdown.js";

export const title = "Models";

const EVERY = 2000;

export function mount(root, { engine, model, models, say, go, list }) {
  const card = of("section", { class: "panel stack", "aria-label": `About ${model.name}` }, of("p", { class: "loading" }, "Loading its card…"));
  const tiles = of("div", { class: "cards", role: "group", "aria-label": "Models" }, models.map((each) => tile(each, each.name === model.name, go)));
  const again = of("button", { type: "button", onclick: () => look() }, "Look for new runs");
  root.append(of("section", { class: "panel stack" }, of("div", { class: "row spread" }, of("h2", {}, "Models on this machine"), again), tiles), card);
  let seen = models, timer = null, looking = null, gone = false;

  /** Offer what there is by now, and say which runs are new. */
  async function look() {
    clearTimeout(looking);
    try {
      const now = await list();
      if (gone) return;
      if (JSON.stringify(now) !== JSON.stringify(seen)) offer(now);
      looking = setTimeout(look, EVERY);
    } catch (error) {
      // no next time by itself: there is a button
      if (!gone) say(error.message, true);
    }
  }

  function offer(now) {
    const fresh = now.filter((each) => !seen.some((old) => old.name === each.name));
    const held = [...tiles.children].indexOf(document.activeElement), name = seen[held]?.name;
    seen = now;
    tiles.replaceChildren(...now.map((each) => tile(each, each.name === model.name, go)));
    if (held >= 0) tiles.children[now.findIndex((each) => each.name === name)]?.focus();
    if (fresh.length) say(`New here: ${fresh.map((each) => each.name).join(", ")}.`);
  }

  async function live(place, before) {
    try {
      const course = await engine.history(model.name);
      if (gone) return;
      const added = course.pictures.filter((name) => !before.pictures.includes(name));
      if (course.step !== before.step || added.length) {
        place.chart.replaceChildren(...progress(course));
        for (const name of added) place.pictures.append(milestone(await engine.picture(model.name, name), root));
        if (added.length) say(`${model.name} has drawn ${added.at(-1)}, and is at ${reached(course)}.`);
        before = { step: course.step, pictures: course.pictures };
      }
      if (course.training) timer = setTimeout(() => live(place, before), EVERY);
      else {
        place.state.textContent = "";
        say(`${model.name} trains no longer.`);
      }
    } catch (error) {
      say(error.message, true);
    }
  }

  Promise.all([engine.card(model.name), engine.history(model.name)]).then(
    ([told, course]) => {
      if (gone) return;
      const place = { chart: of("div", {}, progress(course)), pictures: of("div", { class: "milestones", tabIndex: 0, role: "group", "aria-label": "Pictures on the way" }, told.pictures.map((each) => milestone(each, root))), state: of("span", { class: "badge" }, course.training ? "training now" : "") };
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
  looking = setTimeout(look, EVERY);
  return () => {
    gone = true;
    clearTimeout(timer);
    clearTimeout(looking);
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
  return [of("p", { class: "hint" }, reached(course)), drawn.element];
}

const reached = ({ step, total }) => `step ${step.toLocaleString("en")}` + (total ? ` of ${total.toLocaleString("en")}` : "");

function milestone({ name, source }, root) {
  const picture = () => of("img", { src: source, alt: `pictures drawn at ${name}` });
  return of("figure", {}, of("figcaption", {}, name), of("button", { type: "button", class: "quiet", "aria-label": `enlarge ${name}`, onclick: () => enlarge(name, picture(), root) }, picture()));
}

/** Show a picture as large as the window takes it, until it is closed. */
function enlarge(name, picture, root) {
  const close = of("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = of("dialog", { class: "large", "aria-label": name, onclose: () => dialog.remove() }, of("div", { class: "row spread" }, of("h2", {}, name), close), picture);
  root.append(dialog);
  dialog.showModal();
}
