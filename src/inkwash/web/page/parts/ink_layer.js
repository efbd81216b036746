/**
 * What is drawn by hand: pixels [C, H, W] on a ground, and a stencil [H, W] of what the model shall paint anew.
 *
 * A stroke is one coat over what was there before: going over a place twice makes its soft edge no harder.
 */

/** How far a tool reaches from its middle, in widths of the picture. */
const REACH = { ink: 0.036, rub: 0.08, stencil: 0.07, unmark: 0.07 };
/** The least that any tool reaches, in pixels: thinner it would be grey wherever it does not meet a pixel's middle. */
const LEAST = 0.75;
const WHITE = [255, 255, 255], BLACK = [0, 0, 0];
/** Levels of a channel that are one colour to whoever asks for the most common one. */
const ALIKE = 16;

export class InkLayer {
  constructor([channels, height, width]) {
    Object.assign(this, { channels, height, width, colour: WHITE, ground: BLACK });
    this.ink = new Float32Array(channels * height * width);
    this.stencil = new Uint8Array(height * width);
    this.begin();
  }

  /** All ground again, and nothing marked. */
  clear() {
    this.stencil.fill(0);
    this.each((at, place, channel) => (this.ink[at] = this.ground[channel]));
  }

  get empty() {
    let found = true;
    this.each((at, place, channel) => (found &&= Math.round(this.ink[at]) === this.ground[channel]));
    return found;
  }

  /** Take another ground: it shows wherever the one before did. */
  lay(ground) {
    const size = this.height * this.width, before = this.ground;
    this.ground = ground;
    for (let place = 0; place < size; place++) {
      const bare = before.slice(0, this.channels).every((value, channel) => Math.round(this.ink[channel * size + place]) === value);
      if (bare) for (let channel = 0; channel < this.channels; channel++) this.ink[channel * size + place] = ground[channel];
    }
  }

  /** Take pixels [C, H, W]; in colour their ground is what is most common at their border. */
  set(pixels) {
    this.ink.set(pixels);
    if (this.channels === 3) this.ground = this.commonest();
  }

  commonest() {
    const size = this.height * this.width, found = new Map();
    for (let place = 0; place < size; place++) {
      const x = place % this.width, y = Math.floor(place / this.width);
      if (x && y && x < this.width - 1 && y < this.height - 1) continue;
      const colour = [0, 1, 2].map((channel) => this.ink[channel * size + place]);
      const key = colour.map((value) => Math.floor(value / ALIKE)).join();
      found.set(key, [...(found.get(key) ?? []), colour]);
    }
    const most = [...found.values()].sort((a, b) => b.length - a.length)[0];
    return [0, 1, 2].map((channel) => Math.round(most.reduce((sum, colour) => sum + colour[channel], 0) / most.length));
  }

  /** Begin a stroke: what is there now lies under it. */
  begin() {
    this.under = this.ink.slice();
    this.cover = new Float32Array(this.height * this.width);
  }

  /** Draw on with `tool` from one place to another: round, about a fourteenth of the picture wide, soft at its edge. */
  stroke(tool, [x0, y0], [x1, y1]) {
    const reach = Math.max(LEAST, REACH[tool] * this.width), far = reach + 1;
    const along = Math.hypot(x1 - x0, y1 - y0) ** 2;
    for (let y = Math.max(0, Math.floor(Math.min(y0, y1) - far)); y < Math.min(this.height, Math.max(y0, y1) + far); y++) {
      for (let x = Math.max(0, Math.floor(Math.min(x0, x1) - far)); x < Math.min(this.width, Math.max(x0, x1) + far); x++) {
        const t = along ? Math.max(0, Math.min(1, ((x + 0.5 - x0) * (x1 - x0) + (y + 0.5 - y0) * (y1 - y0)) / along)) : 0;
        const away = Math.hypot(x + 0.5 - x0 - t * (x1 - x0), y + 0.5 - y0 - t * (y1 - y0));
        this.touch(tool, y * this.width + x, Math.max(0, Math.min(1, reach + 0.5 - away)));
      }
    }
  }

  touch(tool, place, strength) {
    if (tool === "stencil" || tool === "unmark") {
      if (strength > 0.5) this.stencil[place] = tool === "stencil" ? 255 : 0;
      return;
    }
    const cover = (this.cover[place] = Math.max(this.cover[place], strength));
    const colour = tool === "ink" ? this.colour : this.ground;
    for (let channel = 0; channel < this.channels; channel++) {
      const at = channel * this.height * this.width + place;
      this.ink[at] = this.under[at] * (1 - cover) + colour[channel] * cover;
    }
  }

  each(go) {
    const size = this.height * this.width;
    for (let at = 0; at < this.ink.length; at++) go(at, at % size, Math.floor(at / size));
  }
}
