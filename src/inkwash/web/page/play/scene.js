/** One moment of the trajectories: density, arrows along the score, trails and particles. */

import { density } from "../math/exact.js";
import { fieldGrid } from "../math/grid.js";
import { h } from "../parts/element.js";
import { paintField, paintPoints, pixelOf, plane, POINTS } from "../parts/painting.js";

const SIDE = 56, TRAILS = 30;
/** The most steps of a trail: older ones of the SDE would cover the particles. */
const TRAIL_STEPS = 6;
const GRID = fieldGrid(SIDE);
const CLASS_COLOURS = ["#5e9fd0", "#d98f4e"];

/** Return a canvas [SIDE, SIDE] with the density of the noised data at a level, brighter where it is higher. */
export function densityImage(points, level) {
  const canvas = h("canvas", { width: SIDE, height: SIDE }), context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE), values = density(points, GRID, level), largest = Math.max(...values, 1e-9);
  values.forEach((value, at) => {
    const brightness = Math.sqrt(value / largest), to = 4 * ((SIDE - 1 - Math.floor(at / SIDE)) * SIDE + (at % SIDE));
    image.data.set([14 + 40 * brightness, 18 + 70 * brightness, 24 + 105 * brightness, 255], to);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Paint frame `index` of a trajectory { frames, fields }; `shown` holds density (a canvas or null), arrows, trails, and the
 * `label` that the particles are sampled with.
 */
export function paintScene(canvas, { frames, fields }, index, { density: image, arrows, trails, label }) {
  const context = plane(canvas);
  if (image) context.drawImage(image, 0, 0, POINTS, POINTS);
  const field = fields[Math.min(index, fields.length - 1)];
  if (arrows && field) {
    field.classes?.forEach((each, which) => paintField(context, each, CLASS_COLOURS[which]));
    paintField(context, field.guided, field.classes ? "#f3f3f3" : "#93a1ae");
  }
  if (trails) paintTrails(context, frames, index);
  paintPoints(context, frames[index], label < 0 ? null : new Int8Array(frames[index].length / 2).fill(label), { alpha: 0.9 });
}

function paintTrails(context, frames, index) {
  Object.assign(context, { strokeStyle: "#e8e5dd88", lineWidth: 1.2 });
  context.beginPath();
  for (let k = 0; k < TRAILS; k++)
    for (let at = Math.max(0, index - TRAIL_STEPS); at <= index; at++) {
      const [x, y] = pixelOf(frames[at][2 * k], frames[at][2 * k + 1]);
      if (at > Math.max(0, index - TRAIL_STEPS)) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
  context.stroke();
}
