/**
 * The worker of an exported page: the samplers of inkwash/core in JavaScript over the ONNX network.
 *
 * It answers { id, method, request } with { id, event }, { id, error } and { id, end }; { abort: id } ends a request.
 * models.json holds description, recipe, schedules and history of every model, and the folder of its files.
 */

import * as ort from "./runtime.js";
import { CLEAN, cNoise, mix, noiseIn, targetOf } from "../math/levels.js";
import { exactDenoiser } from "../math/exact.js";
import { clipped, guided, inpainted, network, weightedPair, withLabels } from "../math/denoisers.js";
import { SAMPLE, SAMPLE_LABEL, normals, slerp, uniforms } from "../math/noise.js";
import { SAMPLERS, evaluations, frames } from "../math/samplers.js";
import { build } from "../math/schedules.js";
import { standardized } from "../math/attributes.js";
import { decodeBase64 } from "./base64.js";
import { fileOf, session } from "./files.js";
import { fieldGrid } from "../math/grid.js";

const PURE_NOISE = { alpha: 0, sigma: 1 };
const MAX_CACHED = 64;
/** Milliseconds without an event after which the step is reported. */
const PROGRESS_INTERVAL = 500;
const cache = new Map();

const metadata = fetch(new URL("../models.json", import.meta.url)).then((response) => response.json());
const controllers = new Map();

/** Return the metadata of the model of a request. */
const modelOf = async ({ model }) => (await metadata).find((each) => each.model.name === model);

addEventListener("message", async ({ data: { id, abort, method, request } }) => {
  if (abort !== undefined) return controllers.get(abort)?.abort();
  const controller = new AbortController();
  controllers.set(id, controller);
  try {
    for await (const event of { sample, live, denoise }[method](request, controller.signal, (progress) => postMessage({ id, event: progress }))) postMessage({ id, event });
    postMessage({ id, end: true });
  } catch (error) {
    postMessage({ id, error: error.message });
  } finally {
    controllers.delete(id);
  }
});

/** Yield the events of a sampling request, as the server does. Throws an Error with one line for an invalid request. */
async function* sample(request, signal, report) {
  const data = await modelOf(request);
  const { shape } = data.model;
  const { seeds } = request;
  const kind = request.sampler ?? data.model.sampler, steps = request.steps ?? data.model.steps;
  validate(data, request, kind, steps);
  const sampled = data.schedule.sampled;
  const schedule = request.edit ? { ...sampled, warps: [...(sampled.warps ?? []), { kind: "stretch", end: request.edit.noise }] } : sampled;
  const levels = build(schedule).levels(steps);
  const labels = labelsOf(data, seeds, request.labels);
  const { denoise, noise, start } = await prepareSampling(data, request, labels, report);
  const omitted = (request.labels?.length ?? 0) > seeds.length;
  yield {
    ...(omitted && { warning: `of ${request.labels.length} requested labels or attribute values ${seeds.length} are sampled: give more seeds` }),
    kind: "begin", count: seeds.length, shape, labels, seeds, sampler: kind, steps, evaluations: evaluations(levels, kind),
    levels: levels.map((level) => ({ ...level, c_noise: cNoise(level) })),
  };
  const started = performance.now(), sent = sentSteps(steps, request.max_frames ?? 60);
  const options = { eta: request.eta ?? null, temperature: request.temperature ?? 1, start };
  let step = 0, last = started;
  for await (const frame of frames(denoise, levels, kind, noise, options)) {
    if (signal?.aborted) return;
    const event = { kind: "step", step, x: output(frame.x, shape), denoised: output(frame.denoised, shape) };
    if (request.field && shape.length === 1 && frame.level !== CLEAN) event.field = await denoise(fieldGrid(), frame.level);
    const isSent = sent.has(step), isReported = isSent || performance.now() - last >= PROGRESS_INTERVAL;
    if (isReported) {
      yield isSent ? event : { kind: "progress", step };
      last = performance.now();
    }
    step++;
    // The message that ends this request is read before the next step blocks the thread.
    await new Promise((resume) => setTimeout(resume));
  }
  yield { kind: "done", seconds: (performance.now() - started) / 1000 };
}

