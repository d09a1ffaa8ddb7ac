/** Preparation of photos, one after the other and a little ahead of the reader: a preview to show, a copy to send. */

import { Problem } from "../problem.js";
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

  constructor(album) {
    this.#album = album;
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
    const pictures = await redraw(file, side).catch(() => null);
    const { preview = null, width = 0, height = 0 } = pictures ?? {};
    this.#album.show(id, { blob: preview, width, height });
    if (!pictures) await requireReadable(file);
    return { blob: pictures?.sent ?? file, name: file.name, redrawn: pictures !== null };
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
