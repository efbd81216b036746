/** Repeated work of which only the newest state matters, as while a slider moves. */

/**
 * Return a function that starts `work`, which reads the current state and does not throw. At most one run is in flight;
 * calls during it cause one more run after it, so that the last run has read the last state. It resolves after that run.
 */
export function newest(work) {
  let running = null, isStale = false;
  async function run() {
    while (isStale) {
      isStale = false;
      await work();
    }
    running = null;
  }
  return () => {
    isStale = true;
    return (running ??= run());
  };
}
