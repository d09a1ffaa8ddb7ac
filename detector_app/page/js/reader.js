/** Reading the album's waiting photos through a client, a few at a time. */

import { Problem } from "./problem.js";

// As many as a gateway always takes in, and enough to keep a server of a few cores busy.
const AT_ONCE = 3;

// How often a photo is sent again by itself when the service is too busy for it, and the longest wait for that.
const MOST_RETURNS = 5;
const LONGEST_WAIT = 30; // seconds

export class Reader {
  #album;
  #client;
  #started = false;
  #underWay = new Set();
  #atOnce = AT_ONCE;
  #returns = new Map(); // of a photo's id: how often it was sent again
  #pause = null;

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
    while (this.#started && !this.#pause && this.#underWay.size < this.#atOnce) {
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
    if (outcome.error?.code === "busy" && this.#mayReturn(id, outcome.error)) {
      this.#slowDown(outcome.error.retryAfter ?? 1);
      this.#album.postpone(id, job);
    } else {
      this.#returns.delete(id);
      if (outcome.answer) this.#atOnce = Math.min(AT_ONCE, this.#atOnce + 1);
      this.#album.settle(id, job, outcome);
    }
    this.#fill();
  }

  #mayReturn(id, { retryAfter }) {
    const returns = (this.#returns.get(id) ?? 0) + 1;
    this.#returns.set(id, returns);
    return returns <= MOST_RETURNS && (retryAfter ?? 1) <= LONGEST_WAIT;
  }

  /** Send nothing for so many seconds, and then no more at once than the service has taken now. */
  #slowDown(seconds) {
    this.#atOnce = Math.max(1, this.#underWay.size);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#fill();
    }, seconds * 1000);
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
