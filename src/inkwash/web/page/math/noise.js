/**
 * The counter-based random numbers of inkwash/core/rng.py.
 *
 * Philox 4x32 with ten rounds (Salmon et al., 2011) maps (seed, counter, stream) to 32-bit words; the transform of Box and
 * Muller (1958) maps words to normals, in double precision and rounded once, as in Python.
 */

export const SAMPLE = 0;
export const SAMPLE_LABEL = 1;

const WORD = 2 ** 32;

/** Return the high and the low word of the product of two words; halves of 16 bits keep every part exact. */
function product(a, b) {
  const aHigh = a >>> 16, aLow = a & 0xffff, bHigh = b >>> 16, bLow = b & 0xffff;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const other = aLow * bHigh + (middle % 0x10000);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
  return [high >>> 0, (((other & 0xffff) << 16) | (low & 0xffff)) >>> 0];
}

/** Return `count` words of item 0 of a `seed`, an integer below 2^63 as Number or BigInt, as Uint32Array. */
export function words(seed, counter, stream, count) {
  const key = BigInt(seed);
  const keyWords = [Number(key & 0xffffffffn), Number((key >> 32n) & 0xffffffffn)];
  const result = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let block = 0; block * 4 < count; block++) {
    let [c0, c1, c2, c3] = [block, 0, counter, stream];
    let [k0, k1] = keyWords;
    for (let round = 0; round < 10; round++) {
      const [high0, low0] = product(0xd2511f53, c0);
      const [high1, low1] = product(0xcd9e8d57, c2);
      [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
      k0 = (k0 + 0x9e3779b9) >>> 0;
      k1 = (k1 + 0xbb67ae85) >>> 0;
    }
    result.set([c0, c1, c2, c3], block * 4);
  }
  return result.subarray(0, count);
}

/** Return uniform numbers in the open interval (0, 1), Float64Array [count]. */
export function uniforms(seed, counter, stream, count = 1) {
  return Float64Array.from(words(seed, counter, stream, count), (word) => (word + 0.5) / WORD);
}

/** Return standard normals, Float32Array [count]. */
export function normals(seed, counter, stream, count) {
  const pairs = uniforms(seed, counter, stream, count + (count % 2));
  const result = new Float32Array(pairs.length);
  for (let i = 0; i < pairs.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(pairs[i]));
    const angle = 2 * Math.PI * pairs[i + 1];
    result[i] = radius * Math.cos(angle);
    result[i + 1] = radius * Math.sin(angle);
  }
  return result.subarray(0, count);
}

/** Return the spherical interpolation from `start` (t = 0) to `end` (t = 1), which treats them as orthogonal. */
export function slerp(start, end, t) {
  const [a, b] = [Math.sin((Math.PI / 2) * (1 - t)), Math.sin((Math.PI / 2) * t)];
  return start.map((value, at) => a * value + b * end[at]);
}
