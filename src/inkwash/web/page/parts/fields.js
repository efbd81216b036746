/** Fields of forms, each with a visible label and its range; the browser's own checks say what is out of it. */

import { of } from "./element.js";

/** A number between `min` and `max`, as `said`, a link and a name in it, has it; empty is null where `optional`. */
export function number(label, { min, max, step = 1, value = "", optional = false, hint = "", said = null }) {
  const begun = said ? said[0].number(said[1], value, { min, max, step }) : value;
  const input = of("input", { type: "number", min, max, step, value: begun, required: !optional, inputMode: "decimal" });
  return field(label, input, hint, () => (input.value === "" ? null : Number(input.value)), (to) => (input.value = to ?? ""));
}

/** A choice among `options`, pairs of value and text. */
export function choice(label, options, value, said = null) {
  const begun = said ? said[0].choice(said[1], value, options.map(([key]) => key)) : value;
  const input = of("select", {}, options.map(([key, text]) => of("option", { value: key, selected: key === begun }, text)));
  return field(label, input, "", () => input.value, (to) => (input.value = to));
}

/** A line of text. */
export function line(label, { value = "", hint = "" } = {}) {
  const input = of("input", { type: "text", value });
  return field(label, input, hint, () => input.value, (to) => (input.value = to));
}

/** A slider that says its value beside its label. */
export function slider(label, { min, max, step, value, hint = "", said = null }) {
  const begun = said ? said[0].number(said[1], value, { min, max, step: "any" }) : value;
  // no <output>: a label belongs to the first field within it, and that would be one
  const shown = of("span", {});
  const show = () => (shown.textContent = Number(input.value).toFixed(2));
  const input = of("input", { type: "range", min, max, step, value: begun, oninput: show });
  const made = field(label, input, hint, () => Number(input.value), (to) => {
    input.value = to;
    show();
  });
  made.element.firstChild.append(" ", shown);
  show();
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
