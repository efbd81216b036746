/** The settings of a drawing as fields: sampler, steps, guidance, eta, seed; and the same in an address and back. */

import { choice, number } from "./fields.js";
import { of } from "./element.js";
import { UrlState } from "./url_state.js";

const SAMPLERS = {
  ddpm: "DDPM, as trained",
  ddim: "DDIM",
  euler: "Euler",
  heun: "Heun",
  "dpm++2m": "DPM++ 2M",
  "dpm++2m-sde": "DPM++ 2M SDE",
  "dpm++3m": "DPM++ 3M",
  consistency: "consistency",
};
const TAKES_ETA = ["ddim", "dpm++2m-sde"];

/** Return the fields for `model` and a `read` of them as a request's part; `link` is what an address says. */
export function settings(model, link = new UrlState(), { withSeed = true } = {}) {
  const parts = {
    sampler: choice("Sampler", Object.entries(SAMPLERS), model.sampler, [link, "sampler"]),
    steps: number("Steps", { min: 1, max: model.most_steps, value: model.steps, said: [link, "steps"] }),
    guidance: number("Guidance", { min: -20, max: 20, step: "any", value: model.guidance, hint: "1 is none", said: [link, "guidance"] }),
    eta: number("Fresh noise (eta)", { min: 0, max: 10, step: "any", optional: true, hint: "empty: the sampler's own", said: [link, "eta"] }),
    temperature: number("Temperature", { min: 0, max: 10, step: "any", value: 1, said: [link, "temperature"] }),
    seed: number("Seed", { min: 0, max: Number.MAX_SAFE_INTEGER, value: 0, said: [link, "seed"] }),
  };
  const take = () => {
    const takes = TAKES_ETA.includes(parts.sampler.get());
    parts.eta.input.disabled = !takes;
    if (!takes) parts.eta.set("");
    // fresh noise is what temperature scales: of a fixed path there is none
    const fixed = ["euler", "heun", "dpm++2m", "dpm++3m"].includes(parts.sampler.get());
    parts.temperature.input.disabled = fixed;
    if (fixed) parts.temperature.set(1);
  };
  parts.sampler.input.addEventListener("change", take);
  take();
  parts.guidance.input.disabled = !model.guidable;
  const again = of("button", { type: "button", onclick: () => parts.seed.set(Math.floor(Math.random() * 1e9)), "aria-label": "another seed" }, "⚄");
  const element = of(
    "div",
    { class: "stack" },
    of("div", { class: "pair" }, parts.sampler.element, parts.steps.element),
    withSeed && of("div", { class: "row low" }, parts.seed.element, again),
    model.guidable && parts.guidance.element,
    of("details", {}, of("summary", {}, "More"), of("div", { class: "pair" }, parts.eta.element, parts.temperature.element)),
  );
  return {
    element,
    parts,
    seed: () => parts.seed.get(),
    valid: () => Object.values(parts).every((part) => part.input.disabled || part.valid()),
    read: () => ({
      sampler: parts.sampler.get(),
      steps: parts.steps.get(),
      eta: parts.eta.input.disabled ? null : parts.eta.get(),
      guidance: model.guidable ? parts.guidance.get() : null,
      temperature: parts.temperature.get(),
    }),
    link: () => {
      const held = { sampler: parts.sampler.get(), steps: parts.steps.get(), seed: parts.seed.get() };
      if (model.guidable) held.guidance = parts.guidance.get();
      if (parts.eta.get() !== null) held.eta = parts.eta.get();
      if (parts.temperature.get() !== 1) held.temperature = parts.temperature.get();
      return held;
    },
  };
}

/** Return the seeds of `count` images: from `first` on, or all of them `first` where one `hand` is wanted. */
export const seeds = (first, count, hand = false) => Array.from({ length: count }, (_, at) => first + (hand ? 0 : at));

/** Return the field for how many, `value` of at most `most` images: or points, of which it takes many to see anything. */
export function amount(model, link, label, { value, most }) {
  const points = model.shape.length === 1;
  return number(points ? "Points" : label, { min: 1, max: points ? 400 : most, value: points ? 300 : value, said: [link, "n"] });
}