function validate(data, request, kind, steps) {
  const max = data.model.max_steps;
  if (!SAMPLERS[kind]) throw new Error(`unknown sampler '${kind}'`);
  if (!(steps >= 1 && steps <= max)) throw new Error(`steps is ${steps}: it must be from 1 to ${max}`);
  const { maxEta } = SAMPLERS[kind];
  if ((request.eta ?? null) === null) return;
  if (maxEta === undefined) throw new Error(`eta has no effect on ${kind}: leave it out`);
  if (request.eta < 0 || request.eta > maxEta) throw new Error(`eta is ${request.eta}: for ${kind} it must be in [0, ${maxEta}]`);
}

/** Return the label of each image: the `requested` ones in turn, or one sampled from the class frequencies for each seed. */
function labelsOf({ model, class_frequencies }, seeds, requested) {
  if (requested) return seeds.map((_, at) => requested[at % requested.length]);
  if (!model.conditional) return seeds.map(() => -1);
  return seeds.map((seed) => {
    const [u] = uniforms(seed, 0, SAMPLE_LABEL);
    let cumulative = 0;
    const label = class_frequencies.findIndex((frequency) => (cumulative += frequency) >= u);
    return label < 0 ? class_frequencies.length - 1 : label;
  });
}

/** Return the denoiser, the function of the k-th noise, and the image to start from or null. */
async function prepareSampling(data, request, labels, report) {
  const { seeds, edit = null, seed_to: seedTo = null, label_to: labelTo = null } = request;
  const size = data.model.shape.reduce((product, each) => product * each, 1);
  const ends = seeds.map((seed) => seedTo ?? seed);
  const weights = seeds.map((_, at) => (seeds.length > 1 ? at / (seeds.length - 1) : 0));
  const conditional = await conditionalDenoiser(data, request, size, report);
  const forLabels = (given) => withLabels(conditional, data.model.conditional && given.some((label) => label >= 0) ? given : null);
  let denoise = forLabels(labels);
  const endLabels = labelsOf(data, ends, labelTo === null ? request.labels : [labelTo]);
  if (endLabels.some((label, at) => label !== labels[at])) denoise = weightedPair(denoise, forLabels(endLabels), weights);
  let start = null;
  if (edit) {
    const known = encoded(edit.image);
    start = new Float32Array(seeds.length * size);
    seeds.forEach((_, at) => start.set(known, at * size));
    if (edit.mask) {
      const mask = decodeBase64(edit.mask);
      denoise = inpainted(denoise, known, Array.from({ length: size }, (_, at) => mask[at % mask.length] === 0));
    }
  }
  return { denoise, noise: batchNoise(seeds, ends, weights, size), start };
}

/** Return the function of the k-th noise of a batch, at `weights` between the noises of `seeds` and `ends`. */
function batchNoise(seeds, ends, weights, size) {
  return (counter) => {
    const batch = new Float32Array(seeds.length * size);
    seeds.forEach((seed, at) => {
      const start = cachedNormals(seed, counter, size);
      batch.set(ends[at] === seed ? start : slerp(start, cachedNormals(ends[at], counter, size), weights[at]), at * size);
    });
    return batch;
  };
}

/** Return normals as `normals` does; those of the last MAX_CACHED are kept, because a live image moves between two seeds. */
function cachedNormals(seed, counter, size) {
  const key = `${seed} ${counter} ${size}`;
  if (!cache.has(key)) {
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(key, normals(seed, counter, SAMPLE, size));
  }
  return cache.get(key);
}

/** Yield the finished samples of a live request, uint8 [N * C * H * W], as the server returns them. */
async function* live(request, signal, report) {
  const data = await modelOf(request);
  const { shape, steps, sampler, classes, conditional } = data.model;
  const { seeds } = request, size = shape.reduce((product, each) => product * each, 1);
  const ends = seeds.map((seed, at) => (request.seed_to === null ? seed : request.seed_to + at));
  const labels = conditional ? blend(labelsOf(data, seeds, request.labels), labelsOf(data, ends, request.labels_to), request.label_position, classes.length) : null;
  const denoise = withLabels(await conditionalDenoiser(data, request, size, report), labels);
  const noise = batchNoise(seeds, ends, seeds.map(() => request.seed_position), size);
  let x = null;
  for await (const frame of frames(denoise, build(data.schedule.sampled).levels(steps), sampler, noise)) {
    if (signal?.aborted) return;
    x = frame.x;
    await new Promise((resume) => setTimeout(resume));
  }
  yield output(x, shape);
}

