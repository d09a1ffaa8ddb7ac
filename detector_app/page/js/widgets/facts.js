/** About an answer: facts of its breed, and the model that gave it; shown on demand. */

import { factsOf } from "../breeds.js";
import { words } from "../words.js";

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

/** A button that shows and hides a panel. */
class Disclosure {
  #panel;
  #button;

  /** `opened` is called each time that the panel is shown. */
  constructor(panel, button, opened) {
    this.#panel = panel;
    this.#button = button;
    button.addEventListener("click", () => {
      this.toggle(panel.hidden);
      if (!panel.hidden) opened();
    });
    this.toggle(false);
  }

  toggle(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", open);
  }

  /** Offer the panel or not. */
  set offered(on) {
    this.#button.hidden = !on;
    if (!on) this.toggle(false);
  }
}
