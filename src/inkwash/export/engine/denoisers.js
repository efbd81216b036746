/** Denoisers, as in inkwash/core: (x, level, label) resolves to the predicted image; wrappers are denoisers themselves. */

import { code, combine, imageOf } from "./levels.js";

/** A network that is asked for `target`: scale the input, tell the level's code, solve. `net(x, code, label)` resolves to what it says. */
export const network = (net, target, std) => async (x, level, label) => {
  const scale = 1 / Math.sqrt((level.alpha * std) ** 2 + level.sigma ** 2);
  return imageOf(target, level, std, x, await net(x.map((value) => scale * value), code(level), label));
};

/** The image clamped to the range of pixels. */
export const clipped = (denoise) => async (x, level, label) =>
  (await denoise(x, level, label)).map((value) => Math.min(1, Math.max(-1, value)));

/** uncond + weight (cond - uncond) between two levels (Ho & Salimans 2022); `none` predicts without a label. */
export const guided = (denoise, weight, [cleanest, noisiest], none = denoise) => async (x, level, label) => {
  const now = code(level);
  if (!label || weight === 1 || now < code(cleanest) || now > code(noisiest)) return denoise(x, level, label);
  const without = await none(x, level, null);
  return combine(1 - weight, without, weight, await denoise(x, level, label));
};

/** The part of `known` where `kept` is true put back into every prediction of a batch. */
export const inpainted = (denoise, known, kept) => async (x, level, label) => {
  const denoised = await denoise(x, level, label);
  return denoised.map((value, at) => (kept[at % kept.length] ? known[at % known.length] : value));
};

/** A denoiser with fixed labels. */
export const labelled = (denoise, labels) => (x, level) => denoise(x, level, labels);

/** The weighted mean of the predictions of two denoisers; `turns` holds the weight of the second for each example. */
export const between = (first, second, turns) => async (x, level, label) => {
  const [near, far] = [await first(x, level, label), await second(x, level, label)];
  const size = near.length / turns.length;
  return near.map((value, at) => value + turns[Math.floor(at / size)] * (far[at] - value));
};

