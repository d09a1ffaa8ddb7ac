/** One answer from those to several photos of the same dog. */

import { TOP_K } from "../clients/answer.js";

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
