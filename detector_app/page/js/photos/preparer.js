/** Preparation of photos, one after the other and a little ahead of the reader: a preview to show, a copy to send. */

import { Problem } from "../clients/answer.js";
import { redraw } from "./redraw.js";

const AHEAD = 6; // photos that are ready to be sent; each holds about 300 kB

// A few photos are shown large, hundreds small.
const FEW = 12;
const LARGE = 640; // px, short side
const SMALL = 300;

export class PhotoPreparer {
  #album;
  #made = new Map(); // of a photo's id: the promise of what is sent
  #last = Promise.resolve();
  #busy = false;
  #worker = null; // with the first photo

  constructor(album) {
    this.#album = album;
    album.addEventListener("added", () => this.#startWorker(), { once: true });
    for (const event of ["added", "changed", "removed", "cleared"]) album.addEventListener(event, () => this.#workAhead());
  }

  /**
   * Return the copy of a photo to send: `{blob, name, redrawn}`. What the browser cannot draw goes as it is, for the gateway
   * may know its type. Raise a Problem if the file is no longer there.
   */
  take({ id, file }) {
    const made = this.#made.get(id) ?? this.#make(id, file);
    this.#made.delete(id);
    this.#workAhead();
    return made;
  }

  /** One photo after the other: decoded, each takes 48 MB. */
  #make(id, file) {
    const made = this.#last.then(() => this.#prepare(id, file));
    // Whoever takes it gets the picture or the error; kept here, the picture would stay in memory.
    this.#last = made.then(
      () => {},
      () => {},
    );
    return made;
  }

  async #prepare(id, file) {
    const side = this.#album.counts().total <= FEW ? LARGE : SMALL;
    const pictures = await this.#redraw(file, side).catch(() => null);
    const { preview = null, width = 0, height = 0 } = pictures ?? {};
    this.#album.show(id, { blob: preview, width, height });
    if (!pictures) await requireReadable(file);
    return { blob: pictures?.sent ?? file, name: file.name, redrawn: pictures !== null };
  }

  #startWorker() {
    if (!globalThis.OffscreenCanvas) return;
    this.#worker = new Worker(new URL("./redraw_worker.js", import.meta.url), { type: "module" });
  }

  /** Redraw in a worker, or here from the first time on that it cannot be had. */
  async #redraw(file, previewSide) {
    if (!this.#worker) return redraw(file, previewSide);
    const { port1, port2 } = new MessageChannel();
    const done = new Promise((resolve, reject) => {
      port1.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = reject;
    });
    this.#worker.postMessage({ file, previewSide }, [port2]);
    try {
      return await done;
    } catch {
      this.#worker = null;
      return redraw(file, previewSide);
    }
  }

  async #workAhead() {
    if (this.#busy) return;
    this.#busy = true;
    for (let photo = this.#nextAhead(); photo; photo = this.#nextAhead()) {
      const made = this.#make(photo.id, photo.file);
      if (photo.status === "waiting") this.#made.set(photo.id, made);
      await made.catch(() => {});
    }
    this.#busy = false;
  }

  /** Return a photo that waits to be sent, or else one that was given up before it could be shown. */
  #nextAhead() {
    for (const id of this.#made.keys()) {
      if (!["waiting", "reading"].includes(this.#album.get(id)?.status)) this.#made.delete(id);
    }
    const waiting = this.#made.size < AHEAD && this.#album.next("waiting", ({ id }) => !this.#made.has(id));
    return waiting || this.#album.next("cancelled", ({ preview }) => !preview);
  }
}

async function requireReadable(file) {
  const reader = file.stream().getReader();
  try {
    await reader.read();
    await reader.cancel(); // the first bytes tell
  } catch {
    throw new Problem("moved");
  }
}
