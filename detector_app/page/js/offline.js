/** The page kept on this device by ../sw.js, so that it opens without a network. */

/** Have the page's own files kept: those that were loaded so far, and from then on each that is loaded. */
export async function keepForOffline() {
  if (!navigator.serviceWorker) return; // not on http:// of another machine
  try {
    await navigator.serviceWorker.register(new URL("../sw.js", import.meta.url));
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage([location.href, ...performance.getEntriesByType("resource").map(({ name }) => name)]);
  } catch {
    // A browser that keeps nothing for this page; it works all the same while there is a network.
  }
}
