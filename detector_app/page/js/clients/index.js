/**
 * Choice of the client: one of two ways to a model. Each client has `canExplain`, `canFind`, `state()`, `model()` and
 * `predict(photo, {find, explain, signal})`, and `correct(photo, breed)` where the model's `feedback` says so. A photo is what the
 * preparer makes; `find`, for clients that `canFind` dogs outside a photo's centre, is the gateway's.
 */

import { GatewayClient } from "./gateway.js";

const FIRST_DELAY = 500; // ms between two looks whether the model is ready, doubled after each
const LONGEST_DELAY = 4000; // ms

/** Return the client that the page's address asks for: `?client=rest`, loaded for the few who do, or else the gateway's. */
export async function chooseClient(search) {
  if (new URLSearchParams(search).get("client") !== "rest") return new GatewayClient();
  const { RestClient } = await import("./rest.js");
  return new RestClient();
}

/** Look until the client's model is ready; tell of what each look finds: "loading", "unreachable", "offline" or "ready". */
export async function untilReady(client, tell) {
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
    const state = navigator.onLine ? await client.state() : "offline";
    tell(state);
    if (state === "ready") return;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
