/** Certainty of an answer, and of its group of breeds. */

const SURE_ENOUGH = 0.5; // until the model card tells its own threshold
const ALMOST_SURE = 0.85; // of a group: from here on its name is said with hardly a doubt

/** Return "sure", "unsure" or "no_dog" for what is read, "unread" for the rest. */
export function certaintyOf({ answer }, sure = SURE_ENOUGH) {
  if (!answer) return "unread";
  if (answer.isDog === false) return "no_dog";
  return answer.guesses[0].confidence < sure ? "unsure" : "sure";
}

/**
 * Return the group of breeds that holds as much probability as makes a breed sure, with its guesses as `members`, or null;
 * `groupOf` gives a breed's group, or null. Only the five likeliest breeds are known, so that a group holds at least what is counted here.
 */
export function likelyGroup({ guesses }, groupOf, sure = SURE_ENOUGH) {
  const sums = new Map();
  for (const { breed, confidence } of guesses) {
    const group = groupOf(breed);
    if (group) sums.set(group, (sums.get(group) ?? 0) + confidence);
  }
  const [best] = [...sums].sort((one, other) => other[1] - one[1]);
  if (!best || best[1] < sure) return null;
  const [group, confidence] = best;
  return { group, confidence, almostSure: confidence >= ALMOST_SURE, members: guesses.filter(({ breed }) => groupOf(breed) === group) };
}
