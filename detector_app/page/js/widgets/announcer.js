/** Tells a screen reader what was answered: each photo of a few, otherwise only the end. */

import { words } from "../words.js";

const FEW = 3;

export class Announcer {
  #element;
  #batch = 0; // photos that came since all was last done
  #told = new WeakSet(); // answers and errors; a photo may change otherwise

  /** `thresholds` returns the model's, or undefined while they are not known. */
  constructor(element, album, thresholds) {
    this.#element = element;
    album.addEventListener("added", ({ detail: photos }) => {
      const pending = pendingOf(album);
      this.#batch = photos.length + (pending > photos.length ? this.#batch : 0);
    });
    album.addEventListener("changed", ({ detail: photo }) => {
      const outcome = photo.answer ?? photo.error;
      if (outcome && this.#told.has(outcome)) return;
      if (outcome) this.#told.add(outcome);
      if (photo.status === "reading") this.#say("");
      else if (this.#batch > FEW && pendingOf(album) === 0) this.#say(words.finished(album.counts()));
      else if (this.#batch <= FEW && photo.status !== "waiting") this.#say(words.announcement(photo, thresholds()));
    });
  }

  #say(text) {
    // Writing the same again would have it read out again.
    if (this.#element.textContent !== text) this.#element.textContent = text;
  }
}

function pendingOf(album) {
  const { waiting, reading } = album.counts();
  return waiting + reading;
}
