/** Denoisers, as in inkwash/core: (x, level, labels) resolves to the denoised batch; wrappers are denoisers themselves. */

import { cNoise, combine, imageOf } from "./levels.js";

/** A network that predicts `target`: scale x to unit variance, predict, solve for the image; `net(x, cNoise, labels)`. */
export const network = (net, target, std) => async (x, level, labels) => {
  const scale = 1 / Math.sqrt((level.alpha * std) ** 2 + level.sigma ** 2);
  return imageOf(target, level, std, x, await net(x.map((value) => scale * value), cNoise(level), labels));
};

/** The denoised image clamped to the range of pixels. */
export const clipped = (denoise) => async (x, level, labels) =>
  (await denoise(x, level, labels)).map((value) => Math.min(1, Math.max(-1, value)));

/**
 * Classifier-free guidance, uncond + weight (cond - uncond) (Ho & Salimans, 2022), between two levels (Kynkäänniemi et al.,
 * 2024); `unconditional` is called without labels.
 */
export const guided = (denoise, weight, [cleanest, noisiest], unconditional = denoise) => async (x, level, labels) => {
  const now = cNoise(level);
  if (!labels || weight === 1 || now < cNoise(cleanest) || now > cNoise(noisiest)) return denoise(x, level, labels);
  const without = await unconditional(x, level, null);
  return combine(1 - weight, without, weight, await denoise(x, level, labels));
};

/** The denoised images with the pixels of `known` where `keep` is true; both hold one image. */
export const inpainted = (denoise, known, keep) => async (x, level, labels) =>
  (await denoise(x, level, labels)).map((value, at) => (keep[at % keep.length] ? known[at % known.length] : value));

/** A denoiser with fixed labels. */
export const withLabels = (denoise, labels) => (x, level) => denoise(x, level, labels);

/** The weighted mean of two denoisers; `weights` holds the weight of the second for each image. */
export const weightedPair = (first, second, weights) => async (x, level, labels) => {
  const [a, b] = [await first(x, level, labels), await second(x, level, labels)];
  const size = a.length / weights.length;
  return a.map((value, at) => value + weights[Math.floor(at / size)] * (b[at] - value));
};
