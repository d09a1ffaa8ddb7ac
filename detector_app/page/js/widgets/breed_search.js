/** Dialog with the breeds that the model knows, to be searched by any of their names. */

import { isNamedLike, loadBreeds } from "../breeds.js";
import { language, onTextsChanged } from "../language.js";
import { words } from "../words.js";

export class BreedSearch {
  #dialog;
  #breeds;

  /** `breeds` returns the model's. */
  constructor(button, dialog, breeds) {
    this.#dialog = dialog;
    this.#breeds = breeds;
    button.addEventListener("click", () => {
      dialog.showModal();
      loadBreeds();
      this.#show();
    });
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
    dialog.querySelector("input").addEventListener("input", () => this.#show());
    onTextsChanged(() => this.#show());
  }

  #show() {
    if (!this.#dialog.open) return;
    const typed = this.#dialog.querySelector("input").value;
    const found = this.#breeds().filter((breed) => isNamedLike(breed, typed));
    const names = found.map(words.breed).sort(new Intl.Collator(language).compare);
    this.#dialog.querySelector("[role=status]").textContent = words.breedsFound(names.length);
    this.#dialog.querySelector("ul").replaceChildren(
      ...names.map((name) => {
        const item = document.createElement("li");
        item.textContent = name;
        return item;
      }),
    );
  }
}
