/** Noise levels and prediction targets, as in inkwash/core: x = alpha * image + sigma * noise. */

export const CLEAN = { alpha: 1, sigma: 0 };

/** Return 2 log(alpha / sigma), infinite at the two ends. */
export const logSnr = (level) => 2 * (Math.log(level.alpha) - Math.log(level.sigma));

/** Return c_noise, the noise level as an input of networks: (2/pi) atan(sigma / alpha), 0 clean and 1 pure noise. */
export const cNoise = (level) => Math.atan2(level.sigma, level.alpha) * (2 / Math.PI);

/** Return a * x + b * y of two Float32Arrays. */
export function combine(a, x, b, y) {
  const sum = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) sum[i] = a * x[i] + b * y[i];
  return sum;
}

export const mix = (level, image, noise) => combine(level.alpha, image, level.sigma, noise);
export const noiseIn = (level, x, image) => combine(1 / level.sigma, x, -level.alpha / level.sigma, image);
export const imageIn = (level, x, noise) => combine(1 / level.alpha, x, -level.sigma / level.alpha, noise);

/** Coefficients (p, q) of each target, p * image + q * noise (inkwash/core/targets.py). */
export const TARGETS = {
  x0: () => [1, 0],
  eps: () => [0, 1],
  v: ({ alpha, sigma }) => [-sigma / Math.hypot(alpha, sigma), alpha / Math.hypot(alpha, sigma)],
  flow: () => [-1, 1],
  edm: ({ alpha, sigma }, std) => {
    const length = Math.hypot(alpha * std, sigma);
    return [sigma / (std * length), (-alpha * std) / length];
  },
};

/** Return the regression target p * image + q * noise. */
export const targetOf = (target, level, std, image, noise) => combine(TARGETS[target](level, std)[0], image, TARGETS[target](level, std)[1], noise);

/** Return the image, solved from `x` and the `prediction` of the target at `level`. */
export function imageOf(target, level, std, x, prediction) {
  const [p, q] = TARGETS[target](level, std);
  const determinant = level.alpha * q - level.sigma * p;
  return combine(q / determinant, x, -level.sigma / determinant, prediction);
}
