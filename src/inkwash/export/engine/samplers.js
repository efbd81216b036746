/**
 * The sampling loop, an async generator, and the table of samplers (inkwash/core/samplers.py).
 *
 * A sampler is two functions: how the denoised image is refined before the step, and which fraction of the noise is fresh.
 */

import { CLEAN, combine, imageIn, logSnr, mix, noiseIn } from "./levels.js";

const LARGEST_LOG_SNR = 20;

/** The length of a step in half log-SNR. */
const stride = (before, after) => (logSnr(after) - logSnr(before)) / 2;

const plain = async (denoise, x, denoised) => denoised;

/** Heun: the image whose noise is the mean of the noise predicted at both ends (Karras et al. 2022, alg. 1). */
async function averageEnds(denoise, x, denoised, now, next) {
  const noise = noiseIn(now, x, denoised);
  const ahead = mix(next, denoised, noise);
  const noiseAhead = noiseIn(next, ahead, await denoise(ahead, next));
  return imageIn(now, x, combine(0.5, noise, 0.5, noiseAhead));
}

/** The denoised image extrapolated half a step along the line through it and the previous one (Lu et al. 2022, DPM++ 2M). */
async function extrapolateLine(denoise, x, denoised, now, next, past) {
  if (!past.length) return denoised;
  const last = past[past.length - 1];
  const half = stride(now, next) / stride(last.level, now) / 2;
  return combine(1 + half, denoised, -half, last.image);
}

/** The mean over the step of the parabola through the denoised image and the previous two (Lu et al. 2022, third order). */
async function extrapolateParabola(denoise, x, denoised, now, next, past) {
  if (past.length < 2) return extrapolateLine(denoise, x, denoised, now, next, past);
  const [older, old] = past;
  const h = stride(now, next), h1 = stride(old.level, now), h2 = stride(older.level, old.level);
  const slope = combine(1 / h1, denoised, -1 / h1, old.image);
  const bend = combine(1 / (h1 + h2), slope, -1 / (h1 + h2), combine(1 / h2, old.image, -1 / h2, older.image));
  const weight = -Math.expm1(-h);
  const meanT = h / weight - 1;
  const meanTT = (h * (h - 2)) / weight + 2;
  return combine(1, combine(1, denoised, meanT, slope), meanTT + meanT * h1, bend);
}

/** The noise-to-image ratio after the step, divided by that before it. */
const noiseRatio = (now, next) => (now.alpha * next.sigma) / (next.alpha * now.sigma);
const none = () => 0;
const posterior = (now, next, eta) => eta ** 2 * (1 - noiseRatio(now, next) ** 2);
const sde = (now, next, eta) => 1 - noiseRatio(now, next) ** (2 * eta);
const fullRenoise = () => 1;

/** The two functions of each sampler, its network evaluations per step, its default eta and the largest one. */
export const SAMPLERS = {
  ddpm: { refine: plain, freshFraction: posterior, evaluations: 1, eta: 1 },
  ddim: { refine: plain, freshFraction: posterior, evaluations: 1, eta: 0, maxEta: 1 },
  euler: { refine: plain, freshFraction: none, evaluations: 1 },
  heun: { refine: averageEnds, freshFraction: none, evaluations: 2 },
  "dpm++2m": { refine: extrapolateLine, freshFraction: none, evaluations: 1 },
  "dpm++2m-sde": { refine: extrapolateLine, freshFraction: sde, evaluations: 1, eta: 1, maxEta: Infinity },
  "dpm++3m": { refine: extrapolateParabola, freshFraction: none, evaluations: 1 },
  consistency: { refine: plain, freshFraction: fullRenoise, evaluations: 1 },
};

/** Return the network evaluations for one image without guidance. */
export function evaluations(levels, kind) {
  const refined = levels.slice(0, -1).filter((now, at) => steady(now, levels[at + 1])).length;
  return levels.length - 1 + refined * (SAMPLERS[kind].evaluations - 1);
}

const steady = (now, next) => next !== CLEAN && Math.abs(logSnr(now)) <= LARGEST_LOG_SNR;

/**
 * Yield { step, level, x, denoised } from the noisiest of `levels` to CLEAN, their last; the last x is the sample.
 *
 * `denoise(x, level)` resolves to the denoised batch, `noise(k)` returns the k-th noise; `start` is the batch of images
 * that is noised to the first level, null for noise alone.
 */
export async function* frames(denoise, levels, kind, noise, { eta = null, temperature = 1, start = null } = {}) {
  const row = SAMPLERS[kind];
  const first = noise(0);
  let x = mix(levels[0], start ?? new Float32Array(first.length), first);
  let past = [];
  for (let step = 1; step < levels.length; step++) {
    const [now, next] = [levels[step - 1], levels[step]];
    const denoised = await denoise(x, now);
    yield { step, level: now, x, denoised };
    const refined = steady(now, next);
    const image = refined ? await row.refine(denoise, x, denoised, now, next, past) : denoised;
    past = refined ? [...past.slice(-1), { level: now, image: denoised }] : [];
    if (next === CLEAN) {
      x = denoised;
      continue;
    }
    const freshFraction = row.freshFraction(now, next, eta ?? row.eta);
    let old = noiseIn(now, x, image);
    if (freshFraction !== 0) old = combine(Math.sqrt(1 - freshFraction), old, Math.sqrt(freshFraction) * temperature, noise(step));
    x = mix(next, image, old);
  }
  yield { step: levels.length, level: CLEAN, x, denoised: x };
}
