/** The breeds that a text field offers while one types. */

import { onTextsChanged } from "../language.js";
import { words } from "../words.js";

export class BreedList {
  #element;
  #breeds = [];

  constructor(element) {
    this.#element = element;
    onTextsChanged(() => this.offer(this.#breeds));
  }

  offer(breeds) {
    this.#breeds = breeds;
    this.#element.replaceChildren(...breeds.map((breed) => new Option("", words.breed(breed))));
  }
}
