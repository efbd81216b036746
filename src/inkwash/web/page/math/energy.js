/** The energy distance between two samples of the plane (Székely & Rizzo, 2013). */

/** Return 2 E|X - Y| - E|X - X'| - E|Y - Y'| of two samples [N * 2]; 0 for equal distributions, without bias. */
export function energyDistance(first, second) {
  return 2 * meanDistance(first, second, false) - meanDistance(first, first, true) - meanDistance(second, second, true);
}

function meanDistance(first, second, isSame) {
  const [n, m] = [first.length / 2, second.length / 2];
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) sum += Math.hypot(first[2 * i] - second[2 * j], first[2 * i + 1] - second[2 * j + 1]);
  return sum / (isSame ? n * (n - 1) : n * m);
}
