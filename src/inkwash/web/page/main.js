/** The page: one view of one model; both are in the URL, so that it can be bookmarked and shared. */

import { engine } from "./engine/index.js";
import { h } from "./parts/element.js";
import { acceptDrops, restorer } from "./parts/restore.js";
import { tour } from "./parts/tour.js";
import { UrlState } from "./parts/url_state.js";
import { ViewStore } from "./parts/view_store.js";
import * as sample from "./views/sample.js";
import * as write from "./views/write.js";
import * as edit from "./views/edit.js";
import * as compare from "./views/compare.js";
import * as denoise from "./views/denoise.js";
import * as understand from "./views/understand.js";
import * as models from "./views/models.js";
import * as play from "./views/play.js";

const VIEWS = { sample, write, edit, compare, denoise, understand, play, models };
/** Names of views in URLs of version 0.1.0. */
const RENAMED = { draw: "sample", choose: "models" };

const byId = (id) => document.getElementById(id);
const main = byId("main"), view = byId("view"), tabs = byId("tabs"), select = byId("model");
const views = new ViewStore();
const restore = restorer({ engine, go, notify });
let descriptions = [], shown = null, current = null, hasStarted = false;
/** Pixels for the canvas of Edit, which is not shown yet. */
let toEdit = null;

/**
 * Show `text` in the live region that screen readers announce. A problem stays until the next click; an empty text
 * clears status and problem.
 */
function notify(text, isProblem = false) {
  byId("status").textContent = isProblem ? "" : text;
  if (isProblem || !text) byId("alert").textContent = text;
}

/** Return the view and its query in the URL, and one sentence for each unknown name; selects the model. */
function parseUrl() {
  const [requested, text] = location.hash.slice(1).split("?");
  const query = new URLSearchParams(text), problems = [], model = query.get("model") ?? "";
  query.delete("model");
  const wanted = RENAMED[requested] ?? requested;
  const name = available().includes(wanted) ? wanted : available()[0];
  if (wanted && wanted !== name) problems.push(`Unknown view ${wanted}: ${name} is shown.`);
  if (descriptions.some((each) => each.name === model)) select.value = model;
  else if (model) problems.push(`Unknown model ${model}: ${select.value} is shown.`);
  return { name, query, problems };
}

/** The available views: an exported page has one model and cannot train. */
const available = () => Object.keys(VIEWS).filter((name) => name !== "models" || engine.canTrain);

/**
 * Write the view and its parameters into the URL without a navigation; returns the URL. A view does not sample at once
 * from an idle URL.
 */
function updateUrl(name, params, isIdle = false) {
  const query = new URLSearchParams({ model: select.value, ...params });
  history.replaceState({ isIdle }, "", `#${name}?${query}`);
  views.remember(name, select.value, params, location.hash);
  return location.href;
}

function show() {
  const { name, query, problems } = parseUrl();
  const model = descriptions.find((each) => each.name === select.value);
  shown?.leave();
  notify("");
  for (const tab of tabs.children) {
    const selected = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
  }
  view.setAttribute("aria-labelledby", `tab-${name}`);
  document.title = `inkwash: ${VIEWS[name].title.toLowerCase()}`;
  // A view that was left is shown as it was; a link, or another model, makes a new one.
  const isRestored = !query.size || location.hash === views.hash(name);
  let url = new UrlState(query, history.state?.isIdle);
  shown = isRestored ? views.mounted(name, model) : null;
  if (shown) {
    view.replaceChildren(shown.element);
    history.replaceState(history.state, "", views.hash(name) ?? location.hash);
  } else {
    if (isRestored && !query.size) url = new UrlState(views.params(name, model.name), true);
    shown = mount(name, model, url);
    // Parameters are validated by the fields of the view, while it is mounted; remembered ones are of another model.
    if (url.invalidParameters.length && query.size) problems.push(`Invalid in this URL: ${url.invalidParameters.join(", ")}.`);
  }
  current = name;
  if (name === "edit" && toEdit) shown.load(toEdit);
  toEdit = null;
  // The focused element may have been removed.
  if (hasStarted && document.activeElement === document.body) main.focus({ preventScroll: true });
  hasStarted = true;
  if (!problems.length) return;
  notify(problems.join(" "), true);
  updateUrl(name, url.valid);
}

