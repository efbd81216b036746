/** The field of a prompt, with what it was understood as, or the message of the server below it. */

import { h } from "./element.js";

/** Milliseconds without a key press before the prompt is parsed: half a word is rarely one. */
const DELAY = 400;
const EXAMPLES = "a bold, slanted seven; 2026 in a light hand";

/**
 * Return { element, text, set, show, flush }: `onchange()` is called a moment after the text has changed, and `flush()`
 * calls it now if it is due; `clear()` is called by the button that is offered where prompt and sliders name the same.
 */
export function promptField(model, initial, { onchange, clear }) {
  let timer = null;
  const input = h("input", { type: "text", value: initial, maxLength: 1000, autocomplete: "off", spellcheck: false, "aria-describedby": "prompt-answer", oninput: wait, onchange: flush });
  // Polite, because the answers to half a prompt are not urgent.
  const answer = h("p", { class: "hint", id: "prompt-answer", "aria-live": "polite" });
  const button = h("button", { type: "button", hidden: true, onclick: clear }, "Clear the prompt, keep the sliders");
  const isDigits = model.classes.includes("7");
  const element = h("div", { class: "stack tight" }, h("label", { class: "field" }, h("span", {}, "Prompt"), input, h("span", { class: "hint" }, isDigits ? `such as ${EXAMPLES}` : "classes, and words such as bold, slanted, very wide")), answer, button);
  function wait() {
    clearTimeout(timer);
    timer = setTimeout(flush, DELAY);
  }
  function flush() {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    onchange();
  }
  return {
    element,
    flush,
    text: () => input.value.trim(),
    set: (text) => (input.value = text),
    /** Show what the prompt was understood as, or why it is refused: an Error with a code. */
    show(understood, problem) {
      answer.textContent = problem?.message ?? (understood && `Understood as: ${understood}`);
      answer.classList.toggle("problem", problem !== null);
      input.setAttribute("aria-invalid", String(problem !== null));
      button.hidden = problem?.code !== "conflict" || problem.field === "prompt";
    },
  };
}
