/** Drawing by the server that this page came from: JSON, and a stream of events while it draws. */

import { unpacked } from "./base64.js";

export const remote = {
  canTrain: true,
  canCompareExact: true,
  reference: "/api",

  models: () => asked("/api/models"),
  card: (name) => asked(`/api/models/${encodeURIComponent(name)}`),
  history: (name) => asked(`/api/models/${encodeURIComponent(name)}/history`),
  picture: (name, which) => asked(`/api/models/${encodeURIComponent(name)}/pictures/${encodeURIComponent(which)}`),
  schedule: (name) => asked(`/api/models/${encodeURIComponent(name)}/schedule`),
  quality: (name) => asked(`/api/models/${encodeURIComponent(name)}/quality`),
  sample,
};

async function asked(path) {
  const answer = await reached(path, {});
  return answer.json();
}

/** Yield the events of a drawing, { kind, ... }; throws an Error with one line when it fails or is refused. */
async function* sample(request, signal) {
  const answer = await reached("/api/sample", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    signal,
  });
  let shape = null;
  for await (const [kind, values] of events(answer.body)) {
    if (kind === "failed") throw new Error(values.error);
    if (kind === "begin") shape = values.shape;
    if (kind === "step") {
      for (const name of ["x", "denoised", "exact"]) if (values[name]) values[name] = unpacked(values[name], shape.length === 1);
      if (values.field) values.field = unpacked(values.field, true);
    }
    yield { kind, ...values };
  }
}

async function reached(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer: is 'inkwash serve' still running?");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ?? `the server answered ${answer.status}`);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    const blocks = held.split("\n\n");
    held = blocks.pop();
    for (const block of blocks) {
      const [first, second] = block.split("\n");
      yield [first.slice("event: ".length), JSON.parse(second.slice("data: ".length))];
    }
  }
}
