/**
 * The frames of a drawing side by side: the state, the denoised, and whatever was told beside them; with a scrubber.
 *
 * Frames are shown as they come, until someone takes hold of the slider; in step-by-step mode each waits for a press.
 */

import { of } from "./element.js";
import { paint, scatter } from "./painting.js";

const IMAGES = { x: "noisy image", denoised: "predicted image", exact: "what the data says exactly" };
const POINTS = { x: "noisy points", denoised: "predicted points", exact: "what the data says exactly" };
const TICK = 90;
const NAMED = 6;

export class Player {
  /**
   * `parts` are what is shown of each frame, of x, denoised and exact; `names` what they are called where it is not that;
   * a `unit` is what a frame is, "step", which begin at 0, or "picture"; of few images the `classes` are named.
   */
  constructor({ parts = ["x", "denoised"], names = null, unit = "step", classes = [], onframe = () => {} } = {}) {
    this.parts = parts;
    this.names = names;
    this.unit = unit;
    this.classes = classes;
    this.onframe = onframe;
    this.stepwise = false;
    this.canvases = Object.fromEntries(parts.map((part) => [part, of("canvas", { class: "picture", role: "img" })]));
    this.captions = Object.fromEntries(parts.map((part) => [part, of("figcaption")]));
    this.figures = parts.map((part) => of("figure", {}, this.captions[part], this.canvases[part]));
    this.slider = of("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": unit, oninput: () => this.hold(Number(this.slider.value)) });
    // not heard while it runs: a slider in hand says its place itself
    this.said = of("span", { class: "said" });
    this.playing = null;
    this.button = of("button", { type: "button", "aria-label": "play", onclick: () => this.toggle() }, "▶");
    const [back, on] = [[-1, "◂", `one ${unit} back`], [1, "▸", `one ${unit} on`]].map(([by, sign, label]) =>
      of("button", { type: "button", "aria-label": label, onclick: () => this.hold(this.place + by) }, sign),
    );
    this.element = of(
      "div",
      { class: "player" },
      of("div", { class: "sheets" }, this.figures),
      of("div", { class: "scrub" }, this.button, back, on, this.slider, this.said),
    );
    this.clear();
  }

  clear() {
    this.stop();
    this.frames = [];
    this.place = 0;
    this.following = true;
    this.slider.max = 0;
    this.said.textContent = "";
  }

  /** Begin anew with what `begin` says; `arrangement` is that of `paint`. */
  begin(begin, arrangement = {}) {
    this.clear();
    this.told = begin;
    this.arrangement = { labels: begin.labels, ...arrangement };
    this.slider.max = begin.steps;
    this.following = !this.stepwise;
    const points = begin.shape.length === 1;
    const what = `${begin.count} ${points ? "points" : begin.count === 1 ? "image" : "images"}`;
    const names = this.names ?? (points ? POINTS : IMAGES);
    for (const part of this.parts) {
      this.captions[part].textContent = names[part];
      this.canvases[part].setAttribute("aria-label", `${names[part]}, ${what}${this.named(begin)}`);
    }
  }

  /** The classes of few images, as the name of their picture ends. */
  named({ count, labels, shape }) {
    if (!this.classes.length || !labels || count > NAMED || shape.length === 1) return "";
    return `: ${labels.slice(0, count).map((label) => this.classes[label] ?? "no class").join(", ")}`;
  }

  /** Take one more frame. */
  add(frame) {
    this.frames.push(frame);
    this.slider.max = this.frames.length - 1;
    if (this.following || this.frames.length === 1) this.show(this.frames.length - 1);
  }

  /** Show a frame by its place, and stay there. */
  hold(place) {
    this.stop();
    this.following = false;
    this.show(place);
  }

  show(place) {
    if (!this.frames.length) return;
    // the slider goes by steps, of which only some may have been told
    this.place = Math.max(0, Math.min(place, this.frames.length - 1));
    const frame = this.frames[this.place];
    this.slider.max = this.frames.length - 1;
    this.slider.value = this.place;
    for (const part of this.parts) this.paintPart(part, frame);
    this.said.textContent = this.unit === "step" ? `step ${frame.step} of ${this.told.steps}` : `${this.unit} ${frame.step + 1} of ${this.told.steps + 1}`;
    this.slider.setAttribute("aria-valuetext", this.said.textContent);
    this.onframe(frame, this.told.levels[frame.step]);
  }

  paintPart(part, frame) {
    const values = frame[part];
    const figure = this.canvases[part].parentElement;
    // what was not told is not shown, and nothing else in its place; at the clean end alone its room stays
    figure.hidden = !this.frames[0][part];
    figure.style.visibility = values ? "" : "hidden";
    if (!values) return;
    if (this.told.shape.length === 1) scatter(this.canvases[part], values, this.arrangement.labels, part === "denoised" ? null : frame.field);
    else paint(this.canvases[part], values, this.told.shape, this.arrangement);
  }

  toggle() {
    if (this.playing) return this.stop();
    if (!this.frames.length) return;
    this.following = false;
    if (this.place >= this.frames.length - 1) this.show(0);
    this.button.textContent = "❚❚";
    this.button.setAttribute("aria-label", "pause");
    this.playing = setInterval(() => {
      if (this.place >= this.frames.length - 1) return this.stop();
      this.show(this.place + 1);
    }, TICK);
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.button.textContent = "▶";
    this.button.setAttribute("aria-label", "play");
  }

  /** The canvas of the picture as far as it is known. */
  get canvas() {
    return this.canvases[this.parts.at(-1) === "exact" ? "denoised" : this.parts.at(-1)];
  }

  /** Return a canvas for every frame, state and denoised side by side. */
  film() {
    return this.frames.map((frame) => {
      const pair = this.parts.filter((part) => this.frames[0][part]).map((part) => {
        const made = of("canvas");
        paint(made, frame[part] ?? frame.denoised, this.told.shape, this.arrangement);
        return made;
      });
      const whole = of("canvas", { width: pair.reduce((sum, each) => sum + each.width + 4, -4), height: pair[0].height });
      const context = whole.getContext("2d");
      let left = 0;
      for (const each of pair) {
        context.drawImage(each, left, 0);
        left += each.width + 4;
      }
      return whole;
    });
  }
}
