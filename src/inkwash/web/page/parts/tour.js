/** A tour of five short steps for a first visit: it can be skipped, and is shown again only when it is asked for. */

import { h } from "./element.js";

const KEY = "inkwash-tour";
const STEPS = [
  ["play", "Noise becomes data: press Run, then move the time slider. Particles follow the arrows from noise to the points."],
  ["sample", "The same for images: choose a digit and press Sample. Every step of the slider is one evaluation of the network."],
  ["denoise", "Draw a digit and move the noise up and down: what the network predicts, beside the best possible prediction."],
  ["edit", "Draw something, and let the model regenerate it with more or less noise."],
  ["compare", "Two samplers or models with the same seeds: which is faster, and is it as good?"],
];

/** Return { element, offer, start, isNew }; `go(view)` shows a view, `available` are the names of views. */
export function tour(go, available) {
  const steps = STEPS.filter(([view]) => available.includes(view));
  const text = h("p", {}), next = h("button", { type: "button", class: "primary", onclick: () => show(at + 1) }, "Next");
  const element = h("section", { class: "panel tour", hidden: true, "aria-label": "Tour" }, text, h("div", { class: "row" }, next, h("button", { type: "button", onclick: end }, "Skip the tour")));
  let at = 0;
  function show(place) {
    if (place >= steps.length) return end();
    at = place;
    text.textContent = `${at + 1} of ${steps.length}. ${steps[at][1]}`;
    next.textContent = at === steps.length - 1 ? "Finish" : "Next";
    element.hidden = false;
    go(steps[at][0]);
  }
  function end() {
    element.hidden = true;
    localStorage.setItem(KEY, "seen");
  }
  /** Offer the tour without leaving the shown view. */
  function offer() {
    at = -1;
    text.textContent = `New here? A tour of ${steps.length} short steps.`;
    next.textContent = "Start";
    element.hidden = false;
  }
  return { element, offer, start: () => show(0), isNew: () => !localStorage.getItem(KEY) };
}
