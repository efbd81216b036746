/** Images on a canvas, one canvas pixel for each image pixel, which CSS enlarges without interpolation; and points. */

import { WINDOW } from "../math/grid.js";

/** Pixels along the side of a scatter plot: twice those of CSS, for sharp edges. */
export const POINTS = 640;
const RADIUS = 3.2;
const MASK_COLOUR = [190, 110, 40];
const MASK_OPACITY = 0.55;
const COLOURS = ["#9fc9ea", "#f0b27a", "#a9d9b0", "#e8a6c8"];

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

/** Return the index of the image below a pointer event on a canvas that `paint` painted with these options; null where there is none. */
export function imageAt(canvas, { offsetX, offsetY }, [, height, width], count, { columns = null, order = null, gap = 1 } = {}) {
  const places = order ?? Array.from({ length: count }, (_, at) => at), across = columns ?? columnsFor(places.length);
  const scale = canvas.width / canvas.clientWidth;
  const column = Math.min(across - 1, Math.floor((offsetX * scale) / (width + gap))), row = Math.floor((offsetY * scale) / (height + gap));
  return places[row * across + column] ?? null;
}

/** Paint the pixels of an InkLayer with its mask, and a cursor { at, colour } or null. */
export function paintDrawing(canvas, { channels, height, width, pixels, mask }, cursor) {
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    const opacity = mask[at] ? MASK_OPACITY : 0;
    for (let c = 0; c < 3; c++) {
      const value = pixels[(channels === 1 ? 0 : c) * width * height + at];
      image.data[4 * at + c] = value * (1 - opacity) + MASK_COLOUR[c] * opacity;
    }
    image.data[4 * at + 3] = 255;
  }
  if (cursor) image.data.set(cursor.colour, 4 * (Math.floor(cursor.at[1]) * width + Math.floor(cursor.at[0])));
  context.putImageData(image, 0, 0);
}

/** Return the pixel [x, y] of a point of the plane. */
export const pixelOf = (x, y) => [((x + WINDOW) / (2 * WINDOW)) * POINTS, POINTS - ((y + WINDOW) / (2 * WINDOW)) * POINTS];

/** Clear a canvas for points of the plane, and return its context. */
export function plane(canvas) {
  size(canvas, POINTS, POINTS);
  canvas.classList.add("plane");
  const context = canvas.getContext("2d");
  context.fillStyle = "#0c0e11";
  context.fillRect(0, 0, POINTS, POINTS);
  return context;
}

/** Paint points of the plane; a `field`, the denoised points of a grid, is painted as arrows from the grid towards them. */
export function scatter(canvas, values, labels = null, field = null) {
  const context = plane(canvas);
  if (field) paintField(context, field);
  paintPoints(context, values, labels);
}

export function paintPoints(context, values, labels = null, { radius = RADIUS, alpha = 1 } = {}) {
  context.globalAlpha = alpha;
  for (let i = 0; i < values.length; i += 2) {
    context.fillStyle = COLOURS[labels ? Math.max(0, labels[i / 2]) % COLOURS.length : 0];
    context.beginPath();
    context.arc(...pixelOf(values[i], values[i + 1]), radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Paint arrows from the points of a grid towards those of `field`, at most one grid cell long. */
export function paintField(context, field, colour = "#71808f") {
  const perSide = Math.round(Math.sqrt(field.length / 2)), cell = (2 * WINDOW) / (perSide - 1);
  Object.assign(context, { strokeStyle: colour, lineWidth: 1.6 });
  context.beginPath();
  for (let i = 0; i < perSide * perSide; i++) {
    const x = -WINDOW + cell * (i % perSide), y = -WINDOW + cell * Math.floor(i / perSide);
    const offset = [field[2 * i] - x, field[2 * i + 1] - y];
    const scale = Math.min(1 / 3, (0.9 * cell) / (Math.hypot(...offset) + 1e-9));
    arrow(context, pixelOf(x, y), pixelOf(x + offset[0] * scale, y + offset[1] * scale));
  }
  context.stroke();
}

/** Add an arrow between two pixels to the path; its head is a third of its length. */
function arrow(context, from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]], length = Math.hypot(dx, dy);
  context.moveTo(...from);
  context.lineTo(...to);
  if (length < 2) return;
  const head = Math.min(9, length / 2.5) / length;
  for (const turn of [-0.5, 0.5]) {
    const [cos, sin] = [Math.cos(turn) * head, Math.sin(turn) * head];
    context.moveTo(...to);
    context.lineTo(to[0] - dx * cos + dy * sin, to[1] - dy * cos - dx * sin);
  }
}
