/** Reading the album's waiting photos through a client, a few at a time. */

import { Problem } from "./problem.js";

// As many as keep a server of a few cores busy while the next photos travel.
const AT_ONCE = 4;

export class Reader {
  #album;
  #client;
  #started = false;
  #underWay = new Set();

  constructor(album, client) {
    this.#album = album;
    this.#client = client;
    album.addEventListener("added", () => this.#fill());
    album.addEventListener("changed", () => this.#fill());
    album.addEventListener("cleared", () => this.#abort());
  }

  /** Begin to read, now that the model is there. */
  start() {
    this.#started = true;
    this.#fill();
  }

  cancel() {
    this.#album.cancel();
    this.#abort();
  }

  /** Ask again for a photo that is read, this time with the heat map. */
  async explain({ id, job, file }) {
    const answer = await this.#client.predict(file, { explain: true, signal: null });
    this.#album.settle(id, job, { answer });
  }

  #fill() {
    while (this.#started && this.#underWay.size < AT_ONCE) {
      const photo = this.#album.next();
      if (!photo) return;
      this.#read(photo);
    }
  }

  async #read({ id, file }) {
    const abort = new AbortController();
    this.#underWay.add(abort); // before begin(), which tells of a change and so comes back to #fill()
    const job = this.#album.begin(id);
    const outcome = await this.#client.predict(file, { explain: false, signal: abort.signal }).then(
      (answer) => ({ answer }),
      (error) => ({ error: problemOf(error) }),
    );
    this.#underWay.delete(abort);
    this.#album.settle(id, job, outcome);
    this.#fill();
  }

  #abort() {
    for (const abort of this.#underWay) abort.abort();
  }
}

function problemOf(error) {
  if (error instanceof Problem) return error;
  reportError(error); // a fault of this page: for the console, while the card says that something went wrong
  return new Problem("broken");
}
