/** Attributes of a request as input of a network, as in inkwash/sampling/attributes.py. */

/**
 * Return the attributes of `count` images, float32 [count * A], NaN for any: `requested` holds by name values that are
 * repeated in turn, null for any; `scales` { name, mean, std } are those of the training set.
 */
export function standardized(requested, scales, count) {
  const found = new Float32Array(count * scales.length).fill(NaN);
  scales.forEach(({ name, mean, std }, column) => {
    const values = requested[name] ?? [null];
    for (let at = 0; at < count; at++) {
      const value = values[at % values.length];
      if (value !== null) found[at * scales.length + column] = Math.fround(Math.fround(value) - Math.fround(mean)) / Math.fround(std);
    }
  });
  return found;
}
