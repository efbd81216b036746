/** What samples are conditioned on: class buttons and, for a model with attributes, a prompt and sliders beside them. */

import { attributeSliders } from "./attribute_sliders.js";
import { classPicker } from "./class_picker.js";
import { h } from "./element.js";
import { checkbox } from "./fields.js";
import { newest } from "./newest.js";
import { promptField } from "./prompt_field.js";

const NOTHING = { text: "", labels: null, attributes: {} };

/**
 * Return { element, request, params, turn, valid, problem, setDrawn } for `model`: `request()` is the part of a sampling request,
 * `turn()` the number of images that are repeated in turn, `valid()` whether the prompt is understood by now, and
 * `problem()` resolves to why it is not, after what was typed last, or null. `onchange()` is called after a valid change.
 * `setDrawn` is that of the sliders, `classes` the legend of the buttons, and `rest` the value of a slider at rest. `edit()` is
 * the image of the request, or null, that words such as "bolder" compare with.
 *
 * Sliders and buttons show what the prompt means. One that is moved away from it is named twice, which the server
 * refuses as on the command line: nothing is overridden silently.
 */
export function conditions({ model, engine, url, onchange = () => {}, classes: legend, rest, edit = () => null }) {
  const classes = classPicker(model, url, legend);
  if (!model.attributes?.length) {
    return { element: classes.element, request: () => ({ labels: classes.labels() }), params: classes.params, turn: () => classes.selected().length, valid: () => true, problem: async () => null };
  }
  const extrapolate = checkbox("Allow values outside of the range of the training set", url.choice("extrapolate", "0", ["0", "1"]) === "1");
  const initial = url.pairs("attributes", (name, value) => isPossible(model, name, value, extrapolate.get()));
  const sliders = attributeSliders(model, initial, changed, rest);
  const prompt = engine.prompt ? promptField(model, url.text("prompt", ""), { onchange: changed, clear: adopt }) : null;
  // An exported page has no parser: a prompt in its URL is reported.
  if (!prompt) url.validated("prompt", "", false);
  let meaning = NOTHING, understood = null, problem = null;

  const text = () => prompt?.text() ?? "";
  const own = () => ({ labels: classes.isOwn() ? classes.labels() : null, attributes: Object.fromEntries(Object.entries(sliders.own()).map(([name, value]) => [name, [value]])) });
  const worded = () => ({ prompt: text() || null, extrapolate: extrapolate.get(), ...(edit() && { edit: edit() }) });
  const isUnderstood = () => !text() || understood === JSON.stringify(worded());
  /** Whether a button or slider was set that the prompt names. */
  const isTwice = () => Boolean(text()) && ((classes.isOwn() && meaning.labels !== null) || Object.keys(sliders.own()).some((name) => name in meaning.attributes));
  const valid = () => isUnderstood() && !isTwice();

  /** Ask the server what the prompt means, and for its message where something is named twice. */
  const parse = newest(async () => {
    const requested = worded();
    problem = null;
    try {
      if (!requested.prompt) show(NOTHING);
      else if (!isUnderstood()) {
        understood = null;
        show(await engine.prompt({ model: model.name, ...requested }));
        understood = JSON.stringify(requested);
      }
      if (isTwice()) await engine.prompt({ model: model.name, ...requested, ...own() });
    } catch (error) {
      problem = error;
    }
    prompt.show(meaning.text, problem);
    if (valid()) onchange();
  });
  function show(found) {
    meaning = found;
    sliders.setPrompted(found.attributes);
    classes.setPrompted(found.labels);
  }
  /** Report a change, after a request to the server where it needs one. */
  function changed() {
    if (valid() && !problem && (text() || meaning === NOTHING)) onchange();
    else parse();
  }
  /** Clear the prompt, and keep what the sliders and buttons show, where that is one value. */
  function adopt() {
    const single = Object.entries(meaning.attributes).filter(([, values]) => new Set(values).size === 1 && values[0] !== null);
    sliders.set({ ...Object.fromEntries(single.map(([name, [value]]) => [name, value])), ...sliders.own() });
    classes.keep();
    prompt.set("");
    parse();
  }

  classes.element?.addEventListener("change", changed);
  extrapolate.input.addEventListener("change", changed);
  const element = h("div", { class: "stack" }, prompt?.element, classes.element, sliders.element, prompt && extrapolate.element);
  // `onchange` reports changes to the form around it.
  element.addEventListener("input", (event) => event.stopPropagation());
  if (text()) parse();
  return {
    element,
    valid,
    request: () => ({ ...own(), ...worded() }),
    setDrawn: sliders.setDrawn,
    turn: () => meaning.labels?.length ?? classes.selected().length,
    async problem() {
      prompt?.flush();
      if (!valid()) await parse();
      return valid() ? null : (problem?.message ?? "the prompt is not understood yet");
    },
    params() {
      const values = Object.entries(sliders.own()).map(([name, value]) => `${name}:${value}`).join(",");
      return { ...(text() && { prompt: text() }), ...(values && { attributes: values }), ...(extrapolate.get() && { extrapolate: 1 }), ...(classes.isOwn() && classes.params()) };
    },
  };
}

/** Return whether a value of a URL is one of the attribute `name`, in its range unless that `isFree`. */
function isPossible(model, name, value, isFree) {
  const found = model.attributes.find((each) => each.name === name);
  return Boolean(found) && Number.isFinite(value) && (isFree || (value >= found.range[0] && value <= found.range[1]));
}
