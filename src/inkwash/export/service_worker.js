/**
 * Keeps an exported page for visits without a connection, and its large files for every next visit.
 *
 * The export writes VERSION, a hash, and FILES, the paths of the page with its first model, above. Files whose names change
 * with their content come from the cache; all others come from the network first, because another page may be served
 * at the same address later.
 */

const PREFIX = `inkwash ${registration.scope} `, NAME = PREFIX + VERSION;
const LARGE = ["engine/ort-", "models/"], isLarge = (path) => LARGE.some((each) => path.startsWith(each));

addEventListener("install", (event) => event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES.map(fresh)))));
addEventListener("activate", (event) => event.waitUntil(deleteOlder().then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const { request } = event, path = request.url.startsWith(registration.scope) ? request.url.slice(registration.scope.length).split(/[?#]/)[0] : null;
  if (request.method !== "GET" || path === null) return;
  if (isLarge(path)) event.respondWith(fromCache(request));
  else if (path === "" || FILES.includes(path)) event.respondWith(fetch(request, { cache: "no-cache" }).catch(async (error) => (await kept(request)) ?? Promise.reject(error)));
});

/** Return a request for a file, which the browser may have kept from another page of this address unless its name is new. */
const fresh = (path) => (isLarge(path) ? path : new Request(path, { cache: "no-cache" }));

async function deleteOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)));
}

async function kept(request) {
  return (await caches.open(NAME)).match(request, { ignoreSearch: true });
}

/** Return a file from the cache; one of another model is kept when it is first read. */
async function fromCache(request) {
  const found = await kept(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) (await caches.open(NAME)).put(request, response.clone());
  return response;
}
