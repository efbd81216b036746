/**
 * A canvas to draw on with mouse, touch or keyboard, and a mask of the area that the model repaints.
 *
 * Arrow keys move a cursor; the space bar starts and ends a stroke.
 */

import { bytesOf, encodeBase64 } from "../engine/base64.js";
import { InkLayer } from "./ink_layer.js";
import { h } from "./element.js";
import { paintDrawing } from "./painting.js";
import { store, stored } from "./storage.js";
import { imageUpload } from "./upload.js";

const TOOLS = { ink: "Draw", erase: "Erase", mask: "Mark area to repaint", unmask: "Unmark" };
/** Milliseconds without a key press before the position is announced: a held key would announce every pixel. */
const ANNOUNCE_DELAY = 400;
const SAVE_DELAY = 200;
const MAX_UNDO = 50;
/** The most pixels of a drawing in a URL. */
const MAX_IN_URL = 3072;

export class InkCanvas {
  /**
   * `notify` shows problems with files; `expected` is "dark" or "light" where the images of the model have one. The element
   * fires "input" whenever the drawing changes. `isMnist` is whether files are made like the images of MNIST at first.
   */
  constructor(shape, notify, expected = null, { canMask = true, isMnist = false } = {}) {
    this.layer = new InkLayer(shape, expected === "light");
    Object.assign(this, { expected, tool: "ink", cursor: null, isDown: false, past: [], painted: null });
    const { height, width, channels } = this.layer;
    const upload = imageUpload({ shape: this.layer, expected, isMnist, notify, set: (pixels) => this.set(pixels) });
    this.canvas = h("canvas", {
      ...upload.drop,
      class: "picture drawing", width, height, tabIndex: 0, role: "application",
      "aria-label": "Drawing. Arrow keys move, space starts and ends a stroke.",
      onpointerdown: (event) => this.startStroke(event),
      onpointermove: (event) => this.continueStroke(event),
      onpointerup: () => (this.last = null),
      onpointercancel: () => (this.last = null),
      onkeydown: (event) => this.pressKey(event),
      onblur: () => this.leave(),
    });
    this.tools = Object.keys(TOOLS).filter((tool) => canMask || !tool.endsWith("mask"));
    this.buttons = this.tools.map((tool) => [tool, TOOLS[tool]]).map(([tool, text]) =>
      h("button", { type: "button", "aria-pressed": String(tool === this.tool), onclick: () => this.select(tool) }, text),
    );
    this.undoButton = h("button", { type: "button", disabled: true, onclick: () => this.undo() }, "Undo");
    this.position = h("p", { class: "hint", role: "status" });
    const [ink, background] = ["colour", "background"].map((which) => h("input", { type: "color", oninput: () => this.setColour(which) }));
    this.colours = { colour: ink, background };
    this.element = h(
      "div",
      { class: "stack" },
      this.canvas,
      this.position,
      h("div", { class: "chips", role: "group", "aria-label": "Tools" }, this.buttons, this.undoButton, h("button", { type: "button", onclick: () => this.clear() }, "Clear"), h("button", { type: "button", onclick: () => this.invert() }, "Invert")),
      channels === 3 && h("div", { class: "pair" }, h("label", { class: "field" }, "Ink", ink), h("label", { class: "field" }, "Background", background)),
      upload.element,
    );
    this.restore(...(stored(this.key) ?? []));
  }

  /** The key of the drawing in the session storage, one for each shape of images. */
  get key() {
    const { channels, height, width } = this.layer;
    return `inkwash-drawing-${channels}x${height}x${width}-${this.expected ?? "dark"}`;
  }

  /** Replace drawing and mask by those of `params()`; texts of another size are ignored. */
  restore(image = "", mask = "") {
    for (const [text, into] of [[image, this.layer.pixels], [mask, this.layer.mask]]) {
      const bytes = bytesOf(text);
      if (bytes?.length === into.length) into.set(bytes);
    }
    this.render();
  }

  get fitsInUrl() {
    return this.layer.pixels.length <= MAX_IN_URL;
  }

  /** What a link says that has no room for the drawing. */
  get linkNote() {
    return this.fitsInUrl ? "" : `It does not contain the drawing, which has more than ${MAX_IN_URL.toLocaleString("en")} values.`;
  }

  /** The drawing and the mask as URL parameters; none where they are too large for a URL. */
  params() {
    if (!this.fitsInUrl) return {};
    return { image: encodeBase64(this.pixels), ...(this.mask && { mask: encodeBase64(this.mask) }) };
  }

