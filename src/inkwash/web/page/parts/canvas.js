/**
 * A canvas to draw on with mouse, finger or keys: ink on a ground, and a stencil of what the model shall paint anew.
 *
 * Arrow keys move a cursor, space puts the tool down or lifts it.
 */

import { InkLayer } from "./ink_layer.js";
import { of } from "./element.js";
import { readImage } from "./image_file.js";

const TOOLS = { ink: "Draw", rub: "Rub out", stencil: "Mark to paint anew", unmark: "Unmark" };
const TINT = [190, 110, 40];
/** Milliseconds of rest before the cursor's place is said: held keys would talk without end. */
const REST = 400;

export class InkCanvas {
  /** `say` says what is wrong with a file. */
  constructor(shape, say) {
    this.drawing = new InkLayer(shape);
    Object.assign(this, { say, tool: "ink", cursor: null, down: false });
    const { height, width, channels } = this.drawing;
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
    this.heard = of("p", { class: "hint", role: "status" });
    const [ink, ground] = ["colour", "ground"].map((which) => of("input", { type: "color", oninput: () => this.dip(which) }));
    this.colours = { colour: ink, ground };
    this.element = of(
      "div",
      { class: "stack" },
      this.canvas,
      this.heard,
      of("div", { class: "chips", role: "group", "aria-label": "Tools" }, this.buttons, of("button", { type: "button", onclick: () => this.clear() }, "Clear")),
      channels === 3 && of("div", { class: "pair" }, of("label", { class: "field" }, "Ink", ink), of("label", { class: "field" }, "Ground", ground)),
      of("label", { class: "field" }, "or load a picture", this.file),
    );
    this.show();
  }

  take(tool) {
    this.tool = tool;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(Object.keys(TOOLS)[at] === tool)));
  }

  /** Draw on with the colour that was chosen, or lay another ground. */
  dip(which) {
    const chosen = [1, 3, 5].map((at) => parseInt(this.colours[which].value.slice(at, at + 2), 16));
    if (which === "ground") this.drawing.lay(chosen);
    else this.drawing.colour = chosen;
    this.show();
  }

  clear() {
    this.drawing.clear();
    this.show();
  }

  /** Take pixels [C, H, W] as the drawing. */
  set(pixels) {
    this.drawing.set(pixels);
    this.show();
  }

  /** The drawing as uint8 [C*H*W]. */
  get pixels() {
    return Uint8Array.from(this.drawing.ink, Math.round);
  }

  /** The stencil as bytes [H*W], null where nothing is marked. */
  get marked() {
    return this.drawing.stencil.some(Boolean) ? this.drawing.stencil : null;
  }

  get empty() {
    return this.drawing.empty;
  }

  press(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing.begin();
    this.last = this.at(event);
    this.stroke(this.last, this.last);
  }

  drag(event) {
    if (!this.last) return;
    const now = this.at(event);
    this.stroke(this.last, now);
    this.last = now;
  }

  stroke(from, to) {
    this.drawing.stroke(this.tool, from, to);
    this.show();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.drawing.width, ((event.clientY - box.top) / box.height) * this.drawing.height];
  }

  key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const ends = [this.drawing.width, this.drawing.height];
    // in the middle of a pixel: a stroke along its corner would be two of them wide, and both grey
    this.cursor ??= ends.map((end) => Math.floor(end / 2) + 0.5);
    const before = this.cursor;
    if (move) this.cursor = before.map((value, axis) => Math.max(0.5, Math.min(value + move[axis], ends[axis] - 0.5)));
    else if ((this.down = !this.down)) this.drawing.begin();
    if (this.down) this.drawing.stroke(this.tool, before, this.cursor);
    this.tell();
    this.show();
  }

  /** Say where the tool is, and whether it is down, once the keys rest. */
  tell() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      if (!this.cursor) return;
      const [column, row] = this.cursor.map((value) => Math.ceil(value));
      this.heard.textContent = `${TOOLS[this.tool]}: tool ${this.down ? "down" : "up"} at column ${column}, row ${row}.`;
    }, REST);
  }

  lift() {
    this.down = false;
    this.cursor = null;
    this.heard.textContent = "";
    this.show();
  }

  async load() {
    const [file] = this.file.files;
    if (!file) return;
    this.say("");
    try {
      const { pixels, cropped } = await readImage(file, this.drawing);
      this.set(pixels);
      if (cropped) this.say(`${file.name} was cropped to its middle square.`);
    } catch (error) {
      // left there it would look as if it had been taken
      this.file.value = "";
      this.say(error.message, true);
    }
  }

  show() {
    const { channels, height, width, ink, stencil } = this.drawing;
    for (const [which, field] of Object.entries(this.colours))
      field.value = `#${this.drawing[which].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      const marked = stencil[place] ? 0.55 : 0;
      for (let c = 0; c < 3; c++) {
        const value = ink[(channels === 1 ? 0 : c) * width * height + place];
        image.data[4 * place + c] = value * (1 - marked) + TINT[c] * marked;
      }
      image.data[4 * place + 3] = 255;
    }
    if (this.cursor) {
      const place = Math.floor(this.cursor[1]) * width + Math.floor(this.cursor[0]);
      image.data.set(this.down ? [255, 90, 90, 255] : [110, 190, 255, 255], 4 * place);
    }
    context.putImageData(image, 0, 0);
  }
}
