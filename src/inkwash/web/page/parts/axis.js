/** A linear or logarithmic axis: round ticks, and the pixel of a value. */

/** Return { at, ticks } of `values` between the pixels `from` and `to`, to which `at` clamps. */
export function axis(values, log, from, to) {
  const scale = log ? Math.log10 : (value) => value;
  let [low, high] = [Math.min(...values), Math.max(...values)].map(scale);
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const margin = log ? 0.05 * (high - low) : 0;
  [low, high] = [low - margin, high + margin];
  const at = (value) => from + Math.max(0, Math.min(1, (scale(value) - low) / (high - low))) * (to - from);
  const ticks = (log ? decades(low, high) : round(low, high)).map((value) => [at(value), format(value)]);
  return { at, ticks };
}

function round(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((each) => each >= rough);
  const values = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) values.push(Number(at.toPrecision(6)));
  return values;
}

/** Return the coarsest at least three ticks: powers of ten, 1-2-5 multiples of them, or as on a linear axis. */
function decades(low, high) {
  for (const between of [[1], [1, 2, 5]]) {
    const ticks = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) ticks.push(...between.map((by) => by * 10 ** power));
    const inside = ticks.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9);
    if (inside.length >= 3) return inside;
  }
  return round(10 ** low, 10 ** high);
}

const format = (value) =>
  value === 0 ? "0" : Math.abs(value) >= 10000 ? `${Number((value / 1000).toPrecision(4))}k` : String(Number(value.toPrecision(4)));
