/** Where pictures come: words while there are none, and brought before the eyes when a drawing begins. */

import { of } from "./element.js";

/** Return { element, show } of a place called `label`; `show` puts what is drawn there, and scrolls to it. */
export function stage(label, words) {
  const element = of("section", { class: "panel stack stage", "aria-label": label }, of("div", { class: "empty" }, of("p", {}, words)));
  return {
    element,
    show(...children) {
      element.classList.add("filled");
      element.replaceChildren(...children);
      reveal(element);
    },
  };
}

/** Scroll to an element of which too little can be seen: on a phone what is drawn begins below the form. */
export function reveal(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  const seen = Math.min(bottom, innerHeight) - Math.max(top, 0);
  if (seen >= 0.6 * Math.min(height, innerHeight)) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}
