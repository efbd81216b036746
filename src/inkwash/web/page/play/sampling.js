/** Trajectories of particles in the plane, with the field of arrows at every level. */

import { guided, network, withLabels } from "../math/denoisers.js";
import { exactDenoiser } from "../math/exact.js";
import { fieldGrid } from "../math/grid.js";
import { CLEAN } from "../math/levels.js";
import { Mlp } from "../math/mlp.js";
import { SAMPLE, normals } from "../math/noise.js";
import { frames } from "../math/samplers.js";
import { build } from "../math/schedules.js";
import { SCHEDULE, STD, TARGET } from "../math/training.js";

const FULL_NOISE = { alpha: 0, sigma: 1 };
/** Arrows along one axis. */
const SIDE = 16;

/** Return the denoiser of (x, level, labels): that of a network with `parameters`, or the exact one of the points where null. */
export function denoiserOf({ points, labels }, parameters = null) {
  if (!parameters) return exactDenoiser(points, 2, labels);
  const net = new Mlp();
  net.parameters.set(parameters);
  return network(async (x, cNoise, given) => net.predict(x, cNoise, given), TARGET, STD);
}

/** Return the start noise, and the fresh noises, of `count` particles. */
export const particleNoise = (count, seed) => (counter) => normals(seed, counter, SAMPLE, 2 * count);

/**
 * Resolve to { levels, frames: [x …], fields } of `count` particles. `label` is the class, -1 for any; `fields` holds for
 * every level the ends of arrows from the points of a grid along the score: alpha D(x) of the guided denoiser, and of both
 * classes where `label` is given.
 */
export async function trajectories(denoise, { sampler, steps, guidance, label, count, seed }) {
  const levels = build(SCHEDULE).levels(steps);
  const conditional = guided(denoise, guidance, [CLEAN, FULL_NOISE]);
  const labelled = (which, size) => withLabels(which < 0 ? denoise : conditional, which < 0 ? null : new Int8Array(size).fill(which));
  const found = [], fields = [], grid = fieldGrid(SIDE);
  for await (const frame of frames(labelled(label, count), levels, sampler, particleNoise(count, seed))) {
    found.push(frame.x);
    if (frame.level === CLEAN) continue;
    const along = async (denoiser) => (await denoiser(grid, frame.level)).map((value) => frame.level.alpha * value);
    const field = { guided: await along(labelled(label, grid.length / 2)) };
    if (label >= 0) field.classes = [await along(withLabels(denoise, new Int8Array(grid.length / 2))), await along(withLabels(denoise, new Int8Array(grid.length / 2).fill(1)))];
    fields.push(field);
  }
  return { levels, frames: found, fields };
}
