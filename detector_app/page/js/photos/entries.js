/** Entries: each a photo, or several photos of one dog, with one answer. */

import { TOP_K } from "../clients/answer.js";

/**
 * Return an entry for each photo or dog, in the order of their first photos: the fields of its first photo, with
 * `photos`, and for several of them the average of their answers.
 */
export function entriesOf(photos, threshold) {
  const groups = new Map();
  for (const photo of photos) {
    const key = photo.dog ?? photo.id;
    if (groups.has(key)) groups.get(key).push(photo);
    else groups.set(key, [photo]);
  }
  return [...groups.values()].map((members) => ({
    ...members[0],
    photos: members,
    answer: members.length > 1 ? average(members.map(({ answer }) => answer), threshold) : members[0].answer,
  }));
}

/**
 * Return the mean of answers. A photo's answer tells its five likeliest breeds alone: a breed that is not among them
 * counts as nothing there, so that the mean is rather too low than too high. `threshold` is the dog probability from
 * which on it is a dog.
 */
export function average(answers, threshold = 0.5) {
  const sums = new Map();
  for (const { breed, confidence } of answers.flatMap(({ guesses }) => guesses)) {
    sums.set(breed, (sums.get(breed) ?? 0) + confidence);
  }
  const guesses = [...sums].map(([breed, sum]) => ({ breed, confidence: sum / answers.length }));
  guesses.sort((one, other) => other.confidence - one.confidence);
  const told = answers.map(({ dogProbability }) => dogProbability).filter((probability) => probability !== null);
  const dogProbability = told.length > 0 ? told.reduce((sum, value) => sum + value) / told.length : null;
  return {
    guesses: guesses.slice(0, TOP_K),
    isDog: dogProbability === null ? null : dogProbability >= threshold,
    dogProbability,
    familiarity: answers.some(({ familiarity }) => familiarity === null)
      ? null
      : Math.max(...answers.map(({ familiarity }) => familiarity)), // one photo that looks familiar suffices
    model: answers.at(-1).model,
    heatmap: null,
  };
}
