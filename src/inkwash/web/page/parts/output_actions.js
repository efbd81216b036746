/** Buttons for finished samples: save as PNG or animation, copy the URL or the command. */

import { h } from "./element.js";
import { copy, saveAnimation, savePng } from "./download.js";

const NO_URL = "A URL cannot hold an edited image or an interpolation";
const NO_COMMAND = "No equivalent command: the image was edited here, or the path of the model is private";

/**
 * Return the buttons for what `player` shows. `name()` names the files; `url()` returns a URL that reproduces the
 * samples, `url` is null where there is none.
 */
export function outputActions(player, { url, name, notify }) {
  const button = (text, onclick) => h("button", { type: "button", disabled: true, onclick }, text);
  let command = null;
  const copyText = async (what, text) => notify((await copy(text)) ? `${what} copied.` : `${what}: ${text}`);
  /** Save the animation; progress is on the button, because a live region would announce every frame. */
  async function animate({ currentTarget: pressed }) {
    const canvases = player.frameCanvases();
    pressed.disabled = true;
    notify("Encoding the animation…");
    try {
      await saveAnimation(canvases, `${name()}-film`, (done) => (pressed.textContent = `Frame ${done} of ${canvases.length}`));
      notify("The animation is saved.");
    } finally {
      pressed.textContent = "Animation";
      pressed.disabled = false;
    }
  }
  const buttons = [
    button("PNG", () => savePng(player.canvas, name())),
    button("Animation", animate),
    button("Copy link", () => copyText("Link", url())),
    button("Copy command", () => copyText("Command", command)),
  ];
  const line = h("code", {});
  return {
    element: h("div", { class: "stack" }, h("div", { class: "row" }, buttons), h("p", { class: "caption" }, line)),
    /** Enable the buttons for finished samples; `reproducedBy` is their command or null. */
    enable(reproducedBy) {
      command = reproducedBy;
      buttons.forEach((each) => (each.disabled = false));
      setAvailable(buttons[2], url, NO_URL);
      setAvailable(buttons[3], command, NO_COMMAND);
      line.textContent = command ?? "";
    },
    disable: () => buttons.forEach((each) => (each.disabled = true)),
  };
}

/** Enable or disable a button, with the reason as its tooltip. */
function setAvailable(button, isAvailable, reason) {
  button.disabled = !isAvailable;
  button.title = isAvailable ? "" : reason;
}
