/**
 * A canvas to draw on with mouse, finger or keys: ink on black, and a stencil of what the model shall paint anew.
 *
 * Arrow keys move a cursor, space puts the tool down or lifts it.
 */

import { of } from "./element.js";

const TOOLS = { ink: "Draw", rub: "Rub out", stencil: "Mark to paint anew", unmark: "Unmark" };

export class Easel {
  constructor([channels, height, width]) {
    Object.assign(this, { channels, height, width, tool: "ink" });
    this.ink = new Float32Array(channels * height * width);
    this.stencil = new Uint8Array(height * width);
    this.cursor = null;
    this.canvas = of("canvas", {
      class: "picture drawing", width, height, tabIndex: 0, role: "application",
      "aria-label": "Drawing. Arrow keys move, space puts the tool down or lifts it.",
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.drag(event),
      onpointerup: () => (this.last = null),
      onpointercancel: () => (this.last = null),
      onkeydown: (event) => this.key(event),
      onblur: () => this.lift(),
    });
    this.buttons = Object.entries(TOOLS).map(([tool, text]) =>
      of("button", { type: "button", "aria-pressed": String(tool === this.tool), onclick: () => this.take(tool) }, text),
    );
    this.file = of("input", { type: "file", accept: "image/*", class: "file", onchange: () => this.load() });
    this.element = of(
      "div",
      { class: "stack" },
      this.canvas,
      of("div", { class: "chips", role: "group", "aria-label": "Tools" }, this.buttons, of("button", { type: "button", onclick: () => this.clear() }, "Clear")),
      of("label", { class: "field" }, "or load a picture", this.file),
    );
    this.show();
  }

  take(tool) {
    this.tool = tool;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(Object.keys(TOOLS)[at] === tool)));
  }

  clear() {
    this.ink.fill(0);
    this.stencil.fill(0);
    this.show();
  }

  /** Take uint8 pixels [C, H, W] as the drawing. */
  set(pixels) {
    this.ink.set(pixels);
    this.show();
  }

  /** The drawing as uint8 [C*H*W]. */
  get pixels() {
    return Uint8Array.from(this.ink, Math.round);
  }

  /** The stencil as bytes [H*W], null where nothing is marked. */
  get marked() {
    return this.stencil.some(Boolean) ? this.stencil : null;
  }

  get empty() {
    return !this.ink.some((value) => value > 0);
  }

  press(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.at(event);
    this.stroke(this.last, this.last);
  }

  drag(event) {
    if (!this.last) return;
    const now = this.at(event);
    this.stroke(this.last, now);
    this.last = now;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
  }

  key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    this.cursor ??= [this.width / 2, this.height / 2];
    const before = this.cursor;
    if (move) this.cursor = [before[0] + move[0], before[1] + move[1]].map((value, axis) => Math.max(0.5, Math.min(value, [this.width, this.height][axis] - 0.5)));
    else this.down = !this.down;
    if (this.down) this.stroke(before, this.cursor);
    this.show();
  }

  lift() {
    this.down = false;
    this.cursor = null;
    this.show();
  }

  /** Put the tool down from one place to another: round, about a fourteenth of the picture wide, soft at its edge. */
  stroke([x0, y0], [x1, y1]) {
    const reach = { ink: 0.036, rub: 0.06, stencil: 0.07, unmark: 0.07 }[this.tool] * this.width;
    const far = reach + 1;
    for (let y = Math.max(0, Math.floor(Math.min(y0, y1) - far)); y < Math.min(this.height, Math.max(y0, y1) + far); y++) {
      for (let x = Math.max(0, Math.floor(Math.min(x0, x1) - far)); x < Math.min(this.width, Math.max(x0, x1) + far); x++) {
        const along = Math.hypot(x1 - x0, y1 - y0) ** 2;
        const t = along ? Math.max(0, Math.min(1, ((x + 0.5 - x0) * (x1 - x0) + (y + 0.5 - y0) * (y1 - y0)) / along)) : 0;
        const away = Math.hypot(x + 0.5 - x0 - t * (x1 - x0), y + 0.5 - y0 - t * (y1 - y0));
        this.touch(y * this.width + x, Math.max(0, Math.min(1, reach + 0.5 - away)));
      }
    }
    this.show();
  }

  touch(place, strength) {
    if (this.tool === "stencil" || this.tool === "unmark") {
      if (strength > 0.5) this.stencil[place] = this.tool === "stencil" ? 255 : 0;
      return;
    }
    for (let c = 0; c < this.channels; c++) {
      const at = c * this.height * this.width + place;
      this.ink[at] = this.tool === "ink" ? Math.max(this.ink[at], 255 * strength) : this.ink[at] * (1 - strength);
    }
  }

  async load() {
    const [file] = this.file.files;
    if (!file) return;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return;
    const small = of("canvas", { width: this.width, height: this.height });
    const context = small.getContext("2d");
    const side = Math.min(bitmap.width, bitmap.height);
    context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, this.width, this.height);
    const { data } = context.getImageData(0, 0, this.width, this.height);
    const grey = this.channels === 1;
    for (let place = 0; place < this.width * this.height; place++) {
      const [r, g, b, a] = data.subarray(4 * place, 4 * place + 4);
      const colour = [r, g, b].map((value) => (value * a) / 255);
      for (let c = 0; c < this.channels; c++) this.ink[c * this.width * this.height + place] = grey ? 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] : colour[c];
    }
    this.show();
  }

  show() {
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.width, this.height);
    for (let place = 0; place < this.width * this.height; place++) {
      const marked = this.stencil[place] ? 0.55 : 0;
      const tint = [190, 110, 40];
      for (let c = 0; c < 3; c++) {
        const value = this.ink[(this.channels === 1 ? 0 : c) * this.width * this.height + place];
        image.data[4 * place + c] = value * (1 - marked) + tint[c] * marked;
      }
      image.data[4 * place + 3] = 255;
    }
    if (this.cursor) {
      const place = Math.floor(this.cursor[1]) * this.width + Math.floor(this.cursor[0]);
      image.data.set(this.down ? [255, 90, 90, 255] : [110, 190, 255, 255], 4 * place);
    }
    context.putImageData(image, 0, 0);
  }
}
