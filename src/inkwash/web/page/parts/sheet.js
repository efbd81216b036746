/** Samples as the file that `inkwash sample` writes: a grid of images with the request that reproduces it in its metadata. */

import { png } from "./png.js";

/** Pixels around each image, and their grey level, as in inkwash/viz. */
const GAP = 2, BACKGROUND = 250;

/**
 * Return the PNG file of `values`, uint8 examples of `shape` [C, H, W]. `metadata` are those of the server, `source` is the
 * name of the model on the command line.
 */
export function sheetFile(values, shape, { columns, scale, metadata, source }) {
  const picture = { kind: "grid", scale, columns }, request = { ...metadata.request, model: source };
  return png([sheet(values, shape, columns, scale)], { isGrey: shape[0] === 1, metadata: { ...metadata, request, picture } });
}

/** Return { width, height, data } of the grid, RGBA. */
function sheet(values, [channels, height, width], columns, scale) {
  const size = channels * height * width, count = values.length / size, gap = count > 1 ? GAP : 0;
  const rows = Math.ceil(count / columns), cell = [width * scale + gap, height * scale + gap];
  const made = { width: Math.min(count, columns) * cell[0] + gap, height: rows * cell[1] + gap };
  made.data = new Uint8ClampedArray(4 * made.width * made.height).fill(BACKGROUND);
  for (let image = 0; image < count; image++) {
    const left = gap + (image % columns) * cell[0], top = gap + Math.floor(image / columns) * cell[1];
    for (let y = 0; y < height * scale; y++)
      for (let x = 0; x < width * scale; x++) {
        const from = image * size + Math.floor(y / scale) * width + Math.floor(x / scale), to = 4 * ((top + y) * made.width + left + x);
        for (let c = 0; c < 3; c++) made.data[to + c] = values[from + (channels === 1 ? 0 : c) * height * width];
      }
  }
  return made;
}
