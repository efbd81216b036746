/** Sampling by the server that this page came from: JSON endpoints, and a stream of server-sent events. */

import { decodeBase64 } from "./base64.js";

const modelPath = (name, ...rest) => ["/api/models", ...[name, ...rest].map(encodeURIComponent)].join("/");

export const remote = {
  canTrain: true,
  canCompareExact: true,
  canEncode: true,
  apiReferenceUrl: "/api",

  models: () => getJson("/api/models"),
  card: (name) => getJson(modelPath(name)),
  history: (name) => getJson(modelPath(name, "history")),
  milestone: (name, milestone) => getJson(modelPath(name, "milestones", milestone)),
  schedule: (name) => getJson(modelPath(name, "schedule")),
  quality: (name) => getJson(modelPath(name, "quality")),
  prompt,
  parameters: async (request) => (await post("/api/parameters", { request })).json(),
  sample,
  live,
  denoise,
  nearest: async (body) => (await post("/api/nearest", body)).json(),
};

forgetExport().catch(() => {});

/** Remove an exported page that was served at this address before: it would be shown whenever this server has ended. */
async function forgetExport() {
  const kept = await navigator.serviceWorker?.getRegistration();
  const script = (kept?.active ?? kept?.waiting ?? kept?.installing)?.scriptURL ?? "";
  if (!script.endsWith("/service_worker.js")) return;
  const names = (await caches.keys()).filter((name) => name.startsWith(`inkwash ${kept.scope} `));
  // The service worker of another application may have this name.
  if (!names.length) return;
  await kept.unregister();
  await Promise.all(names.map((name) => caches.delete(name)));
}

async function getJson(path) {
  const response = await request(path, {});
  return response.json();
}

/** Resolve to { text, labels, attributes } of a prompt. Throws an Error where it is refused. */
async function prompt(body) {
  const { problem, ...meaning } = await (await post("/api/prompt", body)).json();
  if (problem) throw failure(problem);
  return meaning;
}

/** Yield the events of a sampling request, { kind, ... }. Throws an Error with one line when it fails or is refused. */
async function* sample(body, signal) {
  const response = await post("/api/sample", body, signal);
  let shape = null, isDone = false;
  for await (const [kind, values] of serverSentEvents(response.body)) {
    if (kind === "failed") throw failure(values);
    isDone ||= kind === "done";
    if (kind === "begin") shape = values.shape;
    if (kind === "step") {
      for (const name of ["x", "denoised", "exact"]) if (values[name]) values[name] = decodeBase64(values[name], shape.length === 1);
      if (values.field) values.field = decodeBase64(values.field, true);
    }
    yield { kind, ...values };
  }
  if (!isDone && !signal?.aborted) lost(new Error());
}

/** Resolve to the pixels of a live request, uint8 [N * C * H * W]. Throws as `sample`. */
async function live(body, signal) {
  const response = await post("/api/live", body, signal);
  return new Uint8Array(await response.arrayBuffer());
}

/** Resolve to the answer of a denoising request, its images Float32Array [C * H * W]. Throws as `sample`. */
async function denoise(body, signal) {
  const answer = await (await post("/api/denoise", body, signal)).json();
  for (const [name, value] of Object.entries(answer)) if (typeof value === "string") answer[name] = decodeBase64(value, true);
  return answer;
}

const post = (path, body, signal) =>
  request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not respond: check that 'inkwash serve' is still running");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw failure({ ...body, error: body.error ?? `the server responded with status ${response.status}` });
}

/** Return an Error with the code and the field of an error of the server. */
const failure = ({ error, code = null, field = null }) => Object.assign(new Error(error), { code, field });

/** Throw the error of a connection that ended within a response. */
function lost(error) {
  if (error.name === "AbortError") throw error;
  throw new Error("the server ended while it was sampling: start 'inkwash serve' again");
}

async function* serverSentEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const [first, second] = block.split("\n");
      yield [first.slice("event: ".length), JSON.parse(second.slice("data: ".length))];
    }
  }
}
