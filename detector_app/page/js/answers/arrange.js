/** Filtering, sorting and counting of answers. */

import { nameOf } from "../breeds.js";
import { language } from "../language.js";
import { certaintyOf } from "./certainty.js";
import { entriesOfDogs } from "./dogs.js";

let collator = null; // of the language in use; making one takes longer than to compare
const byText = (one, other) => {
  if (collator?.resolvedOptions().locale !== language) collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  return collator.compare(one, other);
};
const confidenceOf = ({ answer }) => answer?.guesses[0].confidence;
const isCorrected = ({ correction }) => correction !== null && correction.kind !== "right";
const breedOf = (entry) => (isCorrected(entry) ? entry.correction.breed : entry.answer?.guesses[0].breed);

const shownBreed = (entry) => (breedOf(entry) ? nameOf(breedOf(entry)) : "\uffff");

// The photos that came last stand first, in the order in which they were chosen; whatever has no answer stands last.
const ORDERS = {
  newest: (one, other) => other.batch - one.batch || one.id - other.id,
  surest: (one, other) => (confidenceOf(other) ?? -1) - (confidenceOf(one) ?? -1),
  unsurest: (one, other) => (confidenceOf(one) ?? 2) - (confidenceOf(other) ?? 2),
  breed: (one, other) => byText(shownBreed(one), shownBreed(other)),
  file: (one, other) => byText(one.file.name, other.file.name),
};

/** Return the entries that the view lets through, in its order; `thresholds` are the model's. */
export function arrange(entries, { sort, breed, kind }, thresholds) {
  return entries
    .filter((entry) => !breed || dogsAmong([entry]).some((dog) => breedOf(dog) === breed))
    .filter((entry) => !kind || certaintyOf(entry, thresholds) === kind)
    .sort((one, other) => ORDERS[sort](one, other) || ORDERS.newest(one, other));
}

/** Return `[breed, how many]` of all that is read as a dog, the most frequent first. */
export function countBreeds(entries) {
  const counts = new Map();
  for (const dog of dogsAmong(entries)) counts.set(breedOf(dog), (counts.get(breedOf(dog)) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1] || byText(nameOf(one[0]), nameOf(other[0])));
}

/** Return an entry for each dog. */
function dogsAmong(entries) {
  return entries.flatMap(entriesOfDogs).filter(isDog);
}

function isDog(entry) {
  return isCorrected(entry) ? entry.correction.kind !== "no_dog" : entry.answer !== null && entry.answer.isDog !== false;
}
