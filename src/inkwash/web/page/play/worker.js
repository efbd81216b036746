/**
 * The worker of Play: it trains and samples, so that the page responds meanwhile.
 *
 * { id, train: { points, labels, steps } } is answered by { id, step, loss } and { id, parameters }; { id, sample: { data,
 * parameters, ode, sde, … } } by { id, ode, sde }. A worker that is terminated stops.
 */

import { train } from "../math/training.js";
import { denoiserOf, trajectories } from "./sampling.js";

const REPORT_EVERY = 25;

addEventListener("message", async ({ data: { id, train: training, sample } }) => {
  if (training) {
    let last = null;
    for (last of train(training.points, training.labels, training)) if (last.step % REPORT_EVERY === 0) postMessage({ id, step: last.step, loss: last.loss });
    postMessage({ id, parameters: last.parameters });
  }
  if (sample) {
    const denoise = denoiserOf(sample.data, sample.parameters);
    const [ode, sde] = [await trajectories(denoise, { ...sample, sampler: sample.ode }), await trajectories(denoise, { ...sample, sampler: sample.sde })];
    postMessage({ id, ode, sde });
  }
});
