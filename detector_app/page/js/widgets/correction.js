/** Correction form: the right breed, sent to the service if it takes feedback and the person agrees. */

import { nameKey, sameBreed } from "../breeds.js";
import { words } from "../words.js";
import { Disclosure } from "./disclosure.js";

export class Correction {
  #form;
  #button;
  #actions;
  #disclosure;
  #entry;

  /** `actions` has `correct(photos, breed, keep)` and `model()`. */
  constructor(form, button, actions) {
    this.#form = form;
    this.#button = button;
    this.#actions = actions;
    this.#disclosure = new Disclosure(form, button, () => {
      this.#say("");
      this.#breed.focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
  }

  show(entry) {
    this.#entry = entry;
    const model = this.#actions.model();
    this.#disclosure.offered = entry.answer !== null && Boolean(model);
    this.#form.querySelector(".consent").hidden = !model?.feedback;
    this.#form.querySelector(".here-alone").hidden = Boolean(model?.feedback);
  }

  async #send() {
    const breed = breedLike(this.#breed.value, this.#actions.model().card.breeds);
    if (!breed) {
      this.#say(words.correction("unknown"));
      this.#breed.focus();
      return;
    }
    const keep = this.#actions.model().feedback && this.#form.querySelector("[type=checkbox]").checked;
    try {
      this.#say(keep ? words.correction("sending") : "");
      await this.#actions.correct(this.#entry.photos, breed, keep);
      this.#close();
    } catch (problem) {
      this.#say(words.problem(problem)); // what was typed stays
    }
  }

  #close() {
    this.#disclosure.toggle(false);
    this.#button.focus();
  }

  #say(text) {
    this.#form.querySelector("[role=status]").textContent = text;
  }

  get #breed() {
    return this.#form.querySelector("[list]");
  }
}

/** Return the breed that a person means, however they write it and in the page's language too, or undefined. */
function breedLike(text, breeds) {
  const key = nameKey(text);
  return breeds.find((breed) => sameBreed(breed, text) || nameKey(words.breed(breed)) === key);
}
