/** One line of text that is there only while it has something to say. */
export class Notice {
  #element;

  constructor(element) {
    this.#element = element;
  }

  say(text) {
    this.#element.textContent = text;
    this.#element.hidden = text === "";
  }
}
