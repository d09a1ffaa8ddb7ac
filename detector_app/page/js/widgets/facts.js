/** Facts of the breed that was read, shown on demand. */

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

  /** Offer what is known of a breed; nothing if it is null or unknown. */
  show(breed) {
    const facts = breed ? factsOf(breed) : null;
    this.#disclosure.offered = facts !== null;
    if (!facts) return;
    this.#panel.querySelector(".facts-kind").textContent = words.kind(facts);
    this.#panel.querySelector(".facts-sentence").textContent = facts.sentence;
  }
}
