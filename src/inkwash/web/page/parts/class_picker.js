/** A group of toggle buttons for the classes that a conditional model samples. */

import { toggleButtons } from "./fields.js";
import { UrlState } from "./url_state.js";

/** Return [key, text] of every class for a field; the key, also in the URL, is the name, percent-encoded so that it has no comma. */
export const classOptions = (model) => model.classes.map((name) => [encodeURIComponent(name), name]);

/** Return the label of the class with this key. */
export const labelOf = (model, key) => classOptions(model).findIndex(([each]) => each === key);

/**
 * Return the picker, with a `legend`; `labels()` are the labels of a request, null where no class is selected. `setPrompted(labels)` shows
 * those that a prompt names, null for none, unless others were selected; `isOwn()` is whether they were, and `keep()` makes
 * the shown ones selected.
 */
export function classPicker(model, url = new UrlState(), legend = "Classes (none selected: random)") {
  if (!model.conditional || !model.classes.length) {
    return { element: null, labels: () => null, params: () => ({}), selected: () => [], setPrompted: () => {}, isOwn: () => false, keep: () => {} };
  }
  const options = classOptions(model);
  if (model.guidable) options.push(["-1", "Unconditional"]);
  const group = toggleButtons(legend, options, url.list("labels", options.map(([key]) => key)));
  // The key of the unconditional label is that of no class, whose index is -1.
  const selected = () => group.get().map((key) => labelOf(model, key));
  let prompted = [], isKept = false;
  const isOwn = () => isKept || String(group.get()) !== String(prompted);
  group.element.addEventListener("change", () => {
    // Without its buttons a class of the prompt would still be sampled.
    if (!group.get().length) group.set(prompted);
  });
  return {
    element: group.element,
    selected,
    labels: () => (selected().length ? selected() : null),
    params: () => (selected().length ? { labels: group.get().join(",") } : {}),
    isOwn,
    keep: () => (isKept = true),
    setPrompted(labels) {
      const wasOwn = isOwn(), keys = options.map(([key]) => key);
      prompted = keys.filter((_, at) => (labels ?? []).includes(at));
      isKept = false;
      if (!wasOwn) group.set(prompted);
    },
  };
}
