/** One HTTP call, with every failure turned into a Problem. */

import { Problem } from "./answer.js";

const TIMEOUT = 60_000; // ms; above nginx's own, which answers in words

const CODE_OF_STATUS = new Map([
  [400, "refused"],
  [404, "gone"],
  [413, "too_large"],
  [415, "not_a_photo"],
  [422, "damaged"],
  [429, "busy"],
  [502, "unreachable"],
  [503, "not_ready"],
  [504, "slow"],
]);

// Where a status has several meanings, the code of the server's problem+json tells them apart.
const CODE_OF_CODE = new Map([
  ["overloaded", "busy"],
  ["gateway_unavailable", "unreachable"],
  ["model_error", "bad_answer"],
  ["given_up", "bad_answer"],
]);

/** Return the JSON that `path` answers; raise a Problem for anything else. */
export async function fetchJson(path, options = {}) {
  const response = await call(path, options);
  try {
    return await response.json();
  } catch {
    throw new Problem("bad_answer");
  }
}

/** Return the response of `path` if its status is a success; raise a Problem for anything else. */
export async function call(path, { signal = null, ...options } = {}) {
  // AbortSignal.any would do this, but phones of 2023 lack it.
  const either = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    either.abort();
  }, TIMEOUT);
  const cancel = () => either.abort();
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel);
  let response;
  try {
    response = await fetch(path, { ...options, signal: either.signal });
  } catch {
    throw new Problem(late ? "slow" : navigator.onLine ? "unreachable" : "offline");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const said = await response.json().catch(() => null);
  const code = CODE_OF_CODE.get(said?.code) ?? CODE_OF_STATUS.get(response.status) ?? "broken";
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Problem(code, seconds > 0 ? seconds : null);
}
