/** Buttons for finished samples: save as PNG or animation, copy as link, command or Python. */

import { copyActions } from "./copy_actions.js";
import { h } from "./element.js";
import { save, saveAnimation, savePng } from "./download.js";
import { sheetFile } from "./sheet.js";

/** Canvas pixels for each pixel of an image in a file. */
const SCALE = 4;

/**
 * Return the buttons for what `player` shows. `name()` names the files, `url()` returns a URL that restores the view, `source`
 * is the name of the model on the command line: finished samples are saved as the file of `inkwash sample`.
 */
export function outputActions(player, { url, name, notify, linkNote, source = null }) {
  const button = (text, onclick) => h("button", { type: "button", disabled: true, onclick }, text);
  let link = null;
  const copying = copyActions({ url, notify, linkNote });
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
  async function savePicture() {
    const { metadata, shape } = player.info, { columns } = player.layout, page = new URL(link).hash;
    if (!source || !metadata || shape.length === 1 || player.suffix) return savePng(player.canvas, name() + player.suffix, SCALE, { page });
    save(await sheetFile(player.frames.at(-1).x, shape, { columns, scale: SCALE, metadata: { ...metadata, page }, source }), name());
  }
  const buttons = [
    button("PNG", savePicture),
    button("Animation", animate),
  ];
  return {
    element: h("div", { class: "stack" }, h("div", { class: "row" }, buttons, copying.buttons), copying.caption),
    /**
     * Enable the buttons for finished samples; `code` is { command, python } that reproduces them, each may be null, and
     * `sampled` the URL of their request, which a PNG keeps.
     */
    enable(code, sampled = url()) {
      link = sampled;
      buttons.forEach((each) => (each.disabled = false));
      copying.enable(code);
    },
    disable() {
      buttons.forEach((each) => (each.disabled = true));
      copying.disable();
    },
  };
}
