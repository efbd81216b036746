/** Training of a small denoiser of points by Adam (Kingma & Ba, 2015), a generator of its steps. */

import { TARGETS, cNoise } from "./levels.js";
import { Mlp, features } from "./mlp.js";
import { normals, uniforms } from "./noise.js";
import { build } from "./schedules.js";

export const SCHEDULE = { kind: "cosine" };
export const TARGET = "v";
/** The standard deviation of the data that the input is scaled by. */
export const STD = 1;
/** The streams of random numbers of training; those of sampling are 0 and 1. */
const NOISE = 102, CHOICE = 103;
const RATE = 4e-3, BETAS = [0.9, 0.99], EPSILON = 1e-8, EMA_DECAY = 0.995, LABEL_DROPOUT = 0.2;

/**
 * Yield { step, loss, parameters } of `steps` steps on points `data` [N * 2] with `labels` [N]; `parameters` are the EMA of
 * the weights. The same seed gives the same weights.
 */
export function* train(data, labels, { steps = 1500, batch = 128, seed = 0 } = {}) {
  const net = new Mlp(seed), size = net.parameters.length, schedule = build(SCHEDULE), count = data.length / 2;
  const [first, second, ema] = [new Float32Array(size), new Float32Array(size), net.parameters.slice()];
  for (let step = 1; step <= steps; step++) {
    const { input, target } = noisedBatch(data, labels, count, schedule, batch, seed, step);
    const loss = net.backward(input, target), rate = RATE * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    const [scale1, scale2] = BETAS.map((beta) => 1 - beta ** step), decay = Math.min(EMA_DECAY, step / (step + 10));
    for (let i = 0; i < size; i++) {
      const g = net.gradient[i];
      first[i] += (1 - BETAS[0]) * (g - first[i]);
      second[i] += (1 - BETAS[1]) * (g * g - second[i]);
      net.parameters[i] -= (rate * (first[i] / scale1)) / (Math.sqrt(second[i] / scale2) + EPSILON);
      ema[i] += (1 - decay) * (net.parameters[i] - ema[i]);
    }
    yield { step, loss, parameters: ema };
  }
}

/** Return the inputs and the targets of one batch; levels are stratified over u. */
function noisedBatch(data, labels, count, schedule, batch, seed, step) {
  const drawn = uniforms(seed, step, CHOICE, 3 * batch), noise = normals(seed, step, NOISE, 2 * batch);
  const x = new Float32Array(2 * batch), target = new Float32Array(2 * batch), codes = new Float32Array(batch), classes = new Int8Array(batch);
  for (let n = 0; n < batch; n++) {
    const k = Math.floor(drawn[3 * n] * count), level = schedule.level((n + drawn[3 * n + 1]) / batch);
    const [p, q] = TARGETS[TARGET](level, STD), scale = 1 / Math.hypot(level.alpha * STD, level.sigma);
    codes[n] = cNoise(level);
    classes[n] = drawn[3 * n + 2] < LABEL_DROPOUT ? -1 : labels[k];
    for (let i = 0; i < 2; i++) {
      const image = data[2 * k + i], e = noise[2 * n + i];
      x[2 * n + i] = scale * (level.alpha * image + level.sigma * e);
      target[2 * n + i] = p * image + q * e;
    }
  }
  return { input: features(x, codes, classes), target };
}
