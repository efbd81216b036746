/** Fields of forms, each with a visible label and its range; the browser's own checks say what is out of it. */

import { of } from "./element.js";

/** A number between `min` and `max`; empty is null where `optional`. */
export function number(label, { min, max, step = 1, value = "", optional = false, hint = "" }) {
  const input = of("input", { type: "number", min, max, step, value, required: !optional, inputMode: "decimal" });
  return field(label, input, hint, () => (input.value === "" ? null : Number(input.value)), (to) => (input.value = to ?? ""));
}

/** A choice among `options`, pairs of value and text. */
export function choice(label, options, value, hint = "") {
  const input = of("select", {}, options.map(([key, text]) => of("option", { value: key, selected: key === value }, text)));
  return field(label, input, hint, () => input.value, (to) => (input.value = to));
}

/** A line of text. */
export function line(label, { value = "", placeholder = "", maxLength = 80, hint = "" } = {}) {
  const input = of("input", { type: "text", value, placeholder, maxLength });
  return field(label, input, hint, () => input.value, (to) => (input.value = to));
}

/** A slider that says its value beside its label. */
export function slider(label, { min, max, step, value, hint = "", text = (at) => at.toFixed(2) }) {
  const said = of("output", {}, text(Number(value)));
  const input = of("input", { type: "range", min, max, step, value, oninput: () => (said.value = text(Number(input.value))) });
  const made = field(label, input, hint, () => Number(input.value), (to) => {
    input.value = to;
    said.value = text(Number(to));
  });
  made.element.firstChild.append(" ", said);
  return made;
}

/** A box to tick. */
export function tick(label, value = false) {
  const input = of("input", { type: "checkbox", checked: value });
  const element = of("label", { class: "check" }, input, label);
  return { element, input, get: () => input.checked, set: (to) => (input.checked = to), valid: () => true };
}

/** Buttons of which any number are down: `options` are pairs of key and text; `get` returns the keys in their order. */
export function chips(label, options, chosen = []) {
  const down = new Set(chosen);
  const buttons = options.map(([key, text]) =>
    of("button", { type: "button", "aria-pressed": String(down.has(key)), onclick: () => flip(key) }, text),
  );
  const element = of("fieldset", {}, of("legend", {}, label), of("div", { class: "chips" }, buttons));
  const show = () => {
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(down.has(options[at][0]))));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  function flip(key) {
    if (!down.delete(key)) down.add(key);
    show();
  }
  function set(keys) {
    down.clear();
    keys.forEach((key) => down.add(key));
    show();
  }
  return { element, get: () => options.map(([key]) => key).filter((key) => down.has(key)), set, valid: () => true };
}

function field(label, input, hint, get, set) {
  const words = of("span", {}, label);
  const element = of("label", { class: "field" }, words, input, hint ? of("span", { class: "hint" }, hint) : null);
  return { element, input, get, set, valid: () => input.reportValidity() };
}
