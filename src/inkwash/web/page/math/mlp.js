/** A multilayer perceptron on points of the plane, with its gradient, in typed arrays. */

import { normals } from "./noise.js";

/** Classes that it is conditioned on; a negative label is the null label, whose inputs are all zero. */
export const CLASSES = 2;
const FREQUENCIES = [1, 2, 4, 8];
/** Inputs: the point, c_noise, its Fourier features and the class. */
const INPUTS = 3 + 2 * FREQUENCIES.length + CLASSES;
/** The stream of random numbers that initialize networks; those above 100 are used by the page only. */
const INIT = 101;

export class Mlp {
  constructor(seed = 0, width = 48, depth = 3) {
    const sizes = [INPUTS, ...Array(depth).fill(width), 2];
    let total = 0;
    this.layers = sizes.slice(1).map((out, at) => {
      const layer = { into: sizes[at], out, weight: total, bias: total + out * sizes[at] };
      total = layer.bias + out;
      return layer;
    });
    this.parameters = new Float32Array(total);
    this.gradient = new Float32Array(total);
    this.layers.forEach((layer, at) => {
      const drawn = normals(seed, at, INIT, layer.out * layer.into), scale = (at === depth ? 0.1 : 1) * Math.sqrt(2 / layer.into);
      for (let i = 0; i < drawn.length; i++) this.parameters[layer.weight + i] = scale * drawn[i];
    });
  }

  /** Return the prediction [N * 2] for points x [N * 2] at one c_noise or one for each, with labels [N] or null. */
  predict(x, cNoise, labels) {
    return this.forward(features(x, cNoise, labels)).at(-1);
  }

  /** Return the inputs and the outputs of every layer, each [N * size]; `values` are set before the nonlinearity. */
  forward(input) {
    const count = input.length / INPUTS, { parameters } = this;
    const found = [input];
    this.before = [];
    this.layers.forEach(({ into, out, weight, bias }, place) => {
      const x = found.at(-1), z = new Float32Array(count * out), isLast = place === this.layers.length - 1;
      for (let n = 0; n < count; n++)
        for (let o = 0; o < out; o++) {
          let sum = parameters[bias + o];
          const row = weight + o * into, from = n * into;
          for (let i = 0; i < into; i++) sum += parameters[row + i] * x[from + i];
          z[n * out + o] = sum;
        }
      this.before.push(z);
      found.push(isLast ? z : z.map((value) => value / (1 + Math.exp(-value))));
    });
    return found;
  }

  /** Write the gradient of the mean squared error to `target` [N * 2] into `gradient`; returns the error. */
  backward(input, target) {
    const outputs = this.forward(input), count = input.length / INPUTS, { parameters, gradient } = this;
    gradient.fill(0);
    let loss = 0;
    let slope = outputs.at(-1).map((value, at) => {
      loss += (value - target[at]) ** 2 / target.length;
      return (2 * (value - target[at])) / target.length;
    });
    for (let place = this.layers.length - 1; place >= 0; place--) {
      const { into, out, weight, bias } = this.layers[place], x = outputs[place];
      const next = new Float32Array(count * into);
      for (let n = 0; n < count; n++)
        for (let o = 0; o < out; o++) {
          const g = slope[n * out + o], row = weight + o * into, from = n * into;
          gradient[bias + o] += g;
          for (let i = 0; i < into; i++) {
            gradient[row + i] += g * x[from + i];
            next[from + i] += g * parameters[row + i];
          }
        }
      if (place) {
        const z = this.before[place - 1];
        for (let i = 0; i < next.length; i++) {
          const s = 1 / (1 + Math.exp(-z[i]));
          next[i] *= s * (1 + z[i] * (1 - s));
        }
      }
      slope = next;
    }
    return loss;
  }
}

/** Return the inputs of the network [N * INPUTS]. */
export function features(x, cNoise, labels) {
  const count = x.length / 2, found = new Float32Array(count * INPUTS);
  for (let n = 0; n < count; n++) {
    const level = typeof cNoise === "number" ? cNoise : cNoise[n], at = n * INPUTS;
    found.set([x[2 * n], x[2 * n + 1], 2 * level - 1], at);
    FREQUENCIES.forEach((frequency, k) => {
      found[at + 3 + 2 * k] = Math.cos(Math.PI * frequency * level);
      found[at + 4 + 2 * k] = Math.sin(Math.PI * frequency * level);
    });
    const label = labels?.[n] ?? -1;
    if (label >= 0) found[at + INPUTS - CLASSES + label] = 1;
  }
  return found;
}
