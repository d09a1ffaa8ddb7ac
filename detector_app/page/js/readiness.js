/** Waiting for the model. */

const FIRST_DELAY = 500; // ms, doubled after each look
const LONGEST_DELAY = 4000; // ms

/** Look until the client's model is ready; tell of what each look finds: "loading", "unreachable", "offline" or "ready". */
export async function untilReady(client, tell) {
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
    const state = navigator.onLine ? await client.state() : "offline";
    tell(state);
    if (state === "ready") return;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
