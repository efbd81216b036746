/**
 * The sampling loop, an async generator, and the table of samplers (inkwash/core/samplers.py).
 *
 * A sampler is two functions: how the denoised image is refined before the step, and which fraction of the noise is fresh.
 */

import { CLEAN, combine, imageIn, logSnr, mix, noiseIn } from "./levels.js";

const MAX_LOG_SNR = 20;

/** The length of a step in half log-SNR. */
const stepSize = (before, after) => (logSnr(after) - logSnr(before)) / 2;

const firstOrder = async (denoise, x, denoised) => denoised;

/** Heun: the image whose noise is the mean of the noise predicted at both ends (Karras et al., 2022, Alg. 1). */
async function heun(denoise, x, denoised, now, next) {
  const noise = noiseIn(now, x, denoised);
  const nextX = mix(next, denoised, noise);
  const nextNoise = noiseIn(next, nextX, await denoise(nextX, next));
  return imageIn(now, x, combine(0.5, noise, 0.5, nextNoise));
}

/** The denoised image extrapolated half a step along the line through it and the previous one (Lu et al., 2022, DPM++ 2M). */
async function multistep2(denoise, x, denoised, now, next, previous) {
  if (!previous.length) return denoised;
  const last = previous[previous.length - 1];
  const half = stepSize(now, next) / stepSize(last.level, now) / 2;
  return combine(1 + half, denoised, -half, last.image);
}

/** The mean over the step of the parabola through the denoised image and the previous two (Lu et al., 2022, third order). */
async function multistep3(denoise, x, denoised, now, next, previous) {
  if (previous.length < 2) return multistep2(denoise, x, denoised, now, next, previous);
  const [beforeLast, last] = previous;
  const h = stepSize(now, next), h1 = stepSize(last.level, now), h2 = stepSize(beforeLast.level, last.level);
  const slope = combine(1 / h1, denoised, -1 / h1, last.image);
  const curvature = combine(1 / (h1 + h2), slope, -1 / (h1 + h2), combine(1 / h2, last.image, -1 / h2, beforeLast.image));
  const weight = -Math.expm1(-h);
  const meanT = h / weight - 1;
  const meanTT = (h * (h - 2)) / weight + 2;
  return combine(1, combine(1, denoised, meanT, slope), meanTT + meanT * h1, curvature);
}

/** The noise-to-image ratio after the step, divided by that before it. */
const noiseRatio = (now, next) => (now.alpha * next.sigma) / (next.alpha * now.sigma);
const noFreshNoise = () => 0;
const posterior = (now, next, eta) => eta ** 2 * (1 - noiseRatio(now, next) ** 2);
const sde = (now, next, eta) => 1 - noiseRatio(now, next) ** (2 * eta);
const fullRenoise = () => 1;

/** The two functions of each sampler, its network evaluations per step, its default eta and the largest one. */
export const SAMPLERS = {
  ddpm: { refine: firstOrder, freshNoiseFraction: posterior, evaluations: 1, eta: 1 },
  ddim: { refine: firstOrder, freshNoiseFraction: posterior, evaluations: 1, eta: 0, maxEta: 1 },
  euler: { refine: firstOrder, freshNoiseFraction: noFreshNoise, evaluations: 1 },
  heun: { refine: heun, freshNoiseFraction: noFreshNoise, evaluations: 2 },
  "dpm++2m": { refine: multistep2, freshNoiseFraction: noFreshNoise, evaluations: 1 },
  "dpm++2m-sde": { refine: multistep2, freshNoiseFraction: sde, evaluations: 1, eta: 1, maxEta: Infinity },
  "dpm++3m": { refine: multistep3, freshNoiseFraction: noFreshNoise, evaluations: 1 },
  consistency: { refine: firstOrder, freshNoiseFraction: fullRenoise, evaluations: 1 },
};

/** Return the network evaluations for one image without guidance. */
export function evaluations(levels, kind) {
  const refined = levels.slice(0, -1).filter((now, at) => canRefine(now, levels[at + 1])).length;
  return levels.length - 1 + refined * (SAMPLERS[kind].evaluations - 1);
}

const canRefine = (now, next) => next !== CLEAN && Math.abs(logSnr(now)) <= MAX_LOG_SNR;

/**
 * Yield { step, level, x, denoised } from the noisiest of `levels` to CLEAN, their last; the last x is the sample.
 *
 * `denoise(x, level)` resolves to the denoised batch, `noise(k)` returns the k-th noise; `start` is the batch of images
 * that is noised to the first level, null for noise alone.
 */
export async function* frames(denoise, levels, kind, noise, { eta = null, temperature = 1, start = null } = {}) {
  const rules = SAMPLERS[kind];
  const first = noise(0);
  let x = mix(levels[0], start ?? new Float32Array(first.length), first);
  let previous = [];
  for (let step = 1; step < levels.length; step++) {
    const [now, next] = [levels[step - 1], levels[step]];
    const denoised = await denoise(x, now);
    yield { step, level: now, x, denoised };
    const refined = canRefine(now, next);
    const image = refined ? await rules.refine(denoise, x, denoised, now, next, previous) : denoised;
    previous = refined ? [...previous.slice(-1), { level: now, image: denoised }] : [];
    if (next === CLEAN) {
      x = denoised;
      continue;
    }
    const freshNoiseFraction = rules.freshNoiseFraction(now, next, eta ?? rules.eta);
    let old = noiseIn(now, x, image);
    if (freshNoiseFraction !== 0) old = combine(Math.sqrt(1 - freshNoiseFraction), old, Math.sqrt(freshNoiseFraction) * temperature, noise(step));
    x = mix(next, image, old);
  }
  yield { step: levels.length, level: CLEAN, x, denoised: x };
}
