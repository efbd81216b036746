/**
 * The frames of a sampling trajectory side by side: the noisy state, the denoised prediction, the exact denoiser; with
 * a slider.
 *
 * The newest frame is shown until the slider is moved; in stepwise mode frames advance only by the buttons.
 */

import { h } from "./element.js";
import { describeImage, enlarging } from "./enlarging.js";
import { paint, scatter } from "./painting.js";

const IMAGES = { x: "noisy image", denoised: "predicted image", exact: "exact denoiser" };
const POINTS = { x: "noisy points", denoised: "predicted points", exact: "exact denoiser" };
/** Captions of the last frame, which has no noise: an image, or points. */
const SAMPLE = ["sampled image", "sampled points"];
const FRAME_INTERVAL = 90;
/** The most images whose classes are listed in the accessible name. */
const MAX_NAMED = 6;

export class Player {
  /**
   * `parts` are the keys of a frame that are shown (x, denoised, exact) and `names` their captions; `unit` is what a
   * frame counts, "step" from 0 or "image" from 1; `classes` are the names of labels; `onframe(frame, level)` is called
   * for each frame shown; `use` is what `imageUse` returns for its images, null where they are not enlarged.
   */
  constructor({ parts = ["x", "denoised"], names = null, unit = "step", classes = [], onframe = () => {}, use = null } = {}) {
    Object.assign(this, { parts, names, unit, classes, onframe, use, stepwise: false, timer: null });
    this.canvases = Object.fromEntries(parts.map((part) => [part, h("canvas", { class: "picture", role: "img" })]));
    this.captions = Object.fromEntries(parts.map((part) => [part, h("figcaption")]));
    this.figures = parts.map((part) => h("figure", {}, this.captions[part], this.canvases[part]));
    this.slider = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": unit, oninput: () => this.seek(Number(this.slider.value)) });
    // No live region: it would announce every step, and a focused slider announces its value itself.
    this.position = h("span", { class: "position" });
    this.button = h("button", { type: "button", "aria-label": "play", onclick: () => this.toggle() }, "▶");
    const [back, forward] = [[-1, "◂", `previous ${unit}`], [1, "▸", `next ${unit}`]].map(([by, sign, label]) =>
      h("button", { type: "button", "aria-label": label, onclick: () => this.seek(this.index + by) }, sign),
    );
    const buttons = use ? parts.map((part) => enlarging(this.canvases[part], () => this.shown(part))) : [];
    this.enlarge = buttons[parts.indexOf(this.mainPart)] ?? null;
    this.element = h(
      "div",
      { class: "player" },
      h("div", { class: "figures-row" }, this.figures),
      h("div", { class: "controls" }, this.button, back, forward, this.slider, this.position, this.enlarge),
    );
    this.clear();
  }

  clear() {
    this.stop();
    this.frames = [];
    this.index = 0;
    this.following = true;
    this.slider.max = 0;
    this.position.textContent = "";
  }

  /** Start a trajectory described by the event `info`; `layout` holds the options of `paint`. */
  begin(info, layout = {}) {
    this.clear();
    this.info = info;
    this.layout = { labels: info.labels, ...layout };
    this.slider.max = info.steps;
    this.following = !this.stepwise;
    if (this.enlarge) this.enlarge.hidden = info.shape.length === 1;
    const points = info.shape.length === 1;
    const what = `${info.count} ${points ? "points" : info.count === 1 ? "image" : "images"}`;
    for (const part of this.parts) {
      this.captions[part].textContent = this.captionOf(part);
      this.canvases[part].setAttribute("aria-label", `${this.captionOf(part)}, ${what}${this.classNames(info)}`);
    }
  }

  captionOf(part) {
    return (this.names ?? (this.info.shape.length === 1 ? POINTS : IMAGES))[part];
  }

  /** Return the classes of at most MAX_NAMED images, as the end of an accessible name. */
  classNames({ count, labels, shape }) {
    if (!this.classes.length || !labels || count > MAX_NAMED || shape.length === 1) return "";
    return `: ${labels.slice(0, count).map((label) => this.classes[label] ?? "unconditional").join(", ")}`;
  }

