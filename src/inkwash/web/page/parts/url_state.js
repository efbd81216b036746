/** What an address says of a view: every value is held against what its field takes, and what cannot be is kept to tell. */
export class UrlState {
  constructor(said = "") {
    this.said = new URLSearchParams(said);
    this.wrong = [];
  }

  /** The number called `name`, whole unless `step` is "any"; `otherwise` where none is said or it is out of its range. */
  number(name, otherwise, { min, max, step = 1 }) {
    const value = Number(this.text(name, ""));
    return this.held(name, otherwise, value >= min && value <= max && (step !== 1 || Number.isInteger(value)));
  }

  /** What is called `name` where it is one of `options`. */
  choice(name, otherwise, options) {
    return this.held(name, otherwise, options.includes(this.said.get(name)));
  }

  /** Those of `options` that stand in the list called `name`. */
  list(name, options) {
    const asked = this.text(name, "").split(",").filter(Boolean);
    this.held(name, "", asked.every((each) => options.includes(each)));
    return asked.filter((each) => options.includes(each));
  }

  text(name, otherwise) {
    return this.said.get(name) ?? otherwise;
  }

  held(name, otherwise, fits) {
    if (!this.said.get(name)) return otherwise;
    if (!fits) this.wrong.push(name);
    return fits ? this.said.get(name) : otherwise;
  }

  /** Whether it asks for a picture at once by naming `name`: not where something in it is wrong, which nobody wants drawn. */
  asks(name) {
    return this.said.has(name) && !this.wrong.length;
  }

  /** What is wrong in it as one reads it in an address, and what is left without that. */
  get faults() {
    return this.wrong.map((name) => `${name}=${this.said.get(name)}`);
  }

  get right() {
    return Object.fromEntries([...this.said].filter(([name]) => !this.wrong.includes(name)));
  }
}
