/** What can be done with the answers that are chosen. */

import { onSayAnew } from "../language.js";
import { words } from "../words.js";

export class Chosen {
  #element;
  #view;

  /** `entries` returns the chosen entries, `unite` gets their photos. */
  constructor(element, album, view, { entries, unite }) {
    this.#element = element;
    this.#view = view;
    this.#button("unite").addEventListener("click", () => {
      unite(entries().flatMap(({ photos }) => photos));
      view.set({ chosen: new Set() });
    });
    this.#button("none").addEventListener("click", () => view.set({ chosen: new Set() }));
    const show = () => this.#show(entries());
    for (const event of ["added", "changed", "cleared"]) album.addEventListener(event, show);
    view.addEventListener("changed", show);
    onSayAnew(show);
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
