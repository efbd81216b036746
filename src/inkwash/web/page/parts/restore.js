/** The settings of a PNG that was saved here, or written on the command line, which is dropped onto the page or chosen. */

import { readMetadata } from "./png.js";

/** Return a function of a file that shows its settings by `go(view, parameters)`, or reports why there are none. */
export function restorer({ engine, go, notify }) {
  return async (file) => {
    if (!file) return;
    try {
      const metadata = readMetadata(new Uint8Array(await file.arrayBuffer()));
      if (typeof metadata?.page === "string") location.hash = metadata.page;
      else if (!metadata?.request) throw new Error(`${file.name} has no settings: give a PNG that inkwash wrote.`);
      else if (!engine.parameters) throw new Error(`${file.name} was written on the command line: only the page of 'inkwash serve' reads it.`);
      else go("sample", await engine.parameters(metadata.request));
    } catch (error) {
      notify(error.message, true);
    }
  };
}

/** Call `restore(file)` with a file that is dropped anywhere but on a field for files or on an element that takes it. */
export function acceptDrops(restore) {
  const isTaken = (event) => event.target.type === "file" || event.defaultPrevented;
  addEventListener("dragover", (event) => {
    if (!isTaken(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (isTaken(event)) return;
    // The browser would leave the page and show the file.
    event.preventDefault();
    restore(event.dataTransfer.files[0]);
  });
}
