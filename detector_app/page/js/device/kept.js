/** Files that answer on this device, kept for use without a network; each is what it was when it was made, or it is not used. */

import { Problem } from "../clients/answer.js";
import { call, fetchJson } from "../clients/http.js";

const CACHE = "device-1"; // which ../../sw.js leaves alone
const MODEL = "/api/v1/model";
const RUNTIME = "/runtime/about.json";

/** Return what the gateway says of the model, and the runtime's builds; raise a Problem if it cannot be had. */
export async function askForModel(signal = null) {
  const [model, runtime] = await Promise.all([fetchJson(MODEL, { signal }), askForRuntime(signal)]);
  return { model, runtime };
}

/** Return what the page's runtime is: `{builds: {name: {bytes, sha256}}}`, first the one that most browsers run. */
export function askForRuntime(signal = null) {
  return fetchJson(RUNTIME, { signal });
}

/** Return the same of the model that is kept, whole, or null. */
export async function keptModel() {
  const [model, runtime] = await Promise.all([MODEL, RUNTIME].map(async (path) => (await recall(path))?.json()));
  return model && runtime ? { model, runtime } : null;
}

/** Have the service worker keep files of the page, without which it would not open; return once it does. */
export async function keepFiles(urls) {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    active.postMessage(urls, [port2]);
  });
}

/** Keep what says what the files at `urls` are, now that they are here, and drop all others. */
export async function keepModel({ model, runtime }, urls) {
  await keep(MODEL, new Blob([JSON.stringify(model)]));
  await keep(RUNTIME, new Blob([JSON.stringify(runtime)]));
  const cache = await caches.open(CACHE);
  const named = new Set([MODEL, RUNTIME, ...urls]);
  for (const request of await cache.keys()) if (!named.has(new URL(request.url).pathname)) await cache.delete(request);
}

/**
 * Return a file of `bytes` bytes with this SHA-256 (hex), kept or from the network, and keep it; `tell` hears how many more bytes
 * are here. Raise the Problem "altered" for a file that is another one.
 */
export async function fileOf({ url, bytes, sha256 }, tell) {
  const kept = await recall(url);
  if (kept) {
    const file = new Uint8Array(await kept.arrayBuffer());
    if ((await hashOf(file)) === sha256) {
      tell(bytes);
      return file;
    }
  }
  // Not by the browser's own cache, which would hold it a second time, and hold on to one that came altered.
  const file = await read(await call(url, { cache: "no-store" }), bytes, tell);
  if ((await hashOf(file)) !== sha256) throw new Problem("altered");
  await keep(url, new Blob([file]));
  return file;
}

/** Return a response's body if it has exactly so many bytes. */
async function read(response, bytes, tell) {
  const file = new Uint8Array(bytes);
  let at = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read().catch(() => {
      throw new Problem("unreachable");
    });
    if (done) break;
    if (at + value.length > bytes) throw new Problem("altered");
    file.set(value, at);
    at += value.length;
    tell(value.length);
  }
  if (at < bytes) throw new Problem("altered");
  return file;
}

async function hashOf(file) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function recall(path) {
  return caches.match(path, { cacheName: CACHE }).catch(() => undefined);
}

async function keep(path, blob) {
  try {
    await (await caches.open(CACHE)).put(path, new Response(blob));
  } catch {
    // No room, or a private window: it answers all the same, until the page is closed.
  }
}
