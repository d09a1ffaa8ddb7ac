/** Filtering, sorting and counting of answers. */

import { nameOf } from "../breeds.js";
import { language } from "../language.js";
import { certaintyOf } from "./certainty.js";
import { entriesOfDogs } from "./dogs.js";

let collator = null; // of the language in use; to make one takes longer than to compare
let itsLanguage = null;

const confidenceOf = ({ answer }) => answer?.guesses[0].confidence;
const isCorrected = ({ correction }) => correction !== null && correction.kind !== "right";
const breedOf = (entry) => (isCorrected(entry) ? entry.correction.breed : entry.answer?.guesses[0].breed);

const shownBreed = (entry) => (breedOf(entry) ? nameOf(breedOf(entry)) : "\uffff");

// What entries are ordered by, told once for each. Whatever has no answer stands last.
const KEYS = {
  newest: () => 0,
  surest: (entry) => -(confidenceOf(entry) ?? -1),
  unsurest: (entry) => confidenceOf(entry) ?? 2,
  breed: shownBreed,
  file: ({ file }) => file.name,
};

/** Return the entries that the view lets through, in its order; `thresholds` are the model's. */
export function arrange(entries, { sort, breed, kind }, thresholds) {
  return ordered(
    entries
      .filter((entry) => !breed || dogsAmong([entry]).some((dog) => breedOf(dog) === breed))
      .filter((entry) => !kind || certaintyOf(entry, thresholds) === kind),
    KEYS[sort],
    (one, other) => other.batch - one.batch || one.id - other.id, // those that came last stand first, in the order in which they were chosen
  );
}

/** Return `[breed, how many]` of all that is read as a dog, the most frequent first. */
export function countBreeds(entries) {
  const counts = new Map();
  for (const dog of dogsAmong(entries)) counts.set(breedOf(dog), (counts.get(breedOf(dog)) ?? 0) + 1);
  return ordered([...counts], ([breed]) => nameOf(breed)).sort((one, other) => other[1] - one[1]);
}

/** Return `all` in the order of their keys, numbers or texts, and where these are equal in that of `otherwise`. */
function ordered(all, keyOf, otherwise = () => 0) {
  if (itsLanguage !== language) {
    [collator, itsLanguage] = [new Intl.Collator(language, { numeric: true, sensitivity: "base" }), language];
  }
  const compare = (one, other) => (typeof one === "string" ? collator.compare(one, other) : one - other);
  const keyed = all.map((one) => [keyOf(one), one]);
  return keyed.sort(([key, one], [otherKey, other]) => compare(key, otherKey) || otherwise(one, other)).map(([, one]) => one);
}

/** Return an entry for each dog. */
function dogsAmong(entries) {
  return entries.flatMap(entriesOfDogs).filter(isDog);
}

function isDog(entry) {
  return isCorrected(entry) ? entry.correction.kind !== "no_dog" : entry.answer !== null && entry.answer.isDog !== false;
}
