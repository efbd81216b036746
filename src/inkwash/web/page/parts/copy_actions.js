/** Copy as command line, Python and link. */

import { h } from "./element.js";
import { copy } from "./download.js";

const NO_CODE = "No equivalent: the image was edited here, the seeds are not consecutive, or the path of the model is private";

/**
 * Return { buttons, caption, enable, disable }: `url()` returns a URL that restores the view; `enable({ command, python })`
 * sets what is copied, null for what has no equivalent, for which `reason` is the tooltip; the caption shows the command.
 * `linkNote()` returns what the link does not restore.
 */
export function copyActions({ url, notify, reason = NO_CODE, linkNote = () => "" }) {
  const texts = { command: null, python: null };
  const copyText = async (what, text, note = "") => notify(`${(await copy(text)) ? `${what} copied.` : `${what}: ${text}`} ${note}`.trim());
  const button = (text, onclick) => h("button", { type: "button", disabled: true, onclick }, text);
  const link = button("Copy link", () => copyText("Link", url(), linkNote()));
  const code = { command: button("Copy command", () => copyText("Command", texts.command)), python: button("Copy Python", () => copyText("Python", texts.python)) };
  const line = h("code", {});
  return {
    buttons: [link, code.command, code.python],
    caption: h("p", { class: "caption" }, line),
    enable(given) {
      link.disabled = false;
      for (const name of ["command", "python"]) {
        texts[name] = given?.[name] ?? null;
        code[name].disabled = texts[name] === null;
        code[name].title = texts[name] === null ? reason : "";
      }
      line.textContent = texts.command ?? "";
    },
    disable: () => [link, ...Object.values(code)].forEach((each) => (each.disabled = true)),
  };
}
