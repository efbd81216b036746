/** Models: the bundled models and the runs of this machine with their cards; a run in training is updated live. */

import { chart } from "../parts/chart.js";
import { h } from "../parts/element.js";
import { showImages } from "../parts/image_dialog.js";

export const title = "Models";

/** Milliseconds between two requests for updates. */
const POLL_INTERVAL = 2000;

export function mount(root, { engine, model, models, notify, go, refresh }) {
  const card = h("section", { class: "panel stack", "aria-label": `About ${model.name}` }, h("p", { class: "loading" }, "Loading the model card…"));
  const tiles = h("div", { class: "cards", role: "group", "aria-label": "Models" }, models.map((each) => tile(each, each.name === model.name, go)));
  const search = h("button", { type: "button", onclick: () => poll() }, "Refresh");
  root.append(h("section", { class: "panel stack" }, h("div", { class: "row spread" }, h("h2", {}, "Models on this machine"), search), tiles), card);
  let listed = models, unmounted = false, historyTimer = null, listTimer = null;

  /** Fetch the list of models, now and repeatedly; an error ends the repetition. */
  async function poll() {
    clearTimeout(listTimer);
    try {
      const fetched = await refresh();
      if (unmounted) return;
      if (fetched !== listed) update(fetched);
      listTimer = setTimeout(poll, POLL_INTERVAL);
    } catch (error) {
      if (!unmounted) notify(error.message, true);
    }
  }

  /** Replace the tiles, keeping the keyboard focus. */
  function update(fetched) {
    const added = fetched.filter((each) => !listed.some((old) => old.name === each.name));
    const focused = [...tiles.children].indexOf(document.activeElement), name = listed[focused]?.name;
    listed = fetched;
    tiles.replaceChildren(...fetched.map((each) => tile(each, each.name === model.name, go)));
    if (focused >= 0) tiles.children[fetched.findIndex((each) => each.name === name)]?.focus();
    if (added.length) notify(`New: ${added.map((each) => each.name).join(", ")}.`);
  }

  /** Update the card of a run in training until it has finished; `before` is its history when it was last updated. */
  async function follow(parts, before) {
    try {
      const history = await engine.history(model.name);
      if (unmounted) return;
      const added = history.milestones.filter((name) => !before.milestones.includes(name));
      if (history.step !== before.step || added.length) {
        parts.progress.replaceChildren(...progress(history));
        for (const name of added) parts.milestones.append(milestone(await engine.milestone(model.name, name)));
        if (added.length) notify(`${model.name}: ${added.at(-1)}, ${stepOf(history)}.`);
      }
      if (history.training) historyTimer = setTimeout(() => follow(parts, history), POLL_INTERVAL);
      else {
        parts.badge.remove();
        notify(`${model.name} has finished training.`);
      }
    } catch (error) {
      notify(error.message, true);
    }
  }

  Promise.all([engine.card(model.name), engine.history(model.name)]).then(
    ([description, history]) => {
      if (unmounted) return;
      const parts = {
        badge: h("span", { class: "badge" }, "training now"),
        progress: h("div", {}, progress(history)),
        milestones: h("div", { class: "milestones", tabIndex: 0, role: "group", "aria-label": "Samples during training" }, description.milestones.map(milestone)),
      };
      card.replaceChildren(
        h("div", { class: "row" }, h("h2", {}, model.name), history.training && parts.badge),
        parts.progress,
        parts.milestones,
        h("details", {}, h("summary", {}, "Model card"), rendered(description.card_html)),
      );
      if (history.training) follow(parts, { ...history, milestones: description.milestones.map((each) => each.name) });
    },
    (error) => card.replaceChildren(h("p", { class: "problem" }, error.message)),
  );
  listTimer = setTimeout(poll, POLL_INTERVAL);
  const leave = () => {
    unmounted = true;
    clearTimeout(historyTimer);
    clearTimeout(listTimer);
  };
  return { leave, dispose: leave };
}

/** Return an element with `html`, which the server has rendered from Markdown without raw HTML. */
function rendered(html) {
  const element = h("div", { class: "markdown" });
  element.innerHTML = html;
  return element;
}

function tile(model, selected, go) {
  const properties = model.broken ?? `${model.data}, ${model.shape.join("×")}${model.conditional ? ", class-conditional" : ""}`;
  return h(
    "button",
    { type: "button", "aria-pressed": String(selected), onclick: () => go("models", { model: model.name }) },
    h("strong", {}, model.name, " ", model.training && h("span", { class: "badge" }, "training"), !model.bundled && !model.training && h("span", { class: "badge" }, "run")),
    h("span", { class: model.broken ? "problem" : "hint" }, properties),
    model.about && h("span", { class: "hint" }, model.about),
  );
}

function progress(history) {
  const plot = chart({
    x: "step",
    y: "loss",
    series: [{ name: "training", points: history.train_loss }, { name: "validation", points: history.validation_loss }],
    label: "training and validation loss",
    log: "y",
  });
  return [h("p", { class: "hint" }, stepOf(history)), plot.element];
}

const stepOf = ({ step, total }) => `step ${step.toLocaleString("en")}` + (total ? ` of ${total.toLocaleString("en")}` : "");

function milestone({ name, source }) {
  const image = h("img", { src: source, alt: `samples at ${name}` });
  return h("figure", {}, h("figcaption", {}, name), h("button", { type: "button", class: "quiet", "aria-label": `enlarge ${name}`, onclick: () => enlarge(image) }, image));
}

/** Show a grid of samples in a dialog, which turns to those of the other milestones. */
function enlarge(image) {
  const images = [...image.closest(".milestones").querySelectorAll("img")];
  const [names, pictures] = [images.map((each) => each.alt), images.map((each) => () => h("img", { src: each.src, alt: each.alt }))];
  showImages({ count: images.length, at: images.indexOf(image), caption: (at) => names[at], picture: (at) => pictures[at]() });
}
