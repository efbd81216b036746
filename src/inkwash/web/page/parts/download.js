/** Files and text that leave the page: PNG, animated PNG, the clipboard. */

import { h } from "./element.js";
import { png } from "./png.js";

/** Save a canvas as a PNG with `metadata`, enlarged by nearest-neighbour interpolation. */
export async function savePng(canvas, name, scale = 4, metadata = null) {
  save(await png([enlarged(canvas, scale)], { metadata }), name);
}

/**
 * Save canvases as the frames of an animated PNG. `onprogress` receives the number of encoded frames; `seconds` is the
 * duration without the last frame, which is shown for `hold` seconds.
 */
export async function saveAnimation(canvases, name, onprogress, { seconds = 4, hold = 1.5, scale = 3 } = {}) {
  const each = Math.max(0.02, Math.min(0.5, seconds / canvases.length));
  const delays = canvases.map((_, at) => Math.round(1000 * (at === canvases.length - 1 ? hold : each)));
  save(await png(canvases.map((canvas) => enlarged(canvas, scale)), { delays, onprogress }), name);
}

/** Write text to the clipboard; resolves to whether the browser permitted it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function save(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  h("a", { href: url, download: `${name}.png` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Return the pixels of a canvas, each as a square of `scale` by `scale`. */
function enlarged(canvas, scale) {
  const copy = h("canvas", { width: canvas.width * scale, height: canvas.height * scale });
  const context = copy.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, copy.width, copy.height);
  return context.getImageData(0, 0, copy.width, copy.height);
}
