/** The files of an exported page in its worker: the runtime, and the network and the samples of every model. */

import * as ort from "./runtime.js";

const folder = new URL("../", import.meta.url);
const RUNTIME = new URL("ort-wasm-simd-threaded.wasm", ort.FOLDER);
/** Promises of the files that were read, by URL; a worker whose download failed is discarded. */
const downloads = new Map(), sessions = new Map();

ort.env.wasm.wasmPaths = ort.FOLDER.href;
// Threads require headers that a plain file server does not send.
ort.env.wasm.numThreads = 1;

/** Return what `make` returned for `key` at the first call. */
function once(cached, key, make) {
  if (!cached.has(key)) cached.set(key, make());
  return cached.get(key);
}

/** Return the bytes of a file of a model. */
export function fileOf(data, name) {
  const url = new URL(`${data.folder}/${name}`, folder);
  return once(downloads, url.href, () => download(url, () => {}));
}

/** Return the session of a network, created at the first call; `report` receives the progress of its download. */
export const session = (data, report) => once(sessions, data.folder, () => createSession(new URL(`${data.folder}/model.onnx`, folder), report));

async function createSession(url, report) {
  const loaded = {}, totals = {};
  const files = [RUNTIME, url].map((from, at) =>
    once(downloads, from.href, () =>
      download(from, (bytes, total) => {
        [loaded[at], totals[at]] = [bytes, total];
        const sum = (parts) => Object.values(parts).reduce((all, each) => all + each, 0);
        report({ kind: "loading", loaded: sum(loaded), total: sum(totals) });
      }),
    ),
  );
  const [runtime, network] = await Promise.all(files);
  ort.env.wasm.wasmBinary = runtime.buffer;
  return ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
}

/** Return the bytes of a file; `report(loaded, total)` is called for each part that arrives. */
async function download(url, report) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} cannot be loaded: status ${response.status}`);
  const parts = [], total = Number(response.headers.get("Content-Length") ?? 0), reader = response.body.getReader();
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    report((size += value.length), Math.max(size, total));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
