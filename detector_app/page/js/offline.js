/** The page kept on this device by ../sw.js, so that it opens without a network. */

/** Have the page's own files kept: those that were loaded so far, and from then on each that is loaded. */
export async function keepForOffline() {
  if (!navigator.serviceWorker) return; // not on http:// of another machine
  try {
    navigator.serviceWorker.addEventListener("controllerchange", tellWhatIsLoaded); // the first one, or its successor
    await navigator.serviceWorker.register(new URL("../sw.js", import.meta.url));
  } catch {
    // A browser that keeps nothing for this page; it works all the same while there is a network.
  }
}

function tellWhatIsLoaded() {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  navigator.serviceWorker.controller.postMessage([location.href, ...loaded]);
}
