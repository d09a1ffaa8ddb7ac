/** Answers of a model that is asked with no gateway between: what the gateway makes of its outputs, made here by its card. */

import { answerOf } from "./answer.js";

/** Return the answer; see answer.js. `said` has the model's `guesses`, `dogProbability`, `familiarity` and perhaps `heatmap`. */
export function answerByCard({ name, version, card, subject }, { guesses, dogProbability, familiarity, heatmap = null }) {
  const dog = card.detects_dogs && !subject ? dogProbability : null;
  return answerOf({
    guesses,
    isDog: dog === null ? null : dog >= card.thresholds.dog,
    dogProbability: dog,
    familiarity: card.familiarity?.quantiles?.length > 0 ? familiarity : null,
    model: { name, version },
    heatmap,
  });
}
