/**
 * Drawing in the browser, with no server: the same samplers as in Python over the exported network.
 *
 * `engine` has what the page asks for, as that of a server has; model.json holds recipe, facts and what was measured.
 */

import * as ort from "./ort.wasm.min.mjs";
import { CLEAN, code } from "./levels.js";
import { between, clipped, guided, inpainted, labelled, network } from "./denoisers.js";
import { SAMPLE, SAMPLE_LABEL, normals, spherical, uniforms } from "./noise.js";
import { SAMPLERS, evaluations, frames } from "./samplers.js";
import { build, curves } from "./schedules.js";
import { unpacked } from "./base64.js";

const NOISE = { alpha: 0, sigma: 1 };
const folder = new URL("../", import.meta.url);

ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;
// threads need headers that a plain file server does not send
ort.env.wasm.numThreads = 1;

const facts = fetch(new URL("model.json", folder)).then((answer) => answer.json());
let loading = null;

/** The network's session, begun when it is first needed. */
const session = () => (loading ??= ort.InferenceSession.create(new URL("model.onnx", folder).href, { executionProviders: ["wasm"] }));

export const engine = {
  canTrain: false,
  canCompareExact: false,
  reference: null,
  models: async () => [(await facts).model],
  history: async () => (await facts).course,
  quality: async () => (await facts).quality,
  schedule: async () => {
    const { schedule, sampled, names } = await facts;
    return { name: names.trained, sampled_name: names.sampled, curves: { trained: curves(build(schedule)), sampled: curves(build(sampled)) } };
  },
  sample,
};

/** Yield the events of a drawing as a server tells them; throws an Error with one line for what the model cannot do. */
async function* sample(request, signal) {
  const held = await facts;
  const { shape } = held.model;
  const size = shape.reduce((product, each) => product * each, 1);
  const { seeds } = request;
  const kind = request.sampler ?? held.model.sampler, steps = request.steps ?? held.model.steps;
  require(held, request, kind, steps);
  const spec = request.edit ? { ...held.sampled, warps: [...(held.sampled.warps ?? []), { kind: "stretch", end: request.edit.noise }] } : held.sampled;
  const levels = build(spec).levels(steps);
  const labels = labelsFor(held, seeds, request.labels);
  const { denoise, noise, start } = await parts(held, request, seeds, labels, size);
  yield {
    kind: "begin", count: seeds.length, shape, labels, seeds, sampler: kind, steps, evaluations: evaluations(levels, kind), command: null,
    levels: levels.map((level) => ({ ...level, code: code(level) })),
  };
  const begun = performance.now(), told = moments(steps, request.moments ?? 60);
  const options = { eta: request.eta ?? null, temperature: request.temperature ?? 1, start };
  let step = 0;
  for await (const frame of frames(denoise, levels, kind, noise, options)) {
    if (signal?.aborted) return;
    const event = { kind: "step", step, x: finished(frame.x, shape), denoised: finished(frame.denoised, shape) };
    if (told.has(step++)) yield event;
    // the page shows what it was told before the next step begins
    await new Promise((next) => setTimeout(next));
  }
  yield { kind: "done", seconds: (performance.now() - begun) / 1000 };
}

function require(held, request, kind, steps) {
  const most = held.model.most_steps;
  if (!SAMPLERS[kind]) throw new Error(`unknown sampler '${kind}'`);
  if (!(steps >= 1 && steps <= most)) throw new Error(`steps is ${steps}: it must be from 1 to ${most}`);
  const largest = SAMPLERS[kind].largestEta;
  if ((request.eta ?? null) !== null && (largest === undefined || request.eta < 0 || request.eta > largest))
    throw new Error(largest === undefined ? `eta has no effect on ${kind}: leave it out` : `eta is ${request.eta}: for ${kind} it must be in [0, ${largest}]`);
}

