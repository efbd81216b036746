/** The views that were left: their elements while the model stays selected, and their parameters, also after a reload. */

import { store, stored } from "./storage.js";

/** Parameters that depend on the model: another one starts with its own. */
const OF_MODEL = ["sampler", "steps", "guidance", "eta", "temperature", "weight", "configurations"];
const KEY = "inkwash-views";

export class ViewStore {
  constructor() {
    this.kept = new Map();
    this.hashes = new Map();
    this.stored = stored(KEY) ?? {};
  }

  /** Keep a mounted view { element, model, dispose, params } in the place of the previous one; without `params` it is not kept. */
  keep(name, mounted) {
    this.kept.get(name)?.dispose();
    this.hashes.delete(name);
    if (mounted.params) this.kept.set(name, mounted);
    else this.kept.delete(name);
  }

  /** Return the mounted view of this model, null for none. */
  mounted(name, model) {
    const found = this.kept.get(name);
    return found?.model.name === model.name ? found : null;
  }

  /** Remember the parameters of a view of a model, and the part of its URL after "#". */
  remember(name, model, params, hash) {
    this.hashes.set(name, hash);
    this.stored[name] = { model, params };
    store(KEY, this.stored);
  }

  /** Return the part of the URL that a view last had, null for none. */
  hash(name) {
    return this.hashes.get(name) ?? null;
  }

  /** Return the remembered parameters; for another model those that do not depend on it. */
  params(name, model) {
    const { model: before, params = {} } = this.stored[name] ?? {};
    return Object.fromEntries(Object.entries(params).filter(([key]) => before === model || !OF_MODEL.includes(key)));
  }
}