/** Yield a noised image, the readings of the network's output and the exact prediction, as the server returns them. */
async function* denoise(request, signal, report) {
  const data = await modelOf(request), { shape } = data.model, size = shape.reduce((product, each) => product * each, 1);
  const level = build(data.schedule.sampled).level(request.noise), labels = request.label < 0 ? null : [request.label];
  const x = mix(level, encoded(request.image), cachedNormals(request.seed, 0, size));
  const x0 = await network(await onnxNetwork(data, {}, size, report), data.recipe.target, data.data_std)(x, level, labels);
  const eps = noiseIn(level, x, x0), found = { level, x, x0, eps, v: targetOf("v", level, data.data_std, x0, eps) };
  if (request.exact) {
    const examples = await fileOf(data, "examples.bin");
    found.exact = await exactDenoiser(Float32Array.from(examples, toInput), size, data.examples.labels)(x, level, labels);
    found.exact_of = { count: data.examples.labels.length, sampled: true };
  }
  yield found;
}

/** Return the weights of all class embeddings between two labels of each image, the null label last. */
function blend(labels, ends, weight, classes) {
  const width = classes + 1, weights = new Float32Array(labels.length * width);
  const place = (label, at) => at * width + (label < 0 ? classes : label);
  labels.forEach((label, at) => {
    weights[place(label, at)] += 1 - weight;
    weights[place(ends[at], at)] += weight;
  });
  return weights;
}

/** Return the denoiser with guidance and clipping as requested; it takes labels or null. */
async function conditionalDenoiser(data, request, size, report) {
  const { model, recipe, data_std, schedule } = data;
  const weight = request.guidance ?? model.guidance;
  const net = network(await onnxNetwork(data, request, size, report), recipe.target, data_std);
  const clip = (recipe.clip || recipe.target === "eps") && model.shape.length > 1;
  let denoise = net;
  if (weight !== 1 && model.conditional) {
    const trained = build(schedule.trained), [low, high] = request.interval ?? [0, 1];
    const interval = [low === 0 ? CLEAN : trained.level(low), high === 1 ? PURE_NOISE : trained.level(high)];
    denoise = guided(net, weight, interval, clip && recipe.clip ? clipped(net) : net);
  }
  return clip ? clipped(denoise) : denoise;
}

/** Return the network with the request's attributes as a function of x, one c_noise for the batch, and labels, weights of embeddings, or null. */
async function onnxNetwork(data, request, size, report) {
  const { model, attributes } = data, network = await session(data, report);
  return async (x, c_noise, labels) => {
    const count = x.length / size;
    const inputs = {
      x: new ort.Tensor("float32", x, [count, ...model.shape]),
      c_noise: new ort.Tensor("float32", new Float32Array(count).fill(c_noise), [count]),
    };
    if (model.conditional) {
      const classes = model.classes.length, given = labels ?? Array(count).fill(-1);
      inputs.label = new ort.Tensor("float32", given instanceof Float32Array ? given : blend(given, given, 0, classes), [count, classes + 1]);
    }
    if (attributes.length) inputs.attributes = new ort.Tensor("float32", standardized(request.attributes ?? {}, attributes, count), [count, attributes.length]);
    return (await network.run(inputs)).prediction.data;
  };
}

const toInput = (value) => Math.fround(value / 127.5) - 1;

/** Return the pixels in base64 as input of a network. */
const encoded = (text) => Float32Array.from(decodeBase64(text), toInput);

/** Return the steps that are sent: all, or `maxFrames` evenly spaced ones with both ends. */
function sentSteps(steps, maxFrames) {
  const count = Math.min(steps + 1, maxFrames);
  return new Set(Array.from({ length: count }, (_, at) => Math.round((at * steps) / (count - 1))));
}

/** Return a state as uint8 pixels, or as float32 points. */
function output(x, shape) {
  if (shape.length === 1) return x;
  return Uint8Array.from(x, (value) => Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5));
}
