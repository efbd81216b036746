/** One of several images in a dialog as large as the window; arrow keys, Home and End show the others. */

import { h } from "./element.js";

/**
 * Open the dialog with the image `at` of `count`: `caption(at)` is its heading, `picture(at)` its element, and `actions(at)`
 * are pairs of the text of a button and a function, which is called when the dialog has closed. `beside`, { text, make },
 * is a button whose `make(at)` resolves to an element that is shown beside the image.
 */
export function showImages({ count, at: first, caption, picture, actions = () => [], beside = null }) {
  let at = first;
  const heading = h("h2", { id: "image-caption", "aria-live": "polite" });
  const images = h("div", { class: "images" }), buttons = h("div", { class: "row" });
  const turn = (label, sign, by) => h("button", { type: "button", "aria-label": label, onclick: () => show(at + by) }, sign);
  const others = count > 1 && h("div", { class: "row" }, turn("previous image", "◂", -1), turn("next image", "▸", 1));
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = h(
    "dialog",
    { class: "large", "aria-labelledby": "image-caption", onclose: () => dialog.remove(), onkeydown: press, onclick: leave },
    h("div", { class: "stack" }, h("div", { class: "title" }, heading, close), images, h("div", { class: "row spread" }, others, buttons)),
  );

  /** Show the image `to`, counted around the ends. */
  function show(to) {
    at = (to + count) % count;
    heading.textContent = caption(at);
    images.replaceChildren(picture(at));
    buttons.replaceChildren(...actions(at).map(([text, run]) => h("button", { type: "button", onclick: () => finish(run) }, text)), ...(beside ? [compare()] : []));
  }
  function finish(run) {
    dialog.close();
    run();
  }
  /** Return the button for what is shown beside the image; it stays enabled, because it has the focus. */
  function compare() {
    const shown = images.firstChild;
    let isRequested = false;
    const request = async () => {
      if (isRequested) return;
      isRequested = true;
      const made = await beside.make(at);
      if (shown === images.firstChild) images.append(made);
    };
    return h("button", { type: "button", onclick: request }, beside.text);
  }
  function press(event) {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(to);
  }
  /** A click beside the dialog, on its backdrop, closes it. */
  function leave(event) {
    if (event.target === dialog) dialog.close();
  }

  show(at);
  document.body.append(dialog);
  dialog.showModal();
}
