/** One sampling request at a time, with a button that stops it and its progress: a new one, or leaving the view, stops the current one. */

import { h } from "./element.js";

/** Seconds after which the time that is left is shown. */
const ESTIMATE_AFTER = 2;

/**
 * Return { run, stop, controls, isBusy, error } over `engine`; `error()` is the Error of the last request or null;
 * `controls()` returns a stop button with the progress of the request; progress is also reported through
 * `notify(text, isProblem)`, for which it is announced only at the start and the end.
 */
export function samplingJob(engine, notify) {
  let controller = null, problem = null;
  const made = [];
  const stop = () => {
    if (controller) notify("Stopped.");
    controller?.abort();
    controller = null;
    show(false);
  };
  function show(busy, part = null, text = "") {
    for (const { button, bar, caption } of made) {
      button.disabled = !busy;
      bar.hidden = part === null;
      bar.value = part ?? 0;
      caption.textContent = text;
    }
  }
  /** Return a new row of a stop button, a progress bar and the time that is left. */
  function controls() {
    const button = h("button", { type: "button", disabled: true, onclick: stop }, "Stop");
    const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "progress" }), caption = h("span", { class: "hint" });
    made.push({ button, bar, caption });
    return [button, h("div", { class: "progress" }, bar, caption)];
  }
  /** Run `request`, calling the handlers begin, step and done in `on`. Resolves to whether it ran to its end. */
  async function run(request, on) {
    stop();
    const current = (controller = new AbortController());
    let steps = 1, started = 0;
    problem = null;
    notify("Sampling…");
    show(true);
    try {
      for await (const event of engine.sample(request, current.signal)) {
        if (current.signal.aborted) return false;
        if (event.kind === "waiting") notify(`Queued: ${event.ahead} ahead…`);
        else if (event.kind === "loading") show(true, event.loaded / event.total, `loading the network, ${megabytes(event.loaded)} of ${megabytes(event.total)} MB`);
        else if (event.kind === "begin") {
          [steps, started] = [event.steps, performance.now()];
          notify(`Sampling with ${event.sampler}, ${event.steps} steps…`);
          if (event.warning) notify(event.warning, true);
        } else if (event.kind === "step" || event.kind === "progress") show(true, event.step / steps, timeLeft(event.step, steps, started));
        if (event.kind === "done") notify(`${event.seconds.toFixed(2)} seconds`);
        on[event.kind]?.(event);
      }
      return !current.signal.aborted;
    } catch (error) {
      if (error.name === "AbortError" || current.signal.aborted) return false;
      problem = error;
      notify(error.message, true);
      return false;
    } finally {
      if (controller === current) {
        controller = null;
        show(false);
      }
    }
  }
  return { run, stop, controls, isBusy: () => controller !== null, error: () => problem };
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/** Return the step and, after a while, the seconds that are left; nothing for a request that ends at once. */
function timeLeft(step, steps, started) {
  const elapsed = (performance.now() - started) / 1000;
  if (elapsed < ESTIMATE_AFTER || !step || step >= steps) return "";
  return `step ${step} of ${steps}, about ${Math.ceil((elapsed / step) * (steps - step))} s left`;
}
