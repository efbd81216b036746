/** Image files that are chosen or dropped: made like the images of MNIST where they can be, or taken as they are. */

import { centred } from "./centring.js";
import { checkbox } from "./fields.js";
import { h } from "./element.js";
import { backgroundOf, bitmapOf, greyOf, squareOf } from "./image_file.js";

const DESCRIPTION = { dark: "light on dark", light: "dark on light" };

/**
 * Return { element, drop }: `set(pixels)` receives the pixels of a file; `shape` is { channels, height, width } of the
 * model's images, `expected` their background or null, `isMnist` whether they are centred as those of MNIST. `drop` are
 * handlers for an element on which files are dropped.
 */
export function imageUpload({ shape, expected, isMnist, notify, set }) {
  const canCentre = shape.channels === 1 && shape.height === shape.width && expected === "dark";
  const centring = checkbox("Scale and centre its ink like MNIST", isMnist);
  const field = h("input", { type: "file", accept: "image/*", class: "file", onchange: () => load(field.files[0]) });
  let last = null;
  centring.input.addEventListener("change", () => last && load(last));

  async function load(file) {
    if (!file) return;
    notify("");
    try {
      const { pixels, notes } = pixelsOf(file.name, await bitmapOf(file));
      last = file;
      set(pixels);
      if (notes.length) notify(notes.join(" "));
    } catch (error) {
      // The name of a file that was not loaded must not stay in the field.
      field.value = "";
      notify(error.message, true);
    }
  }

  function pixelsOf(name, bitmap) {
    const image = canCentre && centring.get() ? greyOf(bitmap) : null, found = image && centred(image.grey, image, shape.width);
    if (found) {
      const inverted = found.background === expected ? "" : "inverted, ";
      return { pixels: found.pixels, notes: [`${name} was ${inverted}scaled and centred like the images of MNIST: clear the box to take it as it is.`] };
    }
    const { pixels, cropped } = squareOf(bitmap, shape), background = backgroundOf(pixels, shape), notes = [];
    if (cropped) notes.push(`${name} is cropped to its central square.`);
    if (expected && background && background !== expected)
      notes.push(`${name} is ${DESCRIPTION[background]}, the images of the model are ${DESCRIPTION[expected]}: press Invert.`);
    return { pixels, notes };
  }

  return {
    element: h("div", { class: "stack" }, h("label", { class: "field" }, "or load an image, or drop one on the drawing", field), canCentre && centring.element),
    drop: {
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => {
        event.preventDefault();
        load(event.dataTransfer.files[0]);
      },
    },
  };
}
