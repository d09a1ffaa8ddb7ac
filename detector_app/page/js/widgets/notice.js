/** One line of text that is there only while it has something to say. */

import { onTextsChanged } from "../language.js";

export class Notice {
  #element;
  #text = () => "";

  constructor(element) {
    this.#element = element;
    onTextsChanged(() => this.#show());
  }

  /** Say what `text` returns, in each language that is chosen from now on; nothing if it is null. */
  say(text) {
    this.#text = text ?? (() => "");
    this.#show();
  }

  #show() {
    const text = this.#text();
    this.#element.textContent = text;
    this.#element.hidden = text === "";
  }
}
