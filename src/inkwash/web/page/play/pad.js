/** A canvas to draw points of two classes on with mouse, touch or keyboard. */

import { h } from "../parts/element.js";
import { paintPoints, pixelOf, plane, POINTS } from "../parts/painting.js";
import { WINDOW } from "../math/grid.js";
import { normals } from "../math/noise.js";
import { COUNT } from "./datasets.js";

/** Pixels between two points of a stroke, points of one dab and the standard deviation of its spread in the plane. */
const SPACING = 10, DAB = 3, SPREAD = 0.05;
const STEP = 0.1;
/** The stream of random numbers that spread the points of a dab. */
const DABS = 106;

export class Pad {
  /** `onchange` is called when the points have changed. */
  constructor(onchange) {
    Object.assign(this, { onchange, label: 0, points: [], labels: [], last: null, cursor: null });
    this.canvas = h("canvas", {
      class: "picture", tabIndex: 0, role: "application",
      "aria-label": "Points of the data. Draw with the mouse; or move with the arrow keys and add points with space.",
      onpointerdown: (event) => {
        event.preventDefault();
        this.canvas.setPointerCapture(event.pointerId);
        this.last = this.pixelOf(event);
        this.dab(this.last);
      },
      onpointermove: (event) => this.move(event),
      onpointerup: () => this.end(),
      onpointercancel: () => this.end(),
      onkeydown: (event) => this.press(event),
      onblur: () => {
        this.cursor = null;
        this.render();
      },
    });
    this.classes = ["Class A", "Class B"].map((text, label) => h("button", { type: "button", "aria-pressed": String(label === 0), onclick: () => this.select(label) }, text));
    const clear = h("button", { type: "button", onclick: () => this.set({ points: [], labels: [] }, true) }, "Clear");
    this.element = h("div", { class: "stack" }, this.canvas, h("div", { class: "chips", role: "group", "aria-label": "Pen" }, this.classes, clear));
  }

  select(label) {
    this.label = label;
    this.classes.forEach((button, at) => button.setAttribute("aria-pressed", String(at === label)));
  }

  /** Replace the points; with `isEdit` as the reader would. */
  set({ points, labels }, isEdit = false) {
    [this.points, this.labels] = [Array.from(points), Array.from(labels)];
    this.render();
    if (isEdit) this.onchange();
  }

  get data() {
    return { points: Float32Array.from(this.points), labels: Int8Array.from(this.labels) };
  }

  pixelOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * POINTS, ((event.clientY - box.top) / box.height) * POINTS];
  }

  move(event) {
    if (!this.last) return;
    const next = this.pixelOf(event), length = Math.hypot(next[0] - this.last[0], next[1] - this.last[1]);
    for (let at = SPACING; at <= length; at += SPACING) this.dab(this.last.map((value, axis) => value + ((next[axis] - value) * at) / length));
    if (length >= SPACING) this.last = next;
  }

  end() {
    if (this.last) this.onchange();
    this.last = null;
  }

  /** Add a few points around a pixel; beyond COUNT the oldest go. */
  dab([px, py]) {
    const spread = normals(this.points.length, 0, DABS, 2 * DAB), at = (value) => (value / POINTS - 0.5) * 2 * WINDOW;
    const clamp = (value) => Math.max(-WINDOW, Math.min(WINDOW, value));
    for (let k = 0; k < DAB; k++) {
      this.points.push(clamp(at(px) + SPREAD * spread[2 * k]), clamp(-at(py) + SPREAD * spread[2 * k + 1]));
      this.labels.push(this.label);
    }
    if (this.labels.length > COUNT) [this.points, this.labels] = [this.points.slice(-2 * COUNT), this.labels.slice(-COUNT)];
    this.render();
  }

  press(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    this.cursor ??= [0, 0];
    if (move) this.cursor = this.cursor.map((value, axis) => Math.max(-WINDOW, Math.min(WINDOW, value + STEP * move[axis])));
    else {
      this.dab(pixelOf(...this.cursor));
      this.onchange();
    }
    this.render();
  }

  render() {
    const context = plane(this.canvas);
    paintPoints(context, this.points, this.labels);
    if (!this.cursor) return;
    context.strokeStyle = "#ffffff";
    context.beginPath();
    context.arc(...pixelOf(...this.cursor), 9, 0, 2 * Math.PI);
    context.stroke();
  }
}
