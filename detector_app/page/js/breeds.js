/** Facts of dog breeds: their names in each language, their group and size, and a sentence about each. */

import { language, onTextsChanged, subject, textsChanged } from "./language.js";

// Within the table's groups: breeds that look so alike that an answer often means them all. The words are `group.…`, too.
const FAMILIES = {
  belgian: ["Belgian Malinois", "Belgian Sheepdog", "Belgian Tervuren"],
  collie: ["Bearded Collie", "Border Collie", "Collie", "Shetland Sheepdog"],
  coonhound: ["Black and Tan Coonhound", "Bluetick Coonhound", "Redbone Coonhound", "Treeing Walker Coonhound"],
  corgi: ["Cardigan Welsh Corgi", "Pembroke Welsh Corgi"],
  schnauzer: ["Giant Schnauzer", "Miniature Schnauzer", "Standard Schnauzer"],
  sennenhund: ["Appenzeller Sennenhund", "Bernese Mountain Dog", "Entlebucher Mountain Dog", "Greater Swiss Mountain Dog"],
};

let table = null; // Map of a spelling's key to {breed, group, size, keys}, the keys those of all its spellings
let texts = {}; // {breed: [name, sentence]} in `loaded`
let loaded = null;
let ownGroups = new Map(); // of classes that are no dogs

/** Load what is known in the language in use. Until it is there, the page goes on with what it had. */
export async function loadBreeds() {
  const code = language;
  if (loaded === code || subject) return;
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
  const known = find(breed);
  if (!known) return null;
  const [name, sentence] = texts[known.breed];
  return { name, group: known.group, size: known.size, sentence };
}

/** Return the name of a breed in the language loaded, or as the model calls it. */
export function nameOf(breed) {
  return factsOf(breed)?.name ?? breed;
}

/** Take the groups of a model's classes, {class: group}, which hold where the classes are no dogs. */
export function takeGroups(groups) {
  ownGroups = new Map(Object.entries(groups ?? {}));
}

onTextsChanged(() => {
  if (loaded) loadBreeds();
});

/** Return what the table says of a breed in any spelling; nothing where classes are no dogs, whatever they are called. */
function find(breed) {
  return subject ? undefined : table?.get(nameKey(breed));
}

async function fetchFile(name) {
  const response = await fetch(new URL(`../breeds/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function bySpelling(all) {
  const entries = Object.entries(all).flatMap(([breed, { group, size, also = [] }]) => {
    const keys = [breed, ...also].map(nameKey);
    return keys.map((key) => [key, { breed, group, size, keys }]);
  });
  return new Map(entries);
}

/** Return the family of a breed and its group, each null if there is none or it is not loaded. */
export function groupsOf(breed) {
  if (subject) return [null, ownGroups.get(breed) ?? null];
  const known = find(breed);
  const family = Object.keys(FAMILIES).find((name) => FAMILIES[name].includes(known?.breed));
  return [family ?? null, known?.group ?? null];
}

/** Tell whether one of a breed's names, in any spelling, contains a text. */
export function isNamedLike(breed, text) {
  const keys = [nameKey(breed), nameKey(nameOf(breed)), ...(find(breed)?.keys ?? [])];
  return keys.some((key) => key.includes(nameKey(text)));
}

/** Tell whether two names, in any spelling, mean the same breed. */
export function sameBreed(one, other) {
  if (nameKey(one) === nameKey(other)) return true;
  const known = find(one);
  return known !== undefined && known.breed === find(other)?.breed;
}

/** Reduce a name to what spellings of it share, as model_serving/photos/labels.py does: without a folder's number, letters and digits alone. */
export function nameKey(name) {
  return name.replace(/^\d+\.(?=\D)|^n\d{8}-/, "").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
