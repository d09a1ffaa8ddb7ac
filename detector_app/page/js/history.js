/**
 * History of answers, kept in this browser alone, over visits.
 *
 * A record is `{key, when, file, answer, thresholds, really, preview}`: `when` is in ms, `answer` without its heat map, `thresholds`
 * the model's at that time, `really` a correction or null, `preview` a small JPEG or null. Where a browser keeps nothing
 * for this page, there is just no history. Event: "changed", in this tab or in another.
 */

import { entriesOfDogs } from "./answers/dogs.js";
import { shrink } from "./photos/redraw.js";

const DATABASE = "dog-breed-history"; // and the channel on which tabs tell each other
const STORE = "answers";
const MOST = 200; // records; the oldest go

const VISIT = Date.now(); // with a photo's id, a key that no other visit has
const WAIT = 300; // ms in which the answers to many photos come together
const SIDE = 320; // px, the short side of a record's preview: enough for a card

export class History extends EventTarget {
  #database = null;
  #tabs = new BroadcastChannel(DATABASE);

  constructor() {
    super();
    this.#tabs.addEventListener("message", () => this.dispatchEvent(new Event("changed")));
  }

  /** Return all records, the newest first. */
  async all() {
    const records = await this.#ask("readonly", (store) => store.getAll());
    return (records ?? []).map(upToDate).sort((one, other) => other.when - one.when);
  }

  /** Return how many records there are; `all` would bring every preview into memory. */
  async count() {
    return (await this.#ask("readonly", (store) => store.count())) ?? 0;
  }

  /** Store records; one with a known key takes the old one's place. */
  async put(...records) {
    for (const record of records) await this.#ask("readwrite", (store) => store.put(record));
    const keys = (await this.count()) > MOST ? await this.#ask("readonly", (store) => store.getAllKeys()) : [];
    const old = (keys ?? []).map((key) => [key, key.split("-").map(Number)]).sort(newestFirst).slice(MOST);
    for (const [key] of old) await this.#ask("readwrite", (store) => store.delete(key));
    this.#tell();
  }

  async remove(key) {
    await this.#ask("readwrite", (store) => store.delete(key));
    this.#tell();
  }

  async clear() {
    await this.#ask("readwrite", (store) => store.clear());
    this.#tell();
  }

  /** Return what a request to the store gives, or undefined if there is none. */
  async #ask(mode, request) {
    try {
      this.#database ??= open();
      const store = (await this.#database).transaction(STORE, mode).objectStore(STORE);
      return await resultOf(request(store));
    } catch {
      return undefined;
    }
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
    this.#tabs.postMessage(null);
  }
}

/** Puts each answer of the album into the history. */
export class Recorder {
  #history;
  #thresholds;
  #recorded = new Map(); // of a photo's id: {when, told}: breeds and corrections, as the history has them
  #pending = new Map();

  /** `thresholds` returns the model's. */
  constructor(album, history, thresholds) {
    this.#history = history;
    this.#thresholds = thresholds;
    album.addEventListener("changed", ({ detail: photo }) => this.#note(photo));
  }

  #note(photo) {
    const { id, answer, record } = photo;
    if (!answer) return;
    const told = JSON.stringify(entriesOfDogs(photo).map((dog) => [dog.answer.guesses[0].breed, dog.correction]));
    const known = this.#recorded.get(id);
    if (known?.told === told) return; // the heat map is no news
    const when = record?.when ?? known?.when ?? Date.now();
    this.#recorded.set(id, { when, told });
    if (this.#pending.size === 0) setTimeout(() => this.#write(), WAIT);
    this.#pending.set(id, { photo, when, thresholds: record?.thresholds ?? this.#thresholds() });
  }

  async #write() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    const records = [];
    for (const one of pending) records.push(await recordOf(one));
    await this.#history.put(...records);
  }
}

/** Return the key under which a photo's record is kept. */
export function keyOf({ id, record }) {
  return record?.key ?? `${VISIT}-${id}`;
}

async function recordOf({ photo, when, thresholds }) {
  const { file, answer, correction, preview } = photo;
  return {
    key: keyOf(photo),
    when,
    file: file.name,
    answer: { ...answer, heatmap: null },
    thresholds,
    really: correction,
    preview: preview?.blob ? await smallOf(preview) : null,
  };
}

/** Return a preview's picture no larger than a record's; of many photos, and of a record, it is that already. */
function smallOf({ blob, width, height }) {
  return Math.min(width, height) <= SIDE ? blob : shrink(blob, SIDE);
}

/** Return a record as described above, of one that an earlier release wrote: with the answer's parts in the record itself. */
function upToDate({ guesses, isDog, sure, ...record }) {
  if (record.answer) return record;
  const answer = { guesses, isDog, dogProbability: null, familiarity: null, model: null, heatmap: null };
  const really = typeof record.really === "string" ? { kind: "breed", breed: record.really } : record.really ?? null;
  return { ...record, answer, thresholds: { sure }, really };
}

/** Compare keys by their parts, the time of a visit and the number of its photo. */
function newestFirst([, [visit, photo]], [, [otherVisit, otherPhoto]]) {
  return otherVisit - visit || otherPhoto - photo;
}

function open() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE, { keyPath: "key" }));
  return resultOf(opening);
}

function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
