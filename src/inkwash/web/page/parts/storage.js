/** Values that last until the tab is closed, also after a reload. */

/** Return the value that was stored under `key`, null for none. */
export function stored(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

export function store(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage, or beyond its size, the value lasts until the page is left.
  }
}