/** Mount a new view and show it; it is kept while its model stays selected, unless it has no parameters. */
function mount(name, model, url) {
  const element = h("div", {});
  const app = { engine, model, models: descriptions, url, notify, updateUrl: (params) => updateUrl(name, params), go, edit: editImage, refresh, restore };
  view.replaceChildren(element);
  if (model.broken && name !== "models") element.append(h("p", { class: "panel problem" }, model.broken));
  const made = (model.broken && name !== "models" ? null : VIEWS[name].mount(element, app)) ?? {};
  const kept = { element, model, leave: made.leave ?? (() => {}), dispose: made.dispose ?? (() => {}), load: made.load ?? (() => {}), params: made.params ?? null };
  views.keep(name, kept);
  return kept;
}

/** Write the state of the shown view into the URL: a reload restores it, but samples only what was sampled. */
function rememberState() {
  if (shown?.params) updateUrl(current, shown.params(), true);
}

/** Navigate to a view, of another model if `params` has one. */
function go(name, params = {}) {
  const query = new URLSearchParams({ model: select.value, ...params });
  location.hash = `${name}?${query}`;
}

/** Put the pixels of an image onto the canvas of Edit, where Undo returns to what was drawn. */
function editImage(pixels, name) {
  toEdit = pixels;
  if (current === "edit" && select.value === name) show();
  else go("edit", { model: name });
}

/** Fetch the list of models and update the menu, keeping its selection. Returns the models. */
async function refresh() {
  const fetched = await engine.models();
  const unchanged = JSON.stringify(fetched) === JSON.stringify(descriptions);
  descriptions = fetched;
  if (unchanged) return descriptions;
  const selected = select.value;
  select.replaceChildren(...descriptions.map((model) => h("option", { value: model.name }, model.name + (model.training ? " (training)" : ""))));
  if (descriptions.some((model) => model.name === selected)) select.value = selected;
  return descriptions;
}

function makeTab(name) {
  const properties = { type: "button", role: "tab", id: `tab-${name}`, "data-view": name, "aria-controls": "view", onclick: () => go(name) };
  return h("button", properties, VIEWS[name].title);
}

/** Arrow keys, Home and End move between tabs (WAI-ARIA tabs pattern). */
function moveTab(event) {
  const names = available(), at = names.indexOf(current);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = names.at(to % names.length);
  go(next);
  byId(`tab-${next}`).focus();
}

async function start() {
  byId("theme").addEventListener("click", () => {
    localStorage.setItem("inkwash-theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    dispatchEvent(new Event("inkwash-theme"));
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  if (engine.apiReferenceUrl) byId("footer").append(h("a", { href: engine.apiReferenceUrl }, "API reference"));
  try {
    await refresh();
  } catch (error) {
    view.replaceChildren(h("p", { class: "problem" }, error.message));
    return;
  }
  // The tabs appear only now, because no view can be shown before the models are loaded.
  tabs.append(...available().map(makeTab));
  tabs.addEventListener("keydown", moveTab);
  // In the capture phase, so that a click clears the previous problem before its own handler reports a new one.
  addEventListener("click", () => byId("alert").replaceChildren(), true);
  select.addEventListener("change", () => go(current));
  view.addEventListener("change", rememberState);
  window.addEventListener("hashchange", show);
  acceptDrops(restore);
  const guide = tour(go, available());
  main.prepend(guide.element);
  byId("footer").append(" ", h("button", { type: "button", class: "quiet", onclick: guide.start }, "Take the tour"));
  const isBare = !location.hash;
  show();
  // A link shows what it is for, without a tour.
  if (isBare && guide.isNew()) guide.offer();
}

start();
