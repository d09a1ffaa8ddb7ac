/** The whole page as a place to drop photos and folders on. */

import { filesOfDrop } from "../photos/incoming.js";

export class DropArea {
  #element;

  /** `take` gets the files. */
  constructor(element, take) {
    this.#element = element;
    element.addEventListener("dragenter", (event) => this.#over(event));
    element.addEventListener("dragover", (event) => this.#over(event));
    element.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) this.#show(false); // the pointer left the window, not just one element
    });
    element.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.#show(false);
      take(await filesOfDrop(event.dataTransfer));
    });
  }

  #over(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#show(true);
  }

  #show(dragging) {
    this.#element.classList.toggle("dragging", dragging);
  }
}
