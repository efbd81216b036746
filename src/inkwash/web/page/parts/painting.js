/** Images and points on a canvas, one canvas pixel for each image pixel; CSS enlarges them without interpolation. */

const POINTS = 320;
export const WINDOW = 2.5;

/** Return the columns of a grid of `count` images: about a square; with `classes` in turn, a multiple of their number. */
export function columnsFor(count, classes = 1) {
  if (classes <= 1) return Math.ceil(Math.sqrt(count));
  return Math.min(count, classes * Math.max(1, Math.round(Math.sqrt(1.5 * count) / classes)));
}

/** Set the size of a canvas; CSS limits its displayed size by these two properties. */
function size(canvas, width, height) {
  if (canvas.width === width && canvas.height === height && canvas.style.getPropertyValue("--across")) return;
  Object.assign(canvas, { width, height });
  canvas.style.setProperty("--across", width);
  canvas.style.setProperty("--down", height);
}

/**
 * Paint `values` of examples of `shape` [C, H, W] (uint8) in rows of `columns`; null in `order` leaves a gap.
 * Points [D] are painted as a scatter plot, coloured by `labels`.
 */
export function paint(canvas, values, shape, { columns = null, order = null, labels = null, gap = 1 } = {}) {
  if (shape.length === 1) return scatter(canvas, values, labels);
  const [channels, height, width] = shape;
  const each = channels * height * width;
  const places = order ?? Array.from({ length: values.length / each }, (_, at) => at);
  columns ??= columnsFor(places.length);
  const rows = Math.ceil(places.length / columns);
  size(canvas, columns * (width + gap) - gap, rows * (height + gap) - gap);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  new Uint32Array(image.data.buffer).fill(0xff000000);
  places.forEach((which, index) => {
    if (which === null) return;
    const left = (index % columns) * (width + gap), top = Math.floor(index / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = which * each + y * width + x, to = ((top + y) * canvas.width + left + x) * 4;
        for (let c = 0; c < 3; c++) image.data[to + c] = values[from + (channels === 1 ? 0 : c) * height * width];
      }
    }
  });
  context.putImageData(image, 0, 0);
}

/** Paint points of the plane; a `field`, the denoised points of a grid, is painted as lines from the grid towards them. */
export function scatter(canvas, values, labels = null, field = null) {
  size(canvas, POINTS, POINTS);
  const context = canvas.getContext("2d");
  context.fillStyle = "#0c0e11";
  context.fillRect(0, 0, POINTS, POINTS);
  const at = (value) => ((value + WINDOW) / (2 * WINDOW)) * POINTS;
  if (field) paintField(context, field, at);
  const colours = ["#9fc9ea", "#f0b27a", "#a9d9b0", "#e8a6c8"];
  for (let i = 0; i < values.length; i += 2) {
    context.fillStyle = colours[labels ? Math.max(0, labels[i / 2]) % colours.length : 0];
    context.fillRect(at(values[i]) - 1.5, POINTS - at(values[i + 1]) - 1.5, 3, 3);
  }
}

function paintField(context, field, at) {
  const perSide = Math.round(Math.sqrt(field.length / 2));
  context.strokeStyle = "#4d5a66";
  context.beginPath();
  for (let i = 0; i < perSide * perSide; i++) {
    const x = -WINDOW + (2 * WINDOW * (i % perSide)) / (perSide - 1);
    const y = -WINDOW + (2 * WINDOW * Math.floor(i / perSide)) / (perSide - 1);
    const offset = [field[2 * i] - x, field[2 * i + 1] - y];
    // A third of the way and at most one grid cell, so that lines do not overlap.
    const scale = Math.min(1 / 3, (2 * WINDOW) / perSide / (Math.hypot(...offset) + 1e-9));
    const end = [x + offset[0] * scale, y + offset[1] * scale];
    context.moveTo(at(x), POINTS - at(y));
    context.lineTo(at(end[0]), POINTS - at(end[1]));
    context.rect(at(x) - 0.5, POINTS - at(y) - 0.5, 1, 1);
  }
  context.stroke();
}
