/** The page: which view is shown, of which model; the address says both, so that it can be kept and sent. */

import { engine } from "./engine/index.js";
import { of } from "./parts/element.js";
import { UrlState } from "./parts/url_state.js";
import * as draw from "./views/draw.js";
import * as write from "./views/write.js";
import * as edit from "./views/edit.js";
import * as compare from "./views/compare.js";
import * as understand from "./views/understand.js";
import * as choose from "./views/models.js";

const VIEWS = { draw, write, edit, compare, understand, choose };
const place = (name) => document.getElementById(name);
const main = place("main"), view = place("view"), tabs = place("tabs"), chooser = place("model");
let models = [], leave = () => {}, shown = null;

/** Say `text` where everyone looks, screen readers too; a problem stays until someone does something, nothing clears both. */
function say(text, problem = false) {
  place("status").textContent = problem ? "" : text;
  if (problem || !text) place("alert").textContent = text;
}

/** Return what the address says: the view, its settings, and what in it is nonsense. */
function address() {
  const [name, query] = location.hash.slice(1).split("?");
  const link = new UrlState(query), wrong = [], asked = link.text("model", "");
  const found = offered().includes(name) ? name : "draw";
  if (name && name !== found) wrong.push(`There is no view ${name} here: this is ${found}.`);
  if (models.some((each) => each.name === asked)) chooser.value = asked;
  else if (asked) wrong.push(`There is no model ${asked} here: this is ${chooser.value}.`);
  return { name: found, link, wrong };
}

/** The views that there are: without a server nothing trains, and there is one model. */
const offered = () => Object.keys(VIEWS).filter((name) => name !== "choose" || engine.canTrain);

/** Write view and settings into the address without loading anything. */
function remember(name, settings) {
  const link = new URLSearchParams({ model: chooser.value, ...settings });
  history.replaceState(null, "", `#${name}?${link}`);
  return location.href;
}

function show() {
  const { name, link, wrong } = address();
  leave();
  say("");
  for (const tab of tabs.children) {
    const chosen = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  view.setAttribute("aria-labelledby", `tab-${name}`);
  const model = models.find((each) => each.name === chooser.value);
  shown = name;
  document.title = `inkwash: ${VIEWS[name].title.toLowerCase()}`;
  const app = { engine, model, models, link, say, remember: (settings) => remember(name, settings), go, list };
  view.replaceChildren();
  leave = (model.broken && name !== "choose" ? broken(model) : VIEWS[name].mount(view, app)) ?? (() => {});
  // only the fields of a view know what they take
  if (link.faults.length) wrong.push(`The address asks for what cannot be here: ${link.faults.join(", ")}.`);
  if (!wrong.length) return;
  say(wrong.join(" "), true);
  remember(name, { ...link.right, model: model.name });
}

function broken(model) {
  view.append(of("p", { class: "panel problem" }, model.broken));
}

/** Go to a view, of another model where one is named. */
function go(name, settings = {}) {
  const link = new URLSearchParams({ model: chooser.value, ...settings });
  location.hash = `${name}?${link}`;
}

/** Ask which models there are, and offer them where others were offered before; the choice is kept. Returns them. */
async function list() {
  const now = await engine.models();
  const alike = JSON.stringify(now) === JSON.stringify(models);
  models = now;
  if (alike) return models;
  const chosen = chooser.value;
  chooser.replaceChildren(...models.map((model) => of("option", { value: model.name }, model.name + (model.training ? " (training)" : ""))));
  if (models.some((model) => model.name === chosen)) chooser.value = chosen;
  return models;
}

function dress() {
  const kept = localStorage.getItem("inkwash-theme");
  const dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function tab(name) {
  const properties = { type: "button", role: "tab", id: `tab-${name}`, "data-view": name, "aria-controls": "view", onclick: () => go(name) };
  return of("button", properties, VIEWS[name].title);
}

function walk(event) {
  const names = offered(), here = names.indexOf(shown);
  const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = names.at(to % names.length);
  go(next);
  place(`tab-${next}`).focus();
}

async function begin() {
  dress();
  place("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme !== "dark";
    localStorage.setItem("inkwash-theme", dark ? "dark" : "light");
    dress();
  });
  place("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  if (engine.reference) place("footer").append(of("a", { href: engine.reference }, "For programs: everything this page asks for"));
  try {
    await list();
  } catch (error) {
    view.replaceChildren(of("p", { class: "problem" }, error.message));
    return;
  }
  // only now: there is nothing to go to before
  tabs.append(...offered().map(tab));
  tabs.addEventListener("keydown", walk);
  // what was wrong has been read by whoever goes on; before anything else hears the press
  addEventListener("click", () => place("alert").replaceChildren(), true);
  chooser.addEventListener("change", () => go(shown));
  window.addEventListener("hashchange", show);
  show();
}

begin();
