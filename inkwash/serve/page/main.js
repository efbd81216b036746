/** The page: which view is shown, of which model; the address says both, so that it can be kept and sent. */

import { engine } from "./engine/index.js";
import { of } from "./parts/element.js";
import * as draw from "./views/draw.js";
import * as write from "./views/write.js";
import * as edit from "./views/edit.js";
import * as compare from "./views/compare.js";
import * as understand from "./views/understand.js";
import * as choose from "./views/choose.js";

const VIEWS = { draw, write, edit, compare, understand, choose };
const place = (name) => document.getElementById(name);
const main = place("main"), view = place("view"), tabs = place("tabs"), chooser = place("model");
let models = [], leave = () => {}, shown = null;

/** Say `text` where everyone looks, screen readers too. */
function say(text, problem = false) {
  place("status").textContent = text;
  place("status").className = problem ? "problem" : "";
}

/** Return what the address says: the view, and its settings. */
function address() {
  const [name, query] = location.hash.slice(1).split("?");
  return { name: offered().includes(name) ? name : "draw", link: new URLSearchParams(query ?? "") };
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
  const { name, link } = address();
  if (models.some((each) => each.name === link.get("model"))) chooser.value = link.get("model");
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
  const app = { engine, model, models, link, say, remember: (settings) => remember(name, settings), go, refresh };
  view.replaceChildren();
  leave = (model.broken && name !== "choose" ? broken(model) : VIEWS[name].mount(view, app)) ?? (() => {});
}

function broken(model) {
  view.append(of("p", { class: "panel problem" }, model.broken));
}

/** Go to a view, of another model where one is named. */
function go(name, settings = {}) {
  const link = new URLSearchParams({ model: chooser.value, ...settings });
  location.hash = `${name}?${link}`;
}

/** Ask again which models there are, keep the choice, and show the view anew. */
async function refresh() {
  await list();
  show();
}

async function list() {
  models = await engine.models();
  const chosen = chooser.value;
  chooser.replaceChildren(...models.map((model) => of("option", { value: model.name }, model.name + (model.training ? " (training)" : ""))));
  if (models.some((model) => model.name === chosen)) chooser.value = chosen;
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
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = offered();
  const next = names[(names.indexOf(shown) + step + names.length) % names.length];
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
  chooser.addEventListener("change", () => go(shown));
  window.addEventListener("hashchange", show);
  show();
}

begin();
