/**
 * A canvas to draw on with mouse, touch or keyboard, and a mask of the area that the model repaints.
 *
 * Arrow keys move a cursor; the space bar starts and ends a stroke.
 */

import { InkLayer } from "./ink_layer.js";
import { h } from "./element.js";
import { backgroundOf, readImage } from "./image_file.js";

const TOOLS = { ink: "Draw", erase: "Erase", mask: "Mark area to repaint", unmask: "Unmark" };
const MASK_COLOUR = [190, 110, 40];
const MASK_OPACITY = 0.55;
/** Milliseconds without a key press before the position is announced: a held key would announce every pixel. */
const ANNOUNCE_DELAY = 400;

const DESCRIPTION = { dark: "light on dark", light: "dark on light" };

export class InkCanvas {
  /** `notify` shows problems with files; `expected` is "dark" or "light" where the images of the model have one. */
  constructor(shape, notify, expected = null) {
    this.layer = new InkLayer(shape, expected === "light");
    Object.assign(this, { notify, expected, tool: "ink", cursor: null, isDown: false });
    const { height, width, channels } = this.layer;
    this.canvas = h("canvas", {
      class: "picture drawing", width, height, tabIndex: 0, role: "application",
      "aria-label": "Drawing. Arrow keys move, space starts and ends a stroke.",
      onpointerdown: (event) => this.startStroke(event),
      onpointermove: (event) => this.continueStroke(event),
      onpointerup: () => (this.last = null),
      onpointercancel: () => (this.last = null),
      onkeydown: (event) => this.pressKey(event),
      onblur: () => this.leave(),
    });
    this.buttons = Object.entries(TOOLS).map(([tool, text]) =>
      h("button", { type: "button", "aria-pressed": String(tool === this.tool), onclick: () => this.select(tool) }, text),
    );
    this.file = h("input", { type: "file", accept: "image/*", class: "file", onchange: () => this.load() });
    this.position = h("p", { class: "hint", role: "status" });
    const [ink, background] = ["colour", "background"].map((which) => h("input", { type: "color", oninput: () => this.setColour(which) }));
    this.colours = { colour: ink, background };
    this.element = h(
      "div",
      { class: "stack" },
      this.canvas,
      this.position,
      h("div", { class: "chips", role: "group", "aria-label": "Tools" }, this.buttons, h("button", { type: "button", onclick: () => this.clear() }, "Clear"), h("button", { type: "button", onclick: () => this.invert() }, "Invert")),
      channels === 3 && h("div", { class: "pair" }, h("label", { class: "field" }, "Ink", ink), h("label", { class: "field" }, "Background", background)),
      h("label", { class: "field" }, "or load an image", this.file),
    );
    this.render();
  }

  select(tool) {
    this.tool = tool;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(Object.keys(TOOLS)[at] === tool)));
  }

  /** Apply the selected ink or background colour. */
  setColour(which) {
    const selected = [1, 3, 5].map((at) => parseInt(this.colours[which].value.slice(at, at + 2), 16));
    if (which === "background") this.layer.setBackground(selected);
    else this.layer.colour = selected;
    this.render();
  }

  clear() {
    this.layer.clear();
    this.render();
  }

  /** Replace every pixel p by 255 - p. */
  invert() {
    this.layer.invert();
    this.render();
  }

  /** Replace the drawing by `pixels` [C, H, W] in 0..255. */
  set(pixels) {
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
    else if ((this.isDown = !this.isDown)) this.layer.beginStroke();
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

  async load() {
    const [file] = this.file.files;
    if (!file) return;
    this.notify("");
    try {
      const { pixels, cropped } = await readImage(file, this.layer);
      this.set(pixels);
      const found = backgroundOf(pixels, this.layer);
      const notes = [cropped && `${file.name} is cropped to its central square.`];
      if (this.expected && found && found !== this.expected)
        notes.push(`${file.name} is ${DESCRIPTION[found]}, the images of the model are ${DESCRIPTION[this.expected]}: press Invert.`);
      if (notes.some(Boolean)) this.notify(notes.filter(Boolean).join(" "));
    } catch (error) {
      // The name of a file that was not loaded must not stay in the field.
      this.file.value = "";
      this.notify(error.message, true);
    }
  }

  render() {
    const { channels, height, width, pixels, mask } = this.layer;
    for (const [which, field] of Object.entries(this.colours))
      field.value = `#${this.layer[which].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let at = 0; at < width * height; at++) {
      const opacity = mask[at] ? MASK_OPACITY : 0;
      for (let c = 0; c < 3; c++) {
        const value = pixels[(channels === 1 ? 0 : c) * width * height + at];
        image.data[4 * at + c] = value * (1 - opacity) + MASK_COLOUR[c] * opacity;
      }
      image.data[4 * at + 3] = 255;
    }
    if (this.cursor) {
      const at = Math.floor(this.cursor[1]) * width + Math.floor(this.cursor[0]);
      image.data.set(this.isDown ? [255, 90, 90, 255] : [110, 190, 255, 255], 4 * at);
    }
    context.putImageData(image, 0, 0);
  }
}
