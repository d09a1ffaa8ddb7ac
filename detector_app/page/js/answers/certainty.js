/** Certainty of an answer, and of its group of breeds. */

const SURE_ENOUGH = 0.5; // until the model card tells its own threshold

/** Return "sure", "unsure" or "no_dog" for what is read, "unread" for the rest. */
export function certaintyOf({ answer }, sure = SURE_ENOUGH) {
  if (!answer) return "unread";
  if (answer.isDog === false) return "no_dog";
  return answer.guesses[0].confidence < sure ? "unsure" : "sure";
}

/**
 * Return the group of breeds that holds as much probability as makes a breed sure, or null; `groupOf` gives a breed's
 * group, or null. Only the five likeliest breeds are known, so that a group holds at least what is counted here.
 */
export function likelyGroup({ guesses }, groupOf, sure = SURE_ENOUGH) {
  const sums = new Map();
  for (const { breed, confidence } of guesses) {
    const group = groupOf(breed);
    if (group) sums.set(group, (sums.get(group) ?? 0) + confidence);
  }
  const [best] = [...sums].sort((one, other) => other[1] - one[1]);
  return best && best[1] >= sure ? { group: best[0], confidence: best[1] } : null;
}
