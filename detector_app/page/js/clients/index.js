/**
 * Choice of the client: one of three ways to a model. Each client has `canExplain`, `canFind`, `state(tell)`, `model()` and
 * `predict(photo, {find, explain, signal})`, and `correct(photo, breed)` where the model's `feedback` says so. A photo is what the
 * preparer makes; `find`, for clients that `canFind` dogs outside a photo's centre, is the gateway's. One that `isLocal`
 * answers without a network.
 */

import { GatewayClient } from "./gateway.js";

const FIRST_DELAY = 500; // ms between two looks whether the model is ready, doubled after each
const LONGEST_DELAY = 4000; // ms

const CHOSEN = "client"; // key in localStorage

/**
 * Return the client that the page's address asks for, `?client=rest` or `?client=device`, or that was chosen on this device, loaded
 * for the few who do; or else the gateway's.
 */
export async function chooseClient(search) {
  switch (new URLSearchParams(search).get("client") ?? chosenClient()) {
    case "rest":
      return new (await import("./rest.js")).RestClient();
    case "device":
      return new (await import("./device.js")).DeviceClient();
    default:
      return new GatewayClient();
  }
}

/** Remember what a person chose to answer from now on: "device" or "gateway". */
export function rememberClient(name) {
  try {
    localStorage.setItem(CHOSEN, name);
  } catch {
    // A browser that keeps nothing for this page.
  }
}

/** Return what a person chose, or null. */
export function chosenClient() {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}

/** Look until the client's model is ready; tell of what each look finds, such as "loading", "offline" or "ready". */
export async function untilReady(client, tell) {
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
    const state = navigator.onLine || client.isLocal ? await client.state(tell) : "offline";
    tell(state);
    if (state === "ready") return;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
