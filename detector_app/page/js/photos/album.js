/**
 * The page's one state: every photo, in the order it came, and what is known about it.
 *
 * A photo is `{id, batch, file, preview, status, job, answer, error, dog, correction, record}`. `batch` counts the times that
 * photos came; `preview` is null until there is one, then `{blob, width, height}`, the blob null if the browser cannot
 * show the photo; `status` is "waiting", "reading", "read", "failed" or "cancelled"; `dog` is what photos of one dog
 * share, else null; `correction` is null or `{kind, breed, also, sent}`: what a person said
 * it is, "right", "breed", "mix" (with `also`) or "no_dog", and whether the service knows; `record` is history.js's of a photo
 * that was read at another time, else null.
 * Photos are replaced, never changed. Events: "added" with the new photos in `detail`, "changed" with the photo in
 * `detail`, "removed" when some went, "cleared" when the last went, and "updated" once after any number of these.
 */
export class Album extends EventTarget {
  #photos = new Map();
  #lastId = 0;
  #lastBatch = 0;
  #due = false;

  /** Take in files, each to be read. */
  add(files) {
    this.#enter([...files].map((file) => ({ file })));
  }

  /** Take in what was read at another time, as its record has it; return its id. */
  reopen(record) {
    const { file, answer, really, preview } = record;
    const picture = { blob: preview, width: 0, height: 0 };
    this.#enter([{ file: new File([], file), preview: picture, status: "read", answer, correction: really, record }]);
    return this.#lastId;
  }

  #enter(all) {
    const batch = ++this.#lastBatch;
    const photos = all.map((fields) => ({
      id: ++this.#lastId,
      batch,
      preview: null,
      status: "waiting",
      job: 0,
      answer: null,
      error: null,
      dog: null,
      correction: null,
      record: null,
      ...fields,
    }));
    for (const photo of photos) this.#photos.set(photo.id, photo);
    this.#tell("added", photos);
  }

  get(id) {
    return this.#photos.get(id);
  }

  all() {
    return [...this.#photos.values()];
  }

  /** Return the oldest photo of this status for which `test` holds, or undefined. */
  next(status, test = () => true) {
    for (const photo of this.#photos.values()) if (photo.status === status && test(photo)) return photo;
    return undefined;
  }

  /** Store what is shown of a photo, unless it is gone. */
  show(id, preview) {
    if (this.get(id) && !this.get(id).preview) this.#change(id, { preview });
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

  /** Let a photo wait once more, unless it is gone, has its answer, or has moved on since the job began. */
  postpone(id, job) {
    const photo = this.get(id);
    if (photo?.job === job && ["reading", "failed"].includes(photo.status)) this.retry(id);
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

  /** Store what a person said of the dog on these photos. */
  correct(ids, correction) {
    for (const id of ids) if (this.get(id)) this.#change(id, { correction });
  }

  /** Let these photos show one dog. */
  unite(ids) {
    for (const id of ids) this.#change(id, { dog: Math.min(...ids) });
  }

  /** Let these photos show a dog each. */
  separate(ids) {
    for (const id of ids) this.#change(id, { dog: null });
  }

  /** Let go of all photos, and return them. */
  clear() {
    return this.remove(this.all().map(({ id }) => id));
  }

  /** Let go of these photos, and return them. */
  remove(ids) {
    const removed = ids.map((id) => this.get(id));
    for (const id of ids) this.#photos.delete(id);
    this.#tell(this.#photos.size > 0 ? "removed" : "cleared");
    return removed;
  }

  /** Take back what `clear` or `remove` returned; what was not read yet waits again. */
  restore(cleared) {
    const photos = cleared.map((photo) =>
      photo.status === "reading" ? { ...photo, status: "waiting", job: photo.job + 1 } : photo,
    );
    this.#photos = new Map([...photos, ...this.all()].sort((one, other) => one.id - other.id).map((photo) => [photo.id, photo]));
    if (photos.length > 0) this.#tell("added", photos);
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
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.dispatchEvent(new Event("updated"));
    });
  }
}
