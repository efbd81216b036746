/** "Keep this digit, change its attributes": the drawing is encoded as noise and sampled again with what is set here. */

import { conditions } from "./conditions.js";
import { h } from "./element.js";
import { checkbox } from "./fields.js";

const OFF = { element: null, isOn: () => false, problem: async () => null, request: () => ({}), setDrawn: () => {}, params: () => ({}) };

/**
 * Return { element, isOn, problem, request, setDrawn, params } for a model whose images can be encoded: a switch and, where
 * it is on, classes, prompt and attributes, of which `setDrawn(values)` shows those of the drawing, whose pixels in base64 are
 * `image()`. The switch sets `settings` to the sampler of edits, and hides the elements `others`.
 */
export function attributeEdit({ engine, model, url }, settings, image, others) {
  if (!model.encoding) return OFF;
  if (!engine.canEncode) return { ...OFF, element: h("p", { class: "hint" }, "To keep this digit and change its attributes, use the page of 'inkwash serve': an exported page does not encode drawings.") };
  const toggle = checkbox("Keep this digit, change its attributes", url.choice("encode", "0", ["0", "1"]) === "1");
  const condition = conditions({ model, engine, url, classes: "Class of the digit (none selected: unknown)", rest: "as drawn", edit: () => ({ image: image(), noise: 1, encode: true }) });
  const hint = model.conditional && h("p", { class: "hint" }, "Without its class, or with several classes, an edit often changes the digit to another.");
  const fields = h("div", { class: "stack" }, condition.element, hint);
  const isOn = () => toggle.get();
  function show() {
    fields.hidden = !isOn();
    others.forEach((each) => (each.hidden = isOn()));
  }
  toggle.input.addEventListener("change", () => {
    settings.set(isOn() ? { ...model.encoding, temperature: 1 } : { sampler: model.sampler, steps: model.steps });
    show();
  });
  if (isOn() && !url.has("sampler")) settings.set(model.encoding);
  show();
  return {
    element: h("div", { class: "stack" }, toggle.element, fields),
    isOn,
    problem: async () => (isOn() ? condition.problem() : null),
    /** The part of a sampling request, without guidance where no class is given: it would have no effect. */
    request() {
      const made = condition.request(), hasClass = made.labels ? made.labels.some((label) => label >= 0) : condition.turn() > 0;
      return hasClass ? made : { ...made, guidance: null };
    },
    setDrawn: condition.setDrawn,
    params: () => (isOn() ? { encode: 1, ...condition.params() } : {}),
  };
}
