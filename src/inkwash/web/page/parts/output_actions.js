/** What can be done with what was drawn: keep it as PNG or animation, copy its address or its command. */

import { of } from "./element.js";
import { copy, saveAnimation, savePng } from "./download.js";

const NO_LINK = "An edit or a morph does not fit into an address";
const NO_COMMAND = "No command draws this: it began with a picture made here, or the command line has no name for the model";

/**
 * Return buttons for what `player` shows; `name` names the files, `address` gives a link that draws it again, null where
 * an address cannot hold what it takes.
 */
export function actions(player, { address, name, say }) {
  const button = (text, go) => of("button", { type: "button", disabled: true, onclick: go }, text);
  let command = null;
  const told = async (what, text) => say((await copy(text)) ? `${what} copied.` : `${what}: ${text}`);
  /** Keep the film; the button counts, as nobody needs to hear every frame. */
  async function film({ currentTarget: pressed }) {
    const canvases = player.film();
    pressed.disabled = true;
    say("Making the animation…");
    try {
      await saveAnimation(canvases, `${name()}-film`, (done) => (pressed.textContent = `Frame ${done} of ${canvases.length}`));
      say("The animation is made.");
    } finally {
      pressed.textContent = "Animation";
      pressed.disabled = false;
    }
  }
  const made = [
    button("PNG", () => savePng(player.canvas, name())),
    button("Animation", film),
    button("Copy link", () => told("Link", address())),
    button("Copy command", () => told("Command", command)),
  ];
  const line = of("code", {});
  return {
    element: of("div", { class: "stack" }, of("div", { class: "row" }, made), of("p", { class: "caption" }, line)),
    /** There is a picture now, drawn by `said`, a command or null. */
    ready(said) {
      command = said;
      made.forEach((each) => (each.disabled = false));
      withhold(made[2], !address, NO_LINK);
      withhold(made[3], !said, NO_COMMAND);
      line.textContent = said ?? "";
    },
    wait: () => made.forEach((each) => (each.disabled = true)),
  };
}

/** Grey a button out where it cannot be had, and say why. */
function withhold(button, missing, why) {
  button.disabled = missing;
  button.title = missing ? why : "";
}
