/** One sampling request at a time: a new one, or leaving the view, stops the current one. */

/** Return { run, stop, isBusy, error } over `engine`; progress is reported through `notify(text, isProblem)`. */
export function samplingJob(engine, notify) {
  let control = null, problem = null;
  const stop = () => {
    if (control) notify("Stopped.");
    control?.abort();
    control = null;
  };
  /** Run `request`, calling the handlers begin, step and done in `on`. Resolves to whether it ran to its end. */
  async function run(request, on) {
    stop();
    const current = (control = new AbortController());
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
      problem = error.message;
      notify(problem, true);
      return false;
    } finally {
      if (control === current) control = null;
    }
  }
  return { run, stop, isBusy: () => control !== null, error: () => problem };
}
