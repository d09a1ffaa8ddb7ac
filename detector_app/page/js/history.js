/**
 * History of answers, kept in this browser alone, over visits.
 *
 * A record is `{key, when, file, guesses, isDog, sure, really, dogs, preview}`: `when` is in ms, `sure` the model's threshold
 * then, `really` a correction (before: its breed) or null, `dogs` each `{guesses, isDog, really}` where there are several, `preview` a
 * small JPEG or null. Where a browser keeps nothing for this
 * page, there is just no history. Event: "changed".
 */

const DATABASE = "dog-breed-history";
const STORE = "answers";
const MOST = 200; // records; the oldest go

export class History extends EventTarget {
  #database = null;

  /** Return all records, the newest first. */
  async all() {
    const records = await this.#ask("readonly", (store) => store.getAll());
    return (records ?? []).sort((one, other) => other.when - one.when);
  }

  /** Return how many records there are; `all` would bring every preview into memory. */
  async count() {
    return (await this.#ask("readonly", (store) => store.count())) ?? 0;
  }

  /** Store records; one with a known key takes the old one's place. */
  async put(...records) {
    for (const record of records) await this.#ask("readwrite", (store) => store.put(record));
    const keys = (await this.#ask("readonly", (store) => store.getAllKeys())) ?? [];
    for (const key of keys.sort(newestFirst).slice(MOST)) await this.#ask("readwrite", (store) => store.delete(key));
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
  }
}

/** Compare keys, which begin with the time of their visit and count its photos. */
function newestFirst(one, other) {
  return other.localeCompare(one, "en", { numeric: true });
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
