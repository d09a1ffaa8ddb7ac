/** Reading the album's waiting photos through a client, a few at a time. */

import { Problem } from "./clients/answer.js";
import { untilReady } from "./clients/index.js";

// As many as a gateway always takes in, and enough to keep a server of a few cores busy.
const AT_ONCE = 3;

// How often a photo is sent again by itself, and the longest wait for that.
const MOST_RETURNS = 5;
const LONGEST_WAIT = 30; // seconds

// What keeps every photo from being read, for a while.
const OUTAGES = ["offline", "unreachable", "not_ready"];

export class Reader {
  #album;
  #preparer;
  #client;
  #tell;
  #started = false;
  #underWay = new Set();
  #atOnce = AT_ONCE;
  #returns = new Map(); // of a photo's id: how often it was sent again
  #pause = null;
  #outage = false;
  #stranded = new Map(); // of a photo's id: the job that an outage ended

  /** `preparer` makes of a photo what is sent; `tell` gets the states of `untilReady`. */
  constructor(album, preparer, client, tell) {
    this.#album = album;
    this.#preparer = preparer;
    this.#client = client;
    this.#tell = tell;
    album.addEventListener("updated", () => this.#fill()); // when all have heard of the photos
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

  #fill() {
    while (this.#started && !this.#pause && !this.#outage && this.#underWay.size < this.#atOnce) {
      const photo = this.#album.next("waiting");
      if (!photo) return;
      this.#read(photo);
    }
  }

  async #read(photo) {
    const { id } = photo;
    const abort = new AbortController();
    this.#underWay.add(abort);
    const job = this.#album.begin(id);
    const outcome = await this.#preparer
      .take(photo)
      .then((sent) => this.#client.predict(sent, { signal: abort.signal }))
      .then(
        (answer) => ({ answer }),
        (error) => ({ error: problemOf(error) }),
      );
    this.#underWay.delete(abort);
    const code = outcome.error?.code;
    if (code === "busy" && this.#mayReturn(id, outcome.error)) {
      this.#slowDown(outcome.error.retryAfter ?? 1);
      this.#album.postpone(id, job);
    } else if (OUTAGES.includes(code) && !abort.signal.aborted && this.#mayReturn(id, outcome.error)) {
      this.#tell(code === "not_ready" ? "loading" : code);
      this.#sitOut(id, job, outcome.error.retryAfter ?? 1);
      this.#album.settle(id, job, outcome); // so that it says why
    } else {
      this.#returns.delete(id);
      if (outcome.answer) this.#atOnce = Math.min(AT_ONCE, this.#atOnce + 1);
      this.#album.settle(id, job, outcome);
    }
    this.#fill();
  }

  /** Send nothing while nothing can be read, and begin with the photo that found this out once it can. */
  async #sitOut(id, job, seconds) {
    this.#outage = true;
    this.#stranded.set(id, job);
    if (this.#stranded.size > 1) return; // another photo has begun to wait
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await untilReady(this.#client, this.#tell);
    this.#outage = false;
    for (const [stranded, itsJob] of this.#stranded) this.#album.postpone(stranded, itsJob);
    this.#stranded.clear();
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
