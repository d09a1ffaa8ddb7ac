/**
 * The two ways to a model. Each client has `canExplain`, `state()`, `model()` and `predict(photo, {explain, signal})`,
 * and `correct(photo, breed)` where the model's `feedback` says so. A photo is what the darkroom makes.
 */

import { GatewayClient } from "./gateway.js";
import { RestClient } from "./rest.js";

/** Return the client that the page's address asks for: `?client=rest`, otherwise the gateway's. */
export function chooseClient(search) {
  return new URLSearchParams(search).get("client") === "rest" ? new RestClient() : new GatewayClient();
}
