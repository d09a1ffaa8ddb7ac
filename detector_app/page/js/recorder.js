/** Puts each answer of the album into the history. */

import { entriesOfDogs } from "./answers/dogs.js";
import { shrink } from "./photos/redraw.js";

const VISIT = Date.now(); // with a photo's id, a key that no other visit has
const WAIT = 300; // ms in which the answers to many photos come together
const SIDE = 96; // px, the short side of a record's preview

export class Recorder {
  #history;
  #sure;
  #recorded = new Map(); // of a photo's id: {when, told}: breeds and corrections, as the history has them
  #pending = new Map();

  /** `sure` returns the model's threshold. */
  constructor(album, history, sure) {
    this.#history = history;
    this.#sure = sure;
    album.addEventListener("changed", ({ detail: photo }) => this.#note(photo));
  }

  #note(photo) {
    const { id, answer } = photo;
    if (!answer) return;
    const told = JSON.stringify(entriesOfDogs(photo).map((dog) => [dog.answer.guesses[0].breed, dog.correction]));
    const known = this.#recorded.get(id);
    if (known?.told === told) return; // the heat map is no news
    const when = known?.when ?? Date.now();
    this.#recorded.set(id, { when, told });
    if (this.#pending.size === 0) setTimeout(() => this.#write(), WAIT);
    this.#pending.set(id, { photo, when, sure: this.#sure() });
  }

  async #write() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    const records = [];
    for (const one of pending) records.push(await recordOf(one));
    await this.#history.put(...records);
  }
}

async function recordOf({ photo, when, sure }) {
  const { id, file, answer, correction, preview } = photo;
  const dogs = entriesOfDogs(photo).map((dog) => ({ guesses: dog.answer.guesses, isDog: dog.answer.isDog, really: dog.correction }));
  return {
    key: `${VISIT}-${id}`,
    when,
    file: file.name,
    guesses: answer.guesses,
    isDog: answer.isDog,
    sure,
    really: correction,
    dogs: answer.dogs && dogs,
    preview: preview?.blob ? await shrink(preview.blob, SIDE) : null,
  };
}
