/** The exact denoiser of a set of examples and the density of its noised distribution, as in inkwash/core/exact.py. */

/**
 * Return the denoiser E[image | x] of the empirical distribution of `data` [N * size]: the mean of the examples weighted by
 * softmax(-|x - alpha image|^2 / (2 sigma^2)) (Karras et al., 2022, Appendix B.3). With `labels` [N] the mean is over the
 * examples of the requested class; a negative label means any.
 */
export const exactDenoiser = (data, size, labels = null) => async (x, level, requested = null) => {
  const denoised = new Float32Array(x.length);
  for (let at = 0; at < x.length / size; at++) {
    const { weights } = posterior(data, size, x.subarray(at * size, (at + 1) * size), level, labels, requested?.[at] ?? -1);
    weights.forEach((weight, k) => {
      if (weight) for (let i = 0; i < size; i++) denoised[at * size + i] += weight * data[k * size + i];
    });
  }
  return denoised;
};

/** Return { weights, largest }: the posterior weight of every example given one `x`, and the place of the largest. */
export function posterior(data, size, x, { alpha, sigma }, labels = null, requested = -1) {
  const count = data.length / size, logs = new Float64Array(count);
  let largest = 0, sum = 0;
  for (let k = 0; k < count; k++) {
    let squared = 0;
    for (let i = 0; i < size; i++) squared += (x[i] - alpha * data[k * size + i]) ** 2;
    logs[k] = labels && requested >= 0 && labels[k] !== requested ? -Infinity : -squared / (2 * sigma ** 2);
    if (logs[k] > logs[largest]) largest = k;
  }
  const weights = logs.map((log) => Math.exp(log - logs[largest]));
  for (const weight of weights) sum += weight;
  return { weights: weights.map((weight) => weight / sum), largest };
}

/**
 * Return the density of alpha * image + sigma * noise at the points `grid` [M * 2] of the plane, Float64Array [M]; sigma is
 * at least `smallest`, because the density of the examples themselves is infinite.
 */
export function density(data, grid, { alpha, sigma }, smallest = 0.07) {
  const variance = Math.max(sigma, smallest) ** 2, count = data.length / 2;
  return Float64Array.from({ length: grid.length / 2 }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const squared = (grid[2 * at] - alpha * data[2 * k]) ** 2 + (grid[2 * at + 1] - alpha * data[2 * k + 1]) ** 2;
      if (squared < 40 * variance) sum += Math.exp(-squared / (2 * variance));
    }
    return sum / (2 * Math.PI * variance * count);
  });
}
