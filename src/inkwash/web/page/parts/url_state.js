/** The parameters in the URL of a view; each is validated against the range of its field, and invalid ones are collected. */
export class UrlState {
  /** With `isIdle` the view does not sample at once. */
  constructor(query = "", isIdle = false) {
    this.params = new URLSearchParams(query);
    this.isIdle = isIdle;
    this.invalid = [];
  }

  /** Return the number `name`, an integer unless `step` is "any"; `fallback` if it is missing or out of range. */
  number(name, fallback, { min, max, step = 1 }) {
    const value = Number(this.text(name, ""));
    return this.validated(name, fallback, value >= min && value <= max && (step !== 1 || Number.isInteger(value)));
  }

  /** Return the value of `name` if it is one of `options`. */
  choice(name, fallback, options) {
    return this.validated(name, fallback, options.includes(this.params.get(name)));
  }

  /** Return those of `options` that are in the comma-separated list `name`. */
  list(name, options) {
    const values = this.text(name, "").split(",").filter(Boolean);
    this.validated(name, "", values.every((each) => options.includes(each)));
    return values.filter((each) => options.includes(each));
  }

  /** Return the numbers by name in a list written NAME:NUMBER,…; none where one is not possible by `isValid(name, number)`. */
  pairs(name, isValid) {
    const written = this.text(name, "").split(",").filter(Boolean).map((each) => each.split(":"));
    const values = written.map(([key, value]) => [key, value ? Number(value) : NaN]);
    const found = this.validated(name, "", values.every(([key, value]) => isValid(key, value)));
    return found ? Object.fromEntries(values) : {};
  }

  has(name) {
    return this.params.has(name);
  }

  text(name, fallback) {
    return this.params.get(name) ?? fallback;
  }

  validated(name, fallback, isValid) {
    if (!this.params.get(name)) return fallback;
    if (!isValid) this.invalid.push(name);
    return isValid ? this.params.get(name) : fallback;
  }

  /** Return whether the view should sample at once: `name` is given, no parameter is invalid, and it is not idle. */
  shouldSample(name) {
    return this.params.has(name) && !this.invalid.length && !this.isIdle;
  }

  /** The invalid parameters as written in the URL, and the others by name. */
  get invalidParameters() {
    return this.invalid.map((name) => `${name}=${this.params.get(name)}`);
  }

  get valid() {
    return Object.fromEntries([...this.params].filter(([name]) => !this.invalid.includes(name)));
  }
}
