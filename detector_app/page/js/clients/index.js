/**
 * Choice of the client: one of two ways to a model. Each client has `canExplain`, `canFind`, `state()`, `model()` and
 * `predict(photo, {find, explain, signal})`, and `correct(photo, breed)` where the model's `feedback` says so. A photo is what the
 * preparer makes; `find`, for clients that `canFind` dogs outside a photo's centre, is the gateway's.
 */

import { GatewayClient } from "./gateway.js";

/** Return the client that the page's address asks for: `?client=rest`, loaded for the few who do, or else the gateway's. */
export async function chooseClient(search) {
  if (new URLSearchParams(search).get("client") !== "rest") return new GatewayClient();
  const { RestClient } = await import("./rest.js");
  return new RestClient();
}
