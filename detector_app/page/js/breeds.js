/** Facts of dog breeds: their names in each language, their group and size, and a sentence about each. */

import { language, onTextsChanged, textsChanged } from "./language.js";

/** Groups of breeds, by the usual word for such a dog; the words are `group.…`. */
export const GROUPS = [
  "spaniel", "retriever", "setter", "water", "terrier", "hound", "sighthound", "shepherd", "mountain", "mastiff",
  "pinscher", "spitz", "poodle", "companion", "primitive",
];

/** By the usual weight of a grown dog: to about 12, 25 and 45 kg, and above; "varied" where a breed has several. */
export const SIZES = ["small", "medium", "large", "giant", "varied"];

let table = null; // Map of a spelling's key to {breed, group, size}
let texts = {}; // {breed: [name, sentence]} in `loaded`
let loaded = null;

/** Load what is known in the language in use. Until it is there, the page goes on with what it had. */
export async function loadBreeds() {
  const code = language;
  if (loaded === code) return;
  try {
    const [all, said] = await Promise.all([table ?? fetchFile("breeds"), fetchFile(code)]);
    if (code !== language) return; // another was chosen meanwhile
    table = all instanceof Map ? all : bySpelling(all);
    [texts, loaded] = [said, code];
    textsChanged();
  } catch {
    // Asked for again with the next photos.
  }
}

/** Return `{name, group, size, sentence}` of a breed in any spelling, or null if it is not known or not loaded. */
export function factsOf(breed) {
  const known = table?.get(nameKey(breed));
  if (!known) return null;
  const [name, sentence] = texts[known.breed];
  return { name, group: known.group, size: known.size, sentence };
}

/** Return the name of a breed in the language loaded, or as the model calls it. */
export function nameOf(breed) {
  return factsOf(breed)?.name ?? breed;
}

onTextsChanged(() => {
  if (loaded) loadBreeds();
});

async function fetchFile(name) {
  const response = await fetch(new URL(`../breeds/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function bySpelling(all) {
  const entries = Object.entries(all).flatMap(([breed, { group, size, also = [] }]) =>
    [breed, ...also].map((spelling) => [nameKey(spelling), { breed, group, size }]),
  );
  return new Map(entries);
}

/** Tell whether two names, in any spelling, mean the same breed. */
export function sameBreed(one, other) {
  if (nameKey(one) === nameKey(other)) return true;
  const known = table?.get(nameKey(one));
  return known !== undefined && known.breed === table.get(nameKey(other))?.breed;
}

/** Reduce a name to what spellings of it share, as model_serving/photos/labels.py does: without a folder's number, letters and digits alone. */
export function nameKey(name) {
  return name.replace(/^\d+\.(?=\D)|^n\d{8}-/, "").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
