/** A line that says what was taken away, and brings it back for as long as nothing else is. */

import { Notice } from "./notice.js";

export class Undo {
  #element;
  #notice;
  #undo = null;

  constructor(element) {
    this.#element = element;
    this.#notice = new Notice(element.querySelector("[role=status]"));
    this.#button("undo").addEventListener("click", () => {
      const undo = this.#undo;
      this.dismiss();
      undo();
    });
    this.#button("dismiss").addEventListener("click", () => this.dismiss());
  }

  /** Say what `text` returns; `undo` is called if that was a mistake, and takes the focus to what it brings back. */
  offer(text, undo) {
    this.#undo = undo;
    this.#element.hidden = false;
    this.#notice.say(text);
  }

  focus() {
    this.#button("undo").focus();
  }

  dismiss() {
    this.#undo = null; // and with it what it would bring back
    this.#notice.say(null);
    this.#element.hidden = true;
  }

  #button(name) {
    return this.#element.querySelector(`[data-do=${name}]`);
  }
}