/** Return the label of each image: those `wanted` in turn, or one drawn for each seed in the train set's proportions. */
function labelsFor({ model, proportions }, seeds, wanted) {
  if (wanted) return seeds.map((_, at) => wanted[at % wanted.length]);
  if (!model.conditional) return seeds.map(() => -1);
  return seeds.map((seed) => {
    const [place] = uniforms(seed, 0, SAMPLE_LABEL);
    let edge = 0;
    const found = proportions.findIndex((share) => (edge += share) >= place);
    return found < 0 ? proportions.length - 1 : found;
  });
}

/** Return the denoiser, the noise of each draw and the picture to start from. */
async function parts(held, request, seeds, labels, size) {
  const { model, recipe, std } = held;
  const weight = request.guidance ?? model.guidance;
  const net = network(await run(model, size), recipe.target, std);
  const clip = (recipe.clip || recipe.target === "eps") && model.shape.length > 1;
  let denoise = net;
  if (weight !== 1 && model.conditional) {
    const trained = build(held.schedule), [low, high] = request.interval ?? [0, 1];
    const ends = [low === 0 ? CLEAN : trained.level(low), high === 1 ? NOISE : trained.level(high)];
    denoise = guided(net, weight, ends, clip && recipe.clip ? clipped(net) : net);
  }
  if (clip) denoise = clipped(denoise);
  const heard = (asked) => (model.conditional && asked.some((label) => label >= 0) ? asked : null);
  const { far } = request;
  const turns = seeds.map((_, at) => (seeds.length > 1 ? at / (seeds.length - 1) : 0));
  let whole = labelled(denoise, heard(labels));
  const there = seeds.map((seed) => far?.seed ?? seed);
  const farLabels = labelsFor(held, there, (far?.label ?? null) === null ? request.labels : [far.label]);
  if (farLabels.some((label, at) => label !== labels[at])) whole = between(whole, labelled(denoise, heard(farLabels)), turns);
  let start = null;
  if (request.edit) {
    const known = Float32Array.from(unpacked(request.edit.picture), (value) => Math.fround(value / 127.5) - 1);
    start = repeated(known, seeds.length);
    if (request.edit.paint) {
      const paint = unpacked(request.edit.paint);
      const kept = Array.from({ length: size }, (_, at) => paint[at % paint.length] === 0);
      whole = inpainted(whole, known, kept);
    }
  }
  const noise = (draw) => {
    const made = new Float32Array(seeds.length * size);
    seeds.forEach((seed, at) => {
      const near = normals(seed, draw, SAMPLE, size);
      const own = there[at] === seed ? near : spherical(near, normals(there[at], draw, SAMPLE, size), turns[at]);
      made.set(own, at * size);
    });
    return made;
  };
  return { denoise: whole, noise, start };
}

function repeated(values, count) {
  const made = new Float32Array(values.length * count);
  for (let at = 0; at < count; at++) made.set(values, at * values.length);
  return made;
}

/** Return the network as a function of x, one code for all and labels or null. */
async function run(model, size) {
  const made = await session();
  return async (x, level, labels) => {
    const count = x.length / size;
    const feeds = {
      x: new ort.Tensor("float32", x, [count, ...model.shape]),
      code: new ort.Tensor("float32", new Float32Array(count).fill(level), [count]),
    };
    if (model.conditional) feeds.label = new ort.Tensor("int64", BigInt64Array.from({ length: count }, (_, at) => BigInt(labels ? labels[at] : -1)), [count]);
    return (await made.run(feeds)).said.data;
  };
}

/** Return the steps that are told: all, or `most` evenly chosen, with both ends. */
function moments(steps, most) {
  const count = Math.min(steps + 1, most);
  return new Set(Array.from({ length: count }, (_, at) => Math.round((at * steps) / (count - 1))));
}

/** Return a state as what people look at: pixels from 0 to 255, or points as they are. */
function finished(x, shape) {
  if (shape.length === 1) return x;
  return Uint8Array.from(x, (value) => Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5));
}
