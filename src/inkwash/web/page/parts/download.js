/** What people take away: a PNG, an animation, a line of text. */

import { of } from "./element.js";
import { png } from "./png.js";

/** Save a canvas as a PNG, enlarged without blur. */
export async function savePng(canvas, name, scale = 4) {
  save(await png([enlarged(canvas, scale)]), name);
}

/**
 * Save canvases one after the other as an animated PNG; `hold` is how long the last one stays, in seconds; `told` is told
 * how many are done.
 */
export async function saveAnimation(canvases, name, told, { seconds = 4, hold = 1.5, scale = 3 } = {}) {
  const each = Math.max(0.02, Math.min(0.5, seconds / canvases.length));
  const delays = canvases.map((_, at) => Math.round(1000 * (at === canvases.length - 1 ? hold : each)));
  save(await png(canvases.map((canvas) => enlarged(canvas, scale)), delays, told), name);
}

/** Put text where it can be pasted from; resolves to whether that was allowed. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function save(bytes, name) {
  const address = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  of("a", { href: address, download: `${name}.png` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Return the pixels of a canvas, each as a square of `scale` by `scale`. */
function enlarged(canvas, scale) {
  const made = of("canvas", { width: canvas.width * scale, height: canvas.height * scale });
  const context = made.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, made.width, made.height);
  return context.getImageData(0, 0, made.width, made.height);
}
