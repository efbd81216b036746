/** A time slider with buttons to play and to step. */

import { h } from "../parts/element.js";

const INTERVAL = 110;

export class Timeline {
  /** `onmove(index)` is called for every moment shown, `text(index)` describes it. */
  constructor({ onmove, text }) {
    Object.assign(this, { onmove, text, timer: null, index: 0, last: 0 });
    this.slider = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "time", oninput: () => this.seek(Number(this.slider.value)) });
    this.position = h("span", { class: "position" });
    this.button = h("button", { type: "button", onclick: () => this.toggle() });
    const [back, forward] = [[-1, "◂", "previous step"], [1, "▸", "next step"]].map(([by, sign, label]) => h("button", { type: "button", "aria-label": label, onclick: () => this.seek(this.index + by) }, sign));
    this.element = h("div", { class: "controls" }, this.button, back, forward, this.slider, this.position);
    this.stop();
  }

  /** Start over with moments 0 to `last`, playing, or at the last one where the reader prefers reduced motion. */
  begin(last) {
    this.stop();
    this.slider.max = this.last = last;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.show(last);
    this.show(0);
    this.toggle();
  }

  seek(index) {
    this.stop();
    this.show(index);
  }

  show(index) {
    this.index = Math.max(0, Math.min(index, this.last));
    this.slider.value = this.index;
    this.position.textContent = this.text(this.index);
    this.slider.setAttribute("aria-valuetext", this.position.textContent);
    this.onmove(this.index);
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.index >= this.last) this.show(0);
    this.button.textContent = "❚❚";
    this.button.setAttribute("aria-label", "pause");
    this.timer = setInterval(() => (this.index >= this.last ? this.stop() : this.show(this.index + 1)), INTERVAL);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "▶";
    this.button.setAttribute("aria-label", "play");
  }
}
