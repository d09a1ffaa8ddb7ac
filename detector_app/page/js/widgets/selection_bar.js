/** Actions on the answers that are selected. */

import { onTextsChanged } from "../language.js";
import { words } from "../words.js";

export class SelectionBar {
  #element;
  #view;

  /** `entries` returns the chosen entries, `unite` gets their photos; `focus` gets the entry's id to go on with. */
  constructor(element, album, view, { entries, unite, focus }) {
    this.#element = element;
    this.#view = view;
    const end = (act) => {
      const [first] = entries();
      act();
      view.set({ chosen: new Set() });
      focus(first.id);
    };
    this.#button("unite").addEventListener("click", () => end(() => unite(entries().flatMap(({ photos }) => photos))));
    this.#button("none").addEventListener("click", () => end(() => {}));
    const show = () => this.#show(entries());
    album.addEventListener("updated", show);
    view.addEventListener("changed", show);
    onTextsChanged(show);
  }

  #show(entries) {
    this.#element.hidden = entries.length === 0;
    this.#element.querySelector("p").textContent =
      entries.length === 1 ? words.chooseMore() : words.chosen(entries.length);
    this.#button("unite").disabled = entries.length < 2 || entries.some(({ status }) => status !== "read");
  }

  #button(name) {
    return this.#element.querySelector(`[data-do=${name}]`);
  }
}
