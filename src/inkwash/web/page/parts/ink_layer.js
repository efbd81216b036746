/**
 * The pixels [C, H, W] of a drawing over a background, and a mask [H, W] of the area that the model repaints.
 *
 * A stroke is composited once over the pixels before it, so that its soft edge does not harden where it crosses itself.
 */

/** Radius of each tool, as a fraction of the width of the image. */
const RADIUS = { ink: 0.036, erase: 0.08, mask: 0.07, unmask: 0.07 };
/** The smallest radius in pixels: a thinner stroke would be grey wherever it does not meet the centre of a pixel. */
const MIN_RADIUS = 0.75;
const WHITE = [255, 255, 255], BLACK = [0, 0, 0];
/** Width of a histogram bin in which colours of the border count as equal. */
const COLOUR_BIN = 16;

export class InkLayer {
  /** Light ink on black, dark ink on white where `isPaper`. */
  constructor([channels, height, width], isPaper = false) {
    Object.assign(this, { channels, height, width, colour: isPaper ? BLACK : WHITE, background: isPaper ? WHITE : BLACK });
    this.pixels = new Float32Array(channels * height * width).fill(isPaper ? 255 : 0);
    this.mask = new Uint8Array(height * width);
    this.beginStroke();
  }

  /** Fill with the background, and clear the mask. */
  clear() {
    const size = this.height * this.width;
    this.mask.fill(0);
    for (let channel = 0; channel < this.channels; channel++) this.pixels.fill(this.background[channel], channel * size, (channel + 1) * size);
  }

  /** Invert all pixels. */
  invert() {
    this.set(this.pixels.map((value) => 255 - value));
  }

  get isBlank() {
    return this.mask.every((_, at) => this.isBackground(at));
  }

  isBackground(at) {
    const size = this.height * this.width;
    return this.background.slice(0, this.channels).every((value, channel) => Math.round(this.pixels[channel * size + at]) === value);
  }

  /** Change the background colour, in all pixels that have the old one. */
  setBackground(background) {
    const size = this.height * this.width;
    const bare = Array.from(this.mask, (_, at) => this.isBackground(at));
    this.background = background;
    for (let at = 0; at < size; at++) if (bare[at]) for (let channel = 0; channel < this.channels; channel++) this.pixels[channel * size + at] = background[channel];
  }

  /** Replace the pixels [C, H, W]; in colour, the background becomes the most common colour of the border. */
  set(pixels) {
    this.pixels.set(pixels);
    if (this.channels === 3) this.background = this.borderColour();
  }

  borderColour() {
    const size = this.height * this.width, bins = new Map();
    for (let at = 0; at < size; at++) {
      const x = at % this.width, y = Math.floor(at / this.width);
      if (x && y && x < this.width - 1 && y < this.height - 1) continue;
      const colour = [0, 1, 2].map((channel) => this.pixels[channel * size + at]);
      const key = colour.map((value) => Math.floor(value / COLOUR_BIN)).join();
      bins.set(key, [...(bins.get(key) ?? []), colour]);
    }
    const most = [...bins.values()].sort((a, b) => b.length - a.length)[0];
    return [0, 1, 2].map((channel) => Math.round(most.reduce((sum, colour) => sum + colour[channel], 0) / most.length));
  }

  /** Start a stroke: it is composited over the current pixels. */
  beginStroke() {
    this.before = this.pixels.slice();
    this.coverage = new Float32Array(this.height * this.width);
  }

  /** Add a segment with round ends and a soft edge to the stroke of `tool`. */
  stroke(tool, [x0, y0], [x1, y1]) {
    const radius = Math.max(MIN_RADIUS, RADIUS[tool] * this.width), margin = radius + 1;
    const squaredLength = Math.hypot(x1 - x0, y1 - y0) ** 2;
    for (let y = Math.max(0, Math.floor(Math.min(y0, y1) - margin)); y < Math.min(this.height, Math.max(y0, y1) + margin); y++) {
      for (let x = Math.max(0, Math.floor(Math.min(x0, x1) - margin)); x < Math.min(this.width, Math.max(x0, x1) + margin); x++) {
        const t = squaredLength ? Math.max(0, Math.min(1, ((x + 0.5 - x0) * (x1 - x0) + (y + 0.5 - y0) * (y1 - y0)) / squaredLength)) : 0;
        const distance = Math.hypot(x + 0.5 - x0 - t * (x1 - x0), y + 0.5 - y0 - t * (y1 - y0));
        this.composite(tool, y * this.width + x, Math.max(0, Math.min(1, radius + 0.5 - distance)));
      }
    }
  }

  composite(tool, at, strength) {
    if (tool === "mask" || tool === "unmask") {
      if (strength > 0.5) this.mask[at] = tool === "mask" ? 255 : 0;
      return;
    }
    const coverage = (this.coverage[at] = Math.max(this.coverage[at], strength));
    const colour = tool === "ink" ? this.colour : this.background;
    for (let channel = 0; channel < this.channels; channel++) {
      const index = channel * this.height * this.width + at;
      this.pixels[index] = this.before[index] * (1 - coverage) + colour[channel] * coverage;
    }
  }
}
