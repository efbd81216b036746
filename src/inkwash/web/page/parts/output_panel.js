/** The panel that shows samples: a hint while it is empty, scrolled into view when sampling starts. */

import { h } from "./element.js";

/** Return { element, show }; `show` replaces the content of the panel and scrolls to it. */
export function outputPanel(label, hint) {
  const element = h("section", { class: "panel stack output", "aria-label": label }, h("div", { class: "empty" }, h("p", {}, hint)));
  return {
    element,
    show(...children) {
      element.classList.add("filled");
      element.replaceChildren(...children);
      reveal(element);
    },
  };
}

/** Scroll to an element of which less than 60 % is visible: on a phone the output is below the form. */
export function reveal(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  const visible = Math.min(bottom, innerHeight) - Math.max(top, 0);
  // An output that is not yet filled is lower than it will be.
  if (visible >= 0.6 * Math.min(height, innerHeight) && top < 0.4 * innerHeight) return;
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "start", behavior: reduced ? "auto" : "smooth" });
}
