/** The two ways to a model. Each client has `canExplain`, `state()`, `model()` and `predict(file, {explain, signal})`. */

import { GatewayClient } from "./gateway.js";
import { RestClient } from "./rest.js";

/** Return the client that the page's address asks for: `?client=rest`, otherwise the gateway's. */
export function chooseClient(search) {
  return new URLSearchParams(search).get("client") === "rest" ? new RestClient() : new GatewayClient();
}
