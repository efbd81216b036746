/** One drawing at a time: begin, hear every event, stop when another begins or the view is left. */

/** Return { run, stop, busy, problem } that draws with `engine` and says what happens through `say(text, isProblem)`. */
export function job(engine, say) {
  let control = null, problem = null;
  const stop = () => {
    if (control) say("Stopped.");
    control?.abort();
    control = null;
  };
  /** Draw `request`; `on` has a function for any of begin, step and done. Resolves to whether it came to its end. */
  async function run(request, on) {
    stop();
    const mine = (control = new AbortController());
    problem = null;
    say("Drawing…");
    try {
      for await (const event of engine.sample(request, mine.signal)) {
        if (mine.signal.aborted) return false;
        if (event.kind === "waiting") say(`In line: ${event.ahead} ahead of you…`);
        else if (event.kind === "begin") say(`Drawing with ${event.sampler}, ${event.steps} steps…`);
        if (event.kind === "done") say(`${event.seconds.toFixed(2)} seconds`);
        on[event.kind]?.(event);
      }
      return true;
    } catch (error) {
      if (error.name === "AbortError" || mine.signal.aborted) return false;
      problem = error.message;
      say(problem, true);
      return false;
    } finally {
      if (control === mine) control = null;
    }
  }
  return { run, stop, busy: () => control !== null, problem: () => problem };
}
