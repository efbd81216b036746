/** Which classes are asked for: chips of a model's classes, and "in turn" as a request has them. */

import { chips } from "./fields.js";
import { UrlState } from "./url_state.js";

/** Return chips of the model's classes; `read` gives the labels of a request: null where none is down. */
export function labels(model, link = new UrlState()) {
  if (!model.conditional || !model.classes.length) return { element: null, read: () => null, link: () => ({}), picked: () => [] };
  const options = model.classes.map((name, at) => [String(at), name]);
  if (model.guidable) options.push(["-1", "no class"]);
  const chosen = link.list("labels", options.map(([key]) => key));
  const made = chips("Classes (none pressed: a mix as in the train set)", options, chosen);
  return {
    element: made.element,
    picked: () => made.get().map(Number),
    read: () => (made.get().length ? made.get().map(Number) : null),
    link: () => (made.get().length ? { labels: made.get().join(",") } : {}),
    set: made.set,
  };
}
