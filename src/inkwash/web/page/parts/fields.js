/** Form fields with a visible label and a range, validated by the browser. */

import { h } from "./element.js";

/**
 * A number between `min` and `max`; an empty field is null where `optional`. `param`, a UrlState and a name, overrides
 * the initial value.
 */
export function number(label, { min, max, step = 1, value = "", optional = false, hint = "", param = null }) {
  const initial = param ? param[0].number(param[1], value, { min, max, step }) : value;
  const input = h("input", { type: "number", min, max, step, value: initial, required: !optional, inputMode: "decimal" });
  return field(label, input, hint, () => (input.value === "" ? null : Number(input.value)), (to) => (input.value = to ?? ""));
}

/** A menu of `options`, pairs of value and text. */
export function choice(label, options, value, param = null) {
  const initial = param ? param[0].choice(param[1], value, options.map(([key]) => key)) : value;
  const input = h("select", {}, options.map(([key, text]) => h("option", { value: key, selected: key === initial }, text)));
  return field(label, input, "", () => input.value, (to) => (input.value = to));
}

/** A line of text. */
export function textField(label, { value = "", hint = "" } = {}) {
  const input = h("input", { type: "text", value });
  return field(label, input, hint, () => input.value, (to) => (input.value = to));
}

/** A slider with its value beside its label. */
export function slider(label, { min, max, step, value, hint = "", param = null }) {
  const initial = param ? param[0].number(param[1], value, { min, max, step: "any" }) : value;
  // Not an <output>, which is labelable: the label would belong to it instead of the slider.
  const shown = h("span", {});
  const show = () => (shown.textContent = Number(input.value).toFixed(2));
  const input = h("input", { type: "range", min, max, step, value: initial, oninput: show });
  const made = field(label, input, hint, () => Number(input.value), (to) => {
    input.value = to;
    show();
  });
  made.element.firstChild.append(" ", shown);
  show();
  return made;
}

/** A checkbox. */
export function checkbox(label, value = false) {
  const input = h("input", { type: "checkbox", checked: value });
  const element = h("label", { class: "check" }, input, label);
  return { element, input, get: () => input.checked, set: (to) => (input.checked = to), valid: () => true };
}

/** A group of toggle buttons; `options` are pairs of key and text, `get` returns the pressed keys in their order. */
export function toggleButtons(label, options, chosen = []) {
  const pressed = new Set(chosen);
  const buttons = options.map(([key, text]) =>
    h("button", { type: "button", "aria-pressed": String(pressed.has(key)), onclick: () => toggle(key) }, text),
  );
  const element = h("fieldset", {}, h("legend", {}, label), h("div", { class: "chips" }, buttons));
  const paint = () => buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(pressed.has(options[at][0]))));
  const show = () => {
    paint();
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  function toggle(key) {
    if (!pressed.delete(key)) pressed.add(key);
    show();
  }
  const get = () => options.map(([key]) => key).filter((key) => pressed.has(key));
  const set = (keys) => {
    pressed.clear();
    keys.forEach((key) => pressed.add(key));
    paint();
  };
  return { element, get, set, valid: () => true };
}

function field(label, input, hint, get, set) {
  const element = h("label", { class: "field" }, h("span", {}, label), input, hint ? h("span", { class: "hint" }, hint) : null);
  return { element, input, get, set, valid: () => input.reportValidity() };
}
