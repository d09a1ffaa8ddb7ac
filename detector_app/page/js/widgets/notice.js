/** Lines of text that are there only while they have something to say. */

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

/** A line that says what was done, and takes it back for as long as nothing else is done. */
export class Undo {
  #element;
  #notice;
  #undo = null;
  #from = null; // the element that had the focus before this one

  /** `elsewhere` takes the focus where it came from nowhere. */
  constructor(element, elsewhere) {
    this.#element = element;
    this.#notice = new Notice(element.querySelector("[role=status]"));
    this.#button("undo").addEventListener("click", () => {
      const undo = this.#undo;
      this.dismiss();
      undo();
    });
    this.#button("dismiss").addEventListener("click", () => {
      this.dismiss();
      if (this.#from?.isConnected && this.#from.checkVisibility()) this.#from.focus();
      else elsewhere();
    });
    element.addEventListener("focusin", ({ relatedTarget }) => {
      if (!element.contains(relatedTarget)) this.#from = relatedTarget;
    });
  }

  /** Say what `text` returns; `undo` is called if that was a mistake, and takes the focus to what it brings back. */
  offer(text, undo) {
    this.#undo = undo;
    this.#show(true);
    this.#notice.say(text);
  }

  focus() {
    this.#button("undo").focus();
  }

  dismiss() {
    this.#undo = null; // and with it what it would bring back
    this.#notice.say(null);
    this.#show(false);
  }

  #show(on) {
    this.#element.hidden = !on;
    document.documentElement.classList.toggle("with-undo", on);
  }

  #button(name) {
    return this.#element.querySelector(`[data-do=${name}]`);
  }
}
