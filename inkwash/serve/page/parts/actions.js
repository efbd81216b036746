/** What can be done with what was drawn: keep it as PNG or animation, copy its address or its command. */

import { of } from "./element.js";
import { copy, saveAnimation, savePng } from "./keep.js";

/**
 * Return buttons for what `player` shows; `name` names the files, `address` gives a link that draws it again, null where
 * an address cannot hold what it takes.
 */
export function actions(player, { address, name, say }) {
  const button = (text, go) => of("button", { type: "button", disabled: true, onclick: go }, text);
  let command = null;
  const told = async (what, text) => say((await copy(text)) ? `${what} copied.` : `${what}: ${text}`);
  const made = [
    button("PNG", () => savePng(player.canvas, name())),
    button("Animation", async () => {
      say("Making the animation…");
      await saveAnimation(player.film(), `${name()}-film`);
      say("");
    }),
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
      made[2].disabled = !address;
      made[3].disabled = !said;
      line.textContent = said ?? "";
    },
    wait: () => made.forEach((each) => (each.disabled = true)),
  };
}
