/** One sampling request at a time: a new one, or leaving the view, stops the current one. */

/** Return { run, stop, isBusy, error } over `engine`; `error()` is the Error of the last request or null; progress is reported through `notify(text, isProblem)`. */
export function samplingJob(engine, notify) {
  let controller = null, problem = null;
  const stop = () => {
    if (controller) notify("Stopped.");
    controller?.abort();
    controller = null;
  };
  /** Run `request`, calling the handlers begin, step and done in `on`. Resolves to whether it ran to its end. */
  async function run(request, on) {
    stop();
    const current = (controller = new AbortController());
    problem = null;
    notify("Sampling…");
    try {
      for await (const event of engine.sample(request, current.signal)) {
        if (current.signal.aborted) return false;
        if (event.kind === "waiting") notify(`Queued: ${event.ahead} ahead…`);
        else if (event.kind === "begin") notify(`Sampling with ${event.sampler}, ${event.steps} steps…`);
        if (event.kind === "done") notify(`${event.seconds.toFixed(2)} seconds`);
        on[event.kind]?.(event);
      }
      return true;
    } catch (error) {
      if (error.name === "AbortError" || current.signal.aborted) return false;
      problem = error;
      notify(error.message, true);
      return false;
    } finally {
      if (controller === current) controller = null;
    }
  }
  return { run, stop, isBusy: () => controller !== null, error: () => problem };
}
