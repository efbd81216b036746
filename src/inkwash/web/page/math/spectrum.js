/** The power of an image at each spatial frequency, as in inkwash/metrics/power_spectrum.py. */

/**
 * Return the mean squared modulus of the Fourier coefficients of `values` [C * H * W], divided by H * W, over all directions
 * and channels, at 1, 2, … cycles per image below half of the shorter side; white noise of variance 1 has power 1.
 */
export function powerSpectrum(values, [channels, height, width]) {
  const count = Math.max(0, Math.floor(Math.min(height, width) / 2) - 1);
  const sums = new Float64Array(count), counts = new Float64Array(count);
  for (let channel = 0; channel < channels; channel++) {
    const plane = Float64Array.from(values.subarray(channel * height * width, (channel + 1) * height * width));
    const rows = transformed(plane, new Float64Array(plane.length), height, width, 1, width);
    const [real, imaginary] = transformed(...rows, width, height, width, 1);
    for (let v = 0; v < height; v++)
      for (let u = 0; u < width; u++) {
        const radius = Math.round(Math.hypot(Math.min(u, width - u), Math.min(v, height - v)));
        if (radius < 1 || radius > count) continue;
        sums[radius - 1] += real[v * width + u] ** 2 + imaginary[v * width + u] ** 2;
        counts[radius - 1]++;
      }
  }
  return Array.from(sums, (sum, at) => sum / counts[at] / (height * width));
}

/** Return real and imaginary parts, transformed along the axis of `length` places `step` apart, of `lines` lines `stride` apart. */
function transformed(real, imaginary, lines, length, step, stride) {
  const found = [new Float64Array(real.length), new Float64Array(real.length)];
  const [cosines, sines] = [Math.cos, Math.sin].map((wave) => Float64Array.from({ length }, (_, at) => wave((2 * Math.PI * at) / length)));
  for (let line = 0; line < lines; line++)
    for (let k = 0; k < length; k++) {
      let [a, b] = [0, 0];
      for (let n = 0; n < length; n++) {
        const from = line * stride + n * step, turn = (k * n) % length;
        a += real[from] * cosines[turn] + imaginary[from] * sines[turn];
        b += imaginary[from] * cosines[turn] - real[from] * sines[turn];
      }
      found[0][line * stride + k * step] = a;
      found[1][line * stride + k * step] = b;
    }
  return found;
}
