/** Why a photo has no answer. */

/**
 * `code` is one of: "refused", "gone", "too_large", "not_a_photo", "damaged", "moved", "busy", "not_ready", "slow", "offline",
 * "unreachable", "bad_answer", "broken"; words.js has a sentence for each. `retryAfter` is in seconds, or null.
 */
export class Problem extends Error {
  constructor(code, retryAfter = null) {
    super(code);
    this.name = "Problem";
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** True if the same photo may be read when it is sent again. */
  get passing() {
    return !["too_large", "not_a_photo", "damaged", "moved"].includes(this.code);
  }
}
