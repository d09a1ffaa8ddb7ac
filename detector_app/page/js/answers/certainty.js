/** Certainty of an answer, and of its group of breeds. */

const SURE_ENOUGH = 0.5; // until the model card tells its own threshold
const ALMOST_SURE = 0.85; // of a group: from here on its name is said with hardly a doubt

/** Return "sure", "unsure" or "no_dog" for what is read, "unread" for the rest; `thresholds` are the model card's. */
export function certaintyOf({ answer }, thresholds) {
  if (!answer) return "unread";
  if (answer.isDog === false) return "no_dog";
  const isSure = answer.guesses[0].confidence >= sureFrom(thresholds);
  return isSure && !isUnfamiliar(answer, thresholds) ? "sure" : "unsure";
}

/** Tell whether a photo looks so strange to the model that its breed may be none of those that it knows. */
export function isUnfamiliar({ familiarity }, thresholds) {
  return familiarity !== null && familiarity < (thresholds?.familiar ?? 0);
}

/**
 * Return the group of breeds that holds as much probability as makes a breed sure, with its guesses as `members`, or null.
 * `groupsOf` gives a breed's group of each width, the narrowest first, or null in its place: the narrowest that suffices is
 * returned. Only the five likeliest breeds are known, so that a group holds at least what is counted here.
 */
export function likelyGroup({ guesses }, groupsOf, thresholds) {
  for (const width of groupsOf(guesses[0].breed).keys()) {
    const sums = new Map();
    for (const { breed, confidence } of guesses) {
      const group = groupsOf(breed)[width];
      if (group) sums.set(group, (sums.get(group) ?? 0) + confidence);
    }
    const [[group, confidence] = [null, 0]] = [...sums].sort((one, other) => other[1] - one[1]);
    if (confidence < sureFrom(thresholds)) continue;
    const members = guesses.filter(({ breed }) => groupsOf(breed)[width] === group);
    return { group, confidence, almostSure: confidence >= ALMOST_SURE, members };
  }
  return null;
}

function sureFrom(thresholds) {
  return thresholds?.sure ?? SURE_ENOUGH;
}
