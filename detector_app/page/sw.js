/**
 * The service worker: keeps the page's own files, so that it opens without a network, too. An answer or a photo is never
 * kept, for the calls that carry them are left to the network.
 */

// Another name when what is kept changes in kind. The files themselves are asked for anew whenever there is a network.
const CACHE = "page-1";

// What answers without the service, which js/device/kept.js looks after.
const DEVICE = "device-1";

const OWN_FILES = /^\/(|index\.html|style\.css|favicon\.svg|manifest\.json|(js|breeds|icons|samples)\/.+|runtime\/[^/]+\.js)$/;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  // Not even seen by this worker, where Chromium would hold each photo until garbage is collected, hundreds later.
  // Browsers without such routes call the listener below, which lets them go.
  event.addRoutes?.({ condition: { requestMethod: "POST" }, source: "network" });
});

self.addEventListener("activate", (event) => event.waitUntil(begin()));

// The page tells what it loaded before this worker was there to see it, and may wait until it is kept.
self.addEventListener("message", (event) => event.waitUntil(keep(event.data).then(() => event.ports[0]?.postMessage(null))));

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && pathOf(event.request.url)) event.respondWith(answer(event));
});

async function begin() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE && name !== DEVICE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function keep(urls) {
  const cache = await caches.open(CACHE);
  const keepOne = async (url) => {
    const path = pathOf(url);
    if (!path || (await cache.match(path))) return;
    const response = await fetch(url, { cache: "force-cache" }); // just loaded, so that it is not loaded again
    if (response.ok) await cache.put(path, response);
  };
  await Promise.all(urls.map(keepOne));
}

/** Answer from the network, which asks by ETag; from what is kept only if there is no network. */
async function answer(event) {
  const path = pathOf(event.request.url);
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(put(path, response.clone()));
    return response;
  } catch (failure) {
    const kept = await caches.match(path, { cacheName: CACHE });
    if (!kept) throw failure;
    return kept;
  }
}

async function put(path, response) {
  const cache = await caches.open(CACHE);
  await cache.put(path, response);
}

/** Return the path under which a file of the page is kept, whatever was asked of it; null for all else. */
function pathOf(url) {
  const { origin, pathname } = new URL(url);
  return origin === self.location.origin && OWN_FILES.test(pathname) ? pathname : null;
}
