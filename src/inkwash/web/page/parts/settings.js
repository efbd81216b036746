/** The sampling settings as form fields: sampler, steps, guidance, eta, temperature, seed; and as URL parameters. */

import { choice, number } from "./fields.js";
import { h } from "./element.js";
import { UrlState } from "./url_state.js";

const SAMPLERS = {
  ddpm: "DDPM",
  ddim: "DDIM",
  euler: "Euler",
  heun: "Heun",
  "dpm++2m": "DPM++ 2M",
  "dpm++2m-sde": "DPM++ 2M SDE",
  "dpm++3m": "DPM++ 3M",
  consistency: "consistency",
};
const WITH_ETA = ["ddim", "dpm++2m-sde"];
/** Samplers that add no fresh noise, which is what the temperature scales. */
const DETERMINISTIC = ["euler", "heun", "dpm++2m", "dpm++3m"];

/** Return the fields for `model`, with initial values from `url`. */
export function samplingSettings(model, url = new UrlState(), { withSeed = true } = {}) {
  const parts = {
    sampler: choice("Sampler", Object.entries(SAMPLERS), model.sampler, [url, "sampler"]),
    steps: number("Steps", { min: 1, max: model.max_steps, value: model.steps, param: [url, "steps"] }),
    guidance: number("Guidance", { min: 0, max: 20, step: "any", value: model.guidance, hint: "1 = no guidance", param: [url, "guidance"] }),
    eta: number("Fresh noise (eta)", { min: 0, max: 10, step: "any", optional: true, hint: "empty: the sampler's default", param: [url, "eta"] }),
    temperature: number("Temperature", { min: 0, max: 10, step: "any", value: 1, param: [url, "temperature"] }),
    seed: number("Seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 0, param: [url, "seed"] }),
  };
  const setDisabled = (part, value, isDisabled) => {
    part.input.disabled = isDisabled;
    if (isDisabled) part.set(value);
  };
  const update = () => {
    const sampler = parts.sampler.get();
    setDisabled(parts.eta, "", !WITH_ETA.includes(sampler));
    setDisabled(parts.temperature, 1, DETERMINISTIC.includes(sampler));
  };
  parts.sampler.input.addEventListener("change", update);
  update();
  parts.guidance.input.disabled = !model.guidable;
  const randomize = h("button", { type: "button", onclick: () => parts.seed.set(Math.floor(Math.random() * 1e9)), "aria-label": "random seed" }, "⚄");
  const element = h(
    "div",
    { class: "stack" },
    h("div", { class: "pair" }, parts.sampler.element, parts.steps.element),
    withSeed && h("div", { class: "row low" }, parts.seed.element, randomize),
    model.guidable && parts.guidance.element,
    h("details", {}, h("summary", {}, "More"), h("div", { class: "pair" }, parts.eta.element, parts.temperature.element)),
  );
  return {
    element,
    seed: () => parts.seed.get(),
    reuse: (seed, notify) => reuseSeed(parts.seed, seed, notify),
    /** Replace settings by name. */
    set(values) {
      Object.entries(values).forEach(([name, value]) => parts[name].set(value));
      update();
    },
    valid: () => Object.values(parts).every((part) => part.input.disabled || part.valid()),
    /** The settings as part of a sampling request. */
    values: () => ({
      sampler: parts.sampler.get(),
      steps: parts.steps.get(),
      eta: parts.eta.input.disabled ? null : parts.eta.get(),
      guidance: model.guidable ? parts.guidance.get() : null,
      temperature: parts.temperature.get(),
    }),
    /** The settings as URL parameters. */
    params: () => {
      const params = { sampler: parts.sampler.get(), steps: parts.steps.get(), seed: parts.seed.get() };
      if (model.guidable) params.guidance = parts.guidance.get();
      if (parts.eta.get() !== null) params.eta = parts.eta.get();
      if (parts.temperature.get() !== 1) params.temperature = parts.temperature.get();
      return params;
    },
  };
}

/** Set the field of the first seed to that of an image, and show it. */
export function reuseSeed(field, seed, notify) {
  field.set(seed);
  const details = field.input.closest("details");
  if (details) details.open = true;
  field.input.focus();
  field.input.dispatchEvent(new Event("change", { bubbles: true }));
  notify(`Seed ${seed} is set: the first of the next images has its noise.`);
}

/** The most network evaluations that a link starts without being asked. */
const MAX_UNASKED = 6000;

/** Return the network evaluations of a request; with guidance each takes two. */
export const evaluationsOf = ({ seeds, steps, sampler, guidance }) => seeds.length * steps * (sampler === "heun" ? 2 : 1) * (guidance !== null && guidance !== 1 ? 2 : 1);

/** Return null for a request that a link may start by itself, else a sentence with its network evaluations. */
export function costOf(request) {
  const evaluations = evaluationsOf(request);
  return evaluations <= MAX_UNASKED ? null : `This link asks for ${evaluations.toLocaleString("en")} network evaluations. Start them with the button.`;
}

/** Return `request` without guidance where all its images are unconditional: it has no effect there, and a request with both is refused. */
export const effective = (request) => (request.labels?.every((label) => label < 0) ? { ...request, guidance: null } : request);

/** Return the seeds of `count` images: consecutive from `first`, or all equal to it where `shared`. */
export const imageSeeds = (first, count, shared = false) => Array.from({ length: count }, (_, at) => first + (shared ? 0 : at));

/** Return the field for the number of images, at most `max`; 300 of at most 400 for a model of points. */
export function countField(model, url, label, { value, max }) {
  const points = model.shape.length === 1;
  return number(points ? "Points" : label, { min: 1, max: points ? 400 : max, value: points ? 300 : value, param: [url, "n"] });
}
