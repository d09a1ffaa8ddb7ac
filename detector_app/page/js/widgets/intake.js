/** Intake of photos by button, paste or drop, with drawings to try while there are none. */

import { filesOfDrop } from "../photos/incoming.js";

const SIDE = 640; // px, of a drawing that is read

export class Intake {
  #element;
  #take;

  /** `take` gets the files. */
  constructor(element, take) {
    this.#element = element;
    this.#take = take;
    for (const button of element.querySelectorAll(".samples button")) {
      const image = button.querySelector("img");
      button.addEventListener("click", async () => take([await fileOfImage(image, `${image.alt}.jpg`)]));
    }
    for (const input of element.querySelectorAll("input")) {
      input.addEventListener("change", () => this.#takeFrom(input));
    }
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length > 0) take([...event.clipboardData.files]);
    });
  }

  /** Take what was chosen before this script was there. */
  takeEarlier() {
    for (const input of this.#element.querySelectorAll("input")) if (input.files.length > 0) this.#takeFrom(input);
  }

  focus() {
    this.#element.querySelector("input").focus();
  }

  #takeFrom(input) {
    this.#take([...input.files]);
    input.value = ""; // so that the same photo can be chosen again
  }
}

/** The whole page as a place to drop photos and folders on. */
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

/** Return the picture of an `<img>` as a JPEG file of this name. */
async function fileOfImage(image, name) {
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").drawImage(image, 0, 0, SIDE, SIDE);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  return new File([blob], name, { type: blob.type });
}
