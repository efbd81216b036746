/** The grid of the plane on which fields are shown, as in inkwash/web/events.py. */

/** Half the side of the square of the plane that is shown. */
export const WINDOW = 2.5;
const SIDE = 16;

/** Return the points of a grid over the square, row by row from below, Float32Array [side * side * 2]. */
export function fieldGrid(side = SIDE) {
  const at = (k) => -WINDOW + (2 * WINDOW * k) / (side - 1);
  return Float32Array.from({ length: 2 * side * side }, (_, i) => at(i % 2 ? Math.floor(i / 2 / side) : Math.floor(i / 2) % side));
}