  /** Keep the drawing before a change, for undo. */
  keep() {
    this.past.push([this.layer.pixels.slice(), this.layer.mask.slice()]);
    if (this.past.length > MAX_UNDO) this.past.shift();
    this.undoButton.disabled = false;
  }

  undo() {
    const [pixels, mask] = this.past.pop();
    this.layer.pixels.set(pixels);
    this.layer.mask.set(mask);
    this.undoButton.disabled = !this.past.length;
    this.render();
  }

  select(tool) {
    this.tool = tool;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(this.tools[at] === tool)));
  }

  /** Apply the selected ink or background colour. */
  setColour(which) {
    const selected = [1, 3, 5].map((at) => parseInt(this.colours[which].value.slice(at, at + 2), 16));
    if (which === "background") this.layer.setBackground(selected);
    else this.layer.colour = selected;
    this.render();
  }

  clear() {
    this.keep();
    this.layer.clear();
    this.render();
  }

  /** Draw a line through points of the unit square. */
  draw(points) {
    const [start, ...ends] = points.map(([x, y]) => [x * this.layer.width, y * this.layer.height]);
    this.layer.beginStroke();
    ends.reduce((from, to) => (this.layer.stroke("ink", from, to), to), start);
    this.render();
  }

  /** Replace every pixel p by 255 - p. */
  invert() {
    this.keep();
    this.layer.invert();
    this.render();
  }

  /** Replace the drawing by `pixels` [C, H, W] in 0..255. */
  set(pixels) {
    this.keep();
    this.layer.set(pixels);
    this.render();
  }

  /** The drawing as uint8 [C*H*W]. */
  get pixels() {
    return Uint8Array.from(this.layer.pixels, Math.round);
  }

  /** The mask as uint8 [H*W], null where nothing is marked. */
  get mask() {
    return this.layer.mask.some(Boolean) ? this.layer.mask : null;
  }

  get isBlank() {
    return this.layer.isBlank;
  }

  startStroke(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.keep();
    this.layer.beginStroke();
    this.last = this.pixelOf(event);
    this.stroke(this.last, this.last);
  }

  continueStroke(event) {
    if (!this.last) return;
    const next = this.pixelOf(event);
    this.stroke(this.last, next);
    this.last = next;
  }

  stroke(from, to) {
    this.layer.stroke(this.tool, from, to);
    this.render();
  }

  /** Return the position of a pointer in pixels of the drawing. */
  pixelOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.layer.width, ((event.clientY - box.top) / box.height) * this.layer.height];
  }

  pressKey(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const ends = [this.layer.width, this.layer.height];
    // The cursor is at the centre of a pixel: a stroke along its corner would be two pixels wide, both of them grey.
    this.cursor ??= ends.map((end) => Math.floor(end / 2) + 0.5);
    const before = this.cursor;
    if (move) this.cursor = before.map((value, axis) => Math.max(0.5, Math.min(value + move[axis], ends[axis] - 0.5)));
    else if ((this.isDown = !this.isDown)) {
      this.keep();
      this.layer.beginStroke();
    }
    if (this.isDown) this.layer.stroke(this.tool, before, this.cursor);
    this.announce();
    this.render();
  }

  /** Announce tool and position in the live region, after ANNOUNCE_DELAY without a key press. */
  announce() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.cursor) return;
      const [column, row] = this.cursor.map((value) => Math.ceil(value));
      this.position.textContent = `${TOOLS[this.tool]}: tool ${this.isDown ? "down" : "up"} at column ${column}, row ${row}.`;
    }, ANNOUNCE_DELAY);
  }

  leave() {
    this.isDown = false;
    this.cursor = null;
    this.position.textContent = "";
    this.render();
  }

  /** Write the drawing to the session storage, after SAVE_DELAY without a change. */
  save() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      store(this.key, [encodeBase64(this.pixels), encodeBase64(this.layer.mask)]);
    }, SAVE_DELAY);
  }

  render() {
    for (const [which, field] of Object.entries(this.colours))
      field.value = `#${this.layer[which].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
    paintDrawing(this.canvas, this.layer, this.cursor && { at: this.cursor, colour: this.isDown ? [255, 90, 90, 255] : [110, 190, 255, 255] });
    this.save();
    const painted = encodeBase64(this.pixels);
    if (painted === this.painted) return;
    this.painted = painted;
    this.element.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
