/** Where photos come in by button or paste, with the drawing above while there are none. */
export class Intake {
  #element;

  /** `take` gets the files. */
  constructor(element, take) {
    this.#element = element;
    for (const input of element.querySelectorAll("input[type=file]")) {
      const button = element.querySelector(`[data-choose=${input.id}]`);
      button.hidden = input.webkitdirectory === undefined && input.id === "folder"; // some phones cannot choose a folder
      button.addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        take([...input.files]);
        input.value = ""; // so that the same photo can be chosen again
      });
    }
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length > 0) take([...event.clipboardData.files]);
    });
  }

  /** Make room for the photos, or take it back when there are none. */
  shrink(small) {
    this.#element.classList.toggle("small", small);
  }

  focus() {
    this.#element.querySelector("button").focus();
  }
}
