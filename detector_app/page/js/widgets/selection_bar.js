/** Actions on the answers that are selected. */

import { onTextsChanged } from "../language.js";
import { words } from "../words.js";

export class SelectionBar {
  #element;
  #view;

  /** `entries` returns the chosen entries, which the others get; `focus` gets the id of the entry to go on with. */
  constructor(element, album, view, { entries, unite, remove, save, focus }) {
    this.#element = element;
    this.#view = view;
    const end = (act) => {
      const [first] = entries();
      act();
      view.set({ chosen: new Set() });
      focus(first.id);
    };
    this.#button("unite").addEventListener("click", () => end(() => unite(entries())));
    this.#button("remove").addEventListener("click", () => {
      const chosen = entries();
      view.set({ chosen: new Set() });
      remove(chosen);
    });
    this.#button("save").addEventListener("click", () => save(entries()));
    this.#button("none").addEventListener("click", () => end(() => {}));
    const show = () => this.#show(entries());
    album.addEventListener("updated", show);
    view.addEventListener("changed", show);
    onTextsChanged(show);
  }

  #show(entries) {
    this.#element.hidden = entries.length === 0;
    if (this.#element.hidden) return;
    this.#element.querySelector("p").textContent =
      entries.length === 1 ? words.chooseMore() : words.chosen(entries.length);
    this.#button("save").disabled = !entries.some(({ answer }) => answer);
    this.#button("unite").disabled = entries.length < 2 || entries.some(({ status }) => status !== "read");
  }

  #button(name) {
    return this.#element.querySelector(`[data-do=${name}]`);
  }
}
