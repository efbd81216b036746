/** A group of toggle buttons for the classes that a conditional model samples. */

import { toggleButtons } from "./fields.js";
import { UrlState } from "./url_state.js";

/** Return the picker; `labels()` are the labels of a request, null where no class is selected. */
export function classPicker(model, url = new UrlState()) {
  if (!model.conditional || !model.classes.length) return { element: null, labels: () => null, params: () => ({}), selected: () => [] };
  const options = model.classes.map((name, at) => [String(at), name]);
  if (model.guidable) options.push(["-1", "Unconditional"]);
  const group = toggleButtons("Classes (none selected: random)", options, url.list("labels", options.map(([key]) => key)));
  const selected = () => group.get().map(Number);
  return {
    element: group.element,
    selected,
    labels: () => (selected().length ? selected() : null),
    params: () => (selected().length ? { labels: selected().join(",") } : {}),
  };
}
