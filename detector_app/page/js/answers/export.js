/** All answers as a file: for a spreadsheet, or for a program. */

import { TOP_K } from "../clients/answer.js";
import { subject } from "../language.js";
import { entriesOfDogs } from "./dogs.js";

// What a spreadsheet would take for a formula. With an apostrophe before it, it is text.
const FORMULA = /^[=+\-@＝＋－＠\t\r\n]/;

const TAKEN = 10_000; // ms after which every browser has taken a file

// What fields are called where the classes are no dogs; null is left out.
const OTHERS = {
  breed: "class",
  is_dog: null,
  dog_probability: null,
  photos_of_this_dog: "photos_together",
  dog: "part",
  dogs_on_this_photo: "parts_of_this_photo",
};

/** Return a row for each dog of each photo; breeds as the model spells them, shares and edges of boxes from 0 to 1. */
export function recordsOf(entries) {
  const records = entries.flatMap((entry) => {
    const dogs = entriesOfDogs(entry);
    return entry.photos.flatMap((photo) => dogs.map((dog, index) => recordOf(photo, dog, index + 1, dogs.length)));
  });
  if (!subject) return records;
  return records.map(({ predictions, ...fields }) => ({ ...withoutDogs(fields), predictions: predictions.map(withoutDogs) }));
}

function withoutDogs(fields) {
  const entries = Object.entries(fields).map(([name, value]) => [name in OTHERS ? OTHERS[name] : name, value]);
  return Object.fromEntries(entries.filter(([name]) => name !== null));
}

function recordOf(photo, { photos, answer, correction }, dog, dogs) {
  return {
    file: photo.file.webkitRelativePath || photo.file.name,
    status: photo.status,
    breed: answer?.guesses[0].breed ?? null,
    confidence: answer?.guesses[0].confidence ?? null,
    is_dog: answer?.isDog ?? null,
    dog_probability: answer?.dogProbability ?? null,
    familiarity: answer?.familiarity ?? null,
    really: correction && reallyOf(correction),
    photos_of_this_dog: photos.length,
    dog,
    dogs_on_this_photo: dogs,
    box: answer?.box ?? null,
    predictions: answer?.guesses ?? [],
    model: answer?.model ?? null,
    error: photo.error?.code ?? null,
  };
}

function reallyOf({ kind, breed, also }) {
  if (kind === "no_dog") return subject ? "none of them" : "not a dog";
  return [breed, also].filter(Boolean).join(" + ") || kind;
}

export function toJson(entries) {
  return `${JSON.stringify(recordsOf(entries), null, 2)}\n`;
}

/** Return RFC 4180 text of all records, with the mark by which spreadsheets know UTF-8. */
export function toCsv(entries) {
  const kind = subject ? OTHERS.breed : "breed";
  const rows = recordsOf(entries).map(({ predictions, model, box, ...fields }) => ({
    ...fields,
    ...Object.fromEntries(["left", "top", "width", "height"].map((side, index) => [`box_${side}`, box?.[index]])),
    model: model && `${model.name} ${model.version}`.trim(),
    ...Object.fromEntries(
      Array.from({ length: TOP_K - 1 }, (_, index) => index + 1).flatMap((rank) => [
        [`${kind}_${rank + 1}`, predictions[rank]?.[kind]],
        [`confidence_${rank + 1}`, predictions[rank]?.confidence],
      ]),
    ),
  }));
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
  return `\ufeff${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  return `"${(FORMULA.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
}

/** Hand a text to the person as a file. */
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN);
}
