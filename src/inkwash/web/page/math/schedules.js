/** Schedules and warps, as in inkwash/core: a monotone map of u in [0, 1] to a noise level, and the n levels of a sampler. */

import { CLEAN, cNoise, logSnr } from "./levels.js";

/** A discrete schedule of T betas: alpha^2 = prod(1 - beta), interpolated in its logarithm. */
function table(betas) {
  const logs = [0];
  for (const beta of betas) logs.push(logs.at(-1) + Math.log1p(-beta));
  const timesteps = betas.length;
  return {
    timesteps,
    snap: (u) => Math.min(timesteps, Math.max(1, Math.ceil(u * timesteps - 1e-6))) / timesteps,
    level: (u) => {
      const below = Math.max(0, Math.min(timesteps - 1, Math.floor(u * timesteps)));
      const log = logs[below] + (u * timesteps - below) * (logs[below + 1] - logs[below]);
      return { alpha: Math.exp(log / 2), sigma: Math.sqrt(-Math.expm1(log)) };
    },
  };
}

const linspace = (from, to, count) => Array.from({ length: count }, (_, at) => from + ((to - from) * at) / (count - 1));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** Constructors by kind; they take the options of a recipe. */
const SCHEDULES = {
  linear: ({ T = 1000, start = 1e-4, end = 0.02 }) => table(linspace(start, end, T)),
  quadratic: ({ T = 1000, start = 1e-4, end = 0.02 }) => table(linspace(Math.sqrt(start), Math.sqrt(end), T).map((root) => root ** 2)),
  cosine: ({ offset = 0.008 }) => {
    const quarter = Math.PI / 2 / (1 + offset);
    return curve((u) => {
      const alpha = Math.sin(quarter * (1 - u)) / Math.sin(quarter);
      return { alpha, sigma: Math.sqrt((1 - alpha) * (1 + alpha)) };
    });
  },
  sigmoid: ({ start = -3, end = 3, tau = 1 }) => {
    const [first, last] = [sigmoid(start / tau), sigmoid(end / tau)];
    return curve((u) => {
      const squaredAlpha = Math.min(1, Math.max(0, (last - sigmoid((start + u * (end - start)) / tau)) / (last - first)));
      return { alpha: Math.sqrt(squaredAlpha), sigma: Math.sqrt(1 - squaredAlpha) };
    });
  },
  flow: () => curve((u) => ({ alpha: 1 - u, sigma: u })),
  karras: ({ low = 0.002, high = 80, rho = 7 }) => {
    const [from, to] = [low ** (1 / rho), high ** (1 / rho)];
    return openEnd((u) => ({ alpha: 1, sigma: (from + u * (to - from)) ** rho }));
  },
  "log-linear": ({ high = 12, low = -9 }) =>
    openEnd((u) => {
      const snr = high + u * (low - high);
      return { alpha: Math.sqrt(sigmoid(snr)), sigma: Math.sqrt(sigmoid(-snr)) };
    }),
};
SCHEDULES["scaled-linear"] = SCHEDULES.quadratic;

function curve(level) {
  return { level, snap: (u) => u };
}

/** A schedule whose u = 0 is a low noise level: its n levels include both ends. */
function openEnd(level) {
  return { level, grid: (n) => (n === 1 ? [1] : linspace(1, 0, n)) };
}

const WARPS = {
  none: () => (u) => u,
  stretch: ({ end = 1 }) => (u) => u * end,
  power: ({ rho = 2 }) => (u) => u ** rho,
  shift: ({ s = 3 }) => (u) => (s * u) / (1 + (s - 1) * u),
};

/** Return the schedule of `{ kind, …options, warps }`, the innermost warp first: `level(u)` and `levels(n)`. */
export function build({ kind, warps = [], ...options }) {
  const inner = SCHEDULES[kind](options);
  const maps = warps.map(({ kind: name, ...rest }) => WARPS[name](rest)).reverse();
  const level = (u) => inner.level(maps.reduce((at, map) => map(at), u));
  const grid = inner.grid ?? ((n) => Array.from({ length: n }, (_, at) => inner.snap((n - at) / n)));
  return { level, timesteps: inner.timesteps ?? null, levels: (n) => [...grid(n).map(level), CLEAN] };
}

/** Return the curves of a schedule for charts; infinite values are null. */
export function curves(schedule, points = 101) {
  const u = linspace(0, 1, points);
  const levels = u.map(schedule.level);
  const finite = (value) => (Number.isFinite(value) ? value : null);
  return {
    u,
    alpha: levels.map((level) => level.alpha),
    sigma: levels.map((level) => level.sigma),
    log_snr: levels.map((level) => finite(logSnr(level))),
    c_noise: levels.map(cNoise),
  };
}