  add(frame) {
    this.frames.push(frame);
    this.slider.max = this.frames.length - 1;
    if (this.following || this.frames.length === 1) this.show(this.frames.length - 1);
  }

  /** Show the frame at `index`, and no longer follow the newest one. */
  seek(index) {
    this.stop();
    this.following = false;
    this.show(index);
  }

  show(index) {
    if (!this.frames.length) return;
    // The slider counts the frames that have arrived, which may be fewer than the steps.
    this.index = Math.max(0, Math.min(index, this.frames.length - 1));
    const frame = this.frames[this.index];
    this.slider.max = this.frames.length - 1;
    this.slider.value = this.index;
    const { steps, levels } = this.info;
    for (const part of this.parts) this.paintPart(part, frame);
    if (this.parts.includes("x") && !this.names) {
      const isSample = levels[frame.step]?.sigma === 0 || frame.step === steps;
      this.captions.x.textContent = isSample ? SAMPLE[this.info.shape.length === 1 ? 1 : 0] : this.captionOf("x");
    }
    this.position.textContent = this.unit === "step" ? `step ${frame.step} of ${steps}` : `${this.unit} ${frame.step + 1} of ${steps + 1}`;
    this.slider.setAttribute("aria-valuetext", this.position.textContent);
    this.onframe(frame, levels[frame.step]);
  }

  paintPart(part, frame) {
    const values = frame[part];
    const figure = this.canvases[part].parentElement;
    // A part that no frame has is hidden; one that only the last frame lacks keeps its place.
    figure.hidden = !this.frames[0][part];
    figure.style.visibility = values ? "" : "hidden";
    if (!values) return;
    if (this.info.shape.length === 1) scatter(this.canvases[part], values, this.layout.labels, part === "denoised" ? null : frame.field);
    else paint(this.canvases[part], values, this.info.shape, this.layout);
  }

  /** Return what the canvas of a part shows, for `enlarging`; null for points, and where it shows nothing. */
  shown(part) {
    const values = this.frames[this.index]?.[part], { info, layout } = this;
    if (!values || info.shape.length === 1) return null;
    const name = this.captions[part].textContent;
    return { values, shape: info.shape, layout, caption: (at) => `${name} ${at + 1} of ${info.count}: ${describeImage(info, at, this.classes)}`, use: this.use };
  }

  toggle() {
    if (this.timer) return this.stop();
    if (!this.frames.length) return;
    this.following = false;
    if (this.index >= this.frames.length - 1) this.show(0);
    this.button.textContent = "❚❚";
    this.button.setAttribute("aria-label", "pause");
    this.timer = setInterval(() => {
      if (this.index >= this.frames.length - 1) return this.stop();
      this.show(this.index + 1);
    }, FRAME_INTERVAL);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "▶";
    this.button.setAttribute("aria-label", "play");
  }

  /** The part that shows the samples, and its canvas. */
  get mainPart() {
    return this.parts.at(-1) === "exact" ? "denoised" : this.parts.at(-1);
  }

  get canvas() {
    return this.canvases[this.mainPart];
  }

  /** The end of a file name for the shown frame: "" for the last one. */
  get suffix() {
    return this.index === this.frames.length - 1 ? "" : `-${this.unit}-${this.frames[this.index].step}`;
  }

  /** Return one canvas for each frame, with its parts side by side. */
  frameCanvases() {
    return this.frames.map((frame) => {
      const painted = this.parts.filter((part) => this.frames[0][part]).map((part) => {
        const canvas = h("canvas");
        paint(canvas, frame[part] ?? frame.denoised, this.info.shape, this.layout);
        return canvas;
      });
      const joined = h("canvas", { width: painted.reduce((sum, each) => sum + each.width + 4, -4), height: painted[0].height });
      const context = joined.getContext("2d");
      let left = 0;
      for (const each of painted) {
        context.drawImage(each, left, 0);
        left += each.width + 4;
      }
      return joined;
    });
  }
}
