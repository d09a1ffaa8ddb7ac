/** Dogs of an answer: each has the fields of an answer. */

/** Return the dogs of a photo's answer, the likeliest first; an answer that tells of one alone is that dog's. */
export function dogsOf(answer) {
  return answer.dogs ?? [answer];
}

/** Return an answer with other dogs, of which the first speaks for the photo. */
export function withDogs({ search }, dogs) {
  return { ...dogs[0], search, dogs: dogs.length > 1 ? dogs : null };
}

/** Return an entry for each dog of an entry: a photo's correction is the first dog's, the others have their own. */
export function entriesOfDogs(entry) {
  if (!entry.answer?.dogs) return [entry];
  return entry.answer.dogs.map((answer, index) => ({ ...entry, answer, correction: index === 0 ? entry.correction : answer.correction ?? null }));
}
