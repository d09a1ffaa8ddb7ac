/** About an answer: facts of its breed, and the model that gave it; shown on demand. */

import { factsOf } from "../breeds.js";
import { words } from "../words.js";

export class Facts {
  #panel;
  #button;

  constructor(panel, button) {
    this.#panel = panel;
    this.#button = button;
    button.addEventListener("click", () => this.#open(panel.hidden));
    this.#open(false);
  }

  /** Offer what is known of a breed, null where there is none, and of the model that gave the answer. */
  show(breed, answer) {
    const facts = breed ? factsOf(breed) : null;
    const model = answer?.model;
    this.#button.hidden = !facts && !model;
    if (this.#button.hidden) this.#open(false);
    this.#say(".facts-kind", facts && words.kind(facts));
    this.#say(".facts-sentence", facts?.sentence);
    this.#say(".model", model && words.model(model));
  }

  #open(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", open);
  }

  #say(selector, text) {
    const element = this.#panel.querySelector(selector);
    element.textContent = text ?? "";
    element.hidden = !text;
  }
}
