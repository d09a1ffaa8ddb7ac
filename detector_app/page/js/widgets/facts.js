/** About an answer: facts of its breed, and the model that gave it; shown on demand. */

import { factsOf } from "../breeds.js";
import { words } from "../words.js";
import { Disclosure } from "./disclosure.js";

export class Facts {
  #panel;
  #disclosure;

  constructor(panel, button) {
    this.#panel = panel;
    this.#disclosure = new Disclosure(panel, button, () => {});
  }

  /** Offer what is known of a breed, null where there is none, and of the model `{name, version}`; nothing without a model. */
  show(breed, model) {
    const facts = breed ? factsOf(breed) : null;
    this.#disclosure.offered = model !== null;
    this.#say(".facts-kind", facts && words.kind(facts));
    this.#say(".facts-sentence", facts?.sentence);
    this.#say(".model", model && words.model(model));
  }

  #say(selector, text) {
    const element = this.#panel.querySelector(selector);
    element.textContent = text ?? "";
    element.hidden = !text;
  }
}
