/** Sliders for the attributes of a model: at rest an attribute is "any", or as in a drawing, and may have the value that a prompt names. */

import { h } from "./element.js";

const STEPS = 100;
let made = 0;

/**
 * Return { min, max, step, rest, digits } of an attribute { range, quantiles }: round numbers inside the range, about a
 * hundred steps or whole numbers, and the median, where the knob rests; `digits` are those after the decimal point.
 */
export function scaleOf({ range: [low, high], quantiles }) {
  const wanted = (high - low) / STEPS || 1, power = 10 ** Math.floor(Math.log10(wanted));
  const step = quantiles.every(Number.isInteger) ? 1 : [1, 2, 5, 10].map((each) => each * power).findLast((each) => each <= 1.25 * wanted);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const at = (count) => Number((count * step).toFixed(digits));
  // The server refuses what is outside by a rounding error.
  const inside = [-1, 0, 1].flatMap((by) => [Math.floor(low / step) + by, Math.floor(high / step) + by]).map(at).filter((value) => value >= low && value <= high);
  return { min: Math.min(...inside), max: Math.max(...inside), step: at(1), rest: quantiles[(quantiles.length - 1) / 2], digits };
}

/** Return values with their unit: one, or the lowest and the highest of several. */
export function valueText(values, unit, digits) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${low === high ? low : `${low} to ${high}`}${unit ? ` ${unit}` : ""}`;
}

/**
 * Return { element, own, set, setPrompted, setDrawn } for the attributes of `model`: `own()` are the values set here by name,
 * `set(values)` replaces them, `setPrompted(values)` shows the values, several in turn, of those that the prompt names;
 * `setDrawn(values)` puts knobs at rest where those of a drawing are.
 * `initial` are own values; `onchange()` is called when one changes; `rest` names the value at rest.
 */
export function attributeSliders(model, initial, onchange, rest = "any") {
  const sliders = model.attributes.map((attribute) => attributeSlider(attribute, initial[attribute.name] ?? null, onchange, rest));
  const named = (get) => Object.fromEntries(sliders.map((each) => [each.name, get(each)]).filter(([, value]) => value !== null));
  const element = h("fieldset", { class: "attributes" }, h("legend", {}, `Attributes (at rest: ${rest})`), sliders.map((each) => each.element));
  return {
    element,
    own: () => named((each) => each.own()),
    set: (values) => sliders.forEach((each) => each.set(values[each.name] ?? null)),
    setDrawn: (values) => sliders.forEach((each) => each.setDrawn(values[each.name] ?? null)),
    setPrompted: (values) => sliders.forEach((each) => each.setPrompted(values[each.name]?.filter((value) => value !== null) ?? [])),
  };
}

function attributeSlider(attribute, initial, onchange, atRest) {
  const { name, unit, about } = attribute, { min, max, step, rest, digits } = scaleOf(attribute);
  let own = initial, prompted = [], drawn = null;
  const id = `attribute-${++made}`;
  const input = h("input", { type: "range", id, min, max, step, title: about, oninput: () => change(Number(input.value)), onkeydown: press, ondblclick: clear });
  const shown = h("span", { class: "value" });
  const reset = h("button", { type: "button", class: "small", "aria-label": `${atRest} ${name}`, onclick: clear }, atRest);
  const element = h("div", { class: "attribute" }, h("label", { htmlFor: id, title: about }, name), shown, reset, input);
  function show() {
    const values = own === null ? prompted : [own];
    element.classList.toggle("any", !values.length);
    reset.style.visibility = own === null ? "hidden" : "";
    input.value = values.length ? values.reduce((sum, each) => sum + each, 0) / values.length : (drawn ?? rest);
    shown.textContent = values.length ? valueText(values, unit, digits) + (own === null ? " (prompt)" : "") : atRest + (drawn === null ? "" : ` (${valueText([drawn], unit, digits)})`);
    input.setAttribute("aria-valuetext", shown.textContent);
  }
  function change(value) {
    own = value;
    show();
    onchange();
  }
  function clear() {
    // The button disappears.
    input.focus();
    change(null);
    // No form field has changed by itself: report to the view that its state has.
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function press(event) {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    clear();
  }
  show();
  return {
    name,
    element,
    own: () => own,
    set(value) {
      own = value;
      show();
    },
    setDrawn(value) {
      drawn = value;
      show();
    },
    setPrompted(values) {
      prompted = values;
      show();
    },
  };
}
