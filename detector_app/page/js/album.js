/**
 * The page's one state: every photo, in the order it came, and what is known about it.
 *
 * A photo is `{id, file, status, job, answer, error}`; `status` is "waiting", "reading", "read", "failed" or
 * "cancelled". Photos are replaced, never changed. Events: "added" with the new photos in `detail`, "changed" with the
 * photo in `detail`, "cleared".
 */
export class Album extends EventTarget {
  #photos = new Map();
  #lastId = 0;

  /** Take in files, each to be read. */
  add(files) {
    const photos = [...files].map((file) => ({
      id: ++this.#lastId,
      file,
      status: "waiting",
      job: 0,
      answer: null,
      error: null,
    }));
    for (const photo of photos) this.#photos.set(photo.id, photo);
    this.#tell("added", photos);
  }

  get(id) {
    return this.#photos.get(id);
  }

  /** Return the oldest photo that waits to be read, or undefined. */
  next() {
    return this.#with("waiting")[0];
  }

  /** Mark a photo as being read and return the number of this job, to be given back with its outcome. */
  begin(id) {
    const job = this.get(id).job + 1;
    this.#change(id, { status: "reading", job, error: null });
    return job;
  }

  /** Store a job's `{answer}` or `{error}`, unless the photo is gone or has moved on since the job began. */
  settle(id, job, { answer = null, error = null }) {
    if (this.get(id)?.job === job) this.#change(id, { status: error ? "failed" : "read", answer, error });
  }

  /** Let a photo wait once more, unless it is gone or has moved on since the job began. */
  postpone(id, job) {
    if (this.get(id)?.job === job) this.retry(id);
  }

  /** Let a photo be read again. */
  retry(id) {
    this.#change(id, { status: "waiting", error: null });
  }

  /** Let all be read again that were cancelled, or failed in a way that may pass. */
  retryAll() {
    const again = [...this.#with("cancelled"), ...this.#with("failed").filter((photo) => photo.error.passing)];
    for (const { id } of again) this.retry(id);
  }

  /** Give up what is not read yet; answers still under way are late from now on. */
  cancel() {
    for (const { id, job } of [...this.#with("waiting"), ...this.#with("reading")]) {
      this.#change(id, { status: "cancelled", job: job + 1 });
    }
  }

  clear() {
    this.#photos.clear();
    this.#tell("cleared");
  }

  /** Return how many photos there are in each status, `total` and those that `retryAll` would read. */
  counts() {
    const counts = { total: this.#photos.size, waiting: 0, reading: 0, read: 0, failed: 0, cancelled: 0, again: 0 };
    for (const { status, error } of this.#photos.values()) {
      counts[status] += 1;
      if (status === "cancelled" || error?.passing) counts.again += 1;
    }
    return counts;
  }

  #with(status) {
    return [...this.#photos.values()].filter((photo) => photo.status === status);
  }

  #change(id, fields) {
    const photo = { ...this.get(id), ...fields };
    this.#photos.set(id, photo);
    this.#tell("changed", photo);
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
