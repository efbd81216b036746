/**
 * The sampling engine of an exported page, with the interface of page/engine/remote.js: it samples in a worker, so that
 * the page responds while the network runs.
 */

import { build, curves } from "../math/schedules.js";

let loading = null, worker = null, lastId = 0, isKept = false;
const receivers = new Map();

/** Return the metadata in models.json, a list; a download that failed is tried again at the next call. */
const metadata = () => (loading ??= load().catch((error) => ((loading = null), Promise.reject(error))));

const modelOf = async (name) => (await metadata()).find(({ model }) => model.name === name);

async function load() {
  const response = await fetch(new URL("../models.json", import.meta.url)).catch(() => null);
  if (!response?.ok) throw new Error("models.json cannot be loaded: check the connection and try again");
  return response.json();
}

export const engine = {
  canTrain: false,
  canCompareExact: false,
  canEncode: false,
  apiReferenceUrl: null,
  models: async () => (await metadata()).map(({ model }) => model),
  history: async (name) => (await modelOf(name)).history,
  quality: async (name) => (await modelOf(name)).quality,
  schedule: async (name) => {
    const { schedule, names } = await modelOf(name);
    return { name: names.trained, sampled_name: names.sampled, curves: { trained: curves(build(schedule.trained)), sampled: curves(build(schedule.sampled)) } };
  },
  sample: (request, signal) => call("sample", request, signal),
  live: (request, signal) => only("live", request, signal),
  denoise: (request, signal) => only("denoise", request, signal),
};

/** Resolve to the answer of a request that has one, which the progress of a download precedes; null when it was aborted. */
async function only(method, request, signal) {
  for await (const event of call(method, request, signal)) if (event.kind !== "loading") return event;
  return null;
}

/** Yield the events of a request to the worker. Throws an Error with one line when it fails, an AbortError when aborted. */
async function* call(method, request, signal) {
  worker ??= start();
  const id = ++lastId, queue = [];
  let wake = () => {};
  const receive = (message) => {
    queue.push(message);
    wake();
  };
  const abort = () => {
    worker?.postMessage({ abort: id });
    receive({ aborted: true });
  };
  receivers.set(id, receive);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  else worker.postMessage({ id, method, request });
  try {
    for (;;) {
      while (!queue.length) await new Promise((resolve) => (wake = resolve));
      const { event, error, end, aborted } = queue.shift();
      if (aborted) throw new DOMException("stopped", "AbortError");
      if (error) {
        if (!/fetch|wasm|loaded/i.test(error)) throw new Error(error);
        // A runtime that could not be loaded stays broken: the next request starts a new worker.
        discard();
        throw new Error(`the network cannot be loaded: check the connection and try again (${error})`);
      }
      if (end) return keep();
      yield event;
    }
  } finally {
    receivers.delete(id);
    signal?.removeEventListener("abort", abort);
  }
}

/** Keep the page for the next visit, when its large files have been read, so that they are not read twice at once. */
function keep() {
  // There are service workers on localhost and with https only.
  if (!isKept) navigator.serviceWorker?.register(new URL("../service_worker.js", import.meta.url)).catch(() => {});
  isKept = true;
}

function start() {
  const made = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data }) => receivers.get(data.id)?.(data));
  made.addEventListener("error", () => {
    for (const receive of receivers.values()) receive({ error: "the engine cannot be loaded" });
  });
  return made;
}

function discard() {
  worker?.terminate();
  worker = null;
  for (const receive of receivers.values()) receive({ error: "the engine was restarted" });
}
