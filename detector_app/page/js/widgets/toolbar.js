/** Toolbar of many answers: layout, order, filter, counts, download. */

import { countBreeds } from "../answers/arrange.js";
import { onTextsChanged } from "../language.js";
import { words } from "../words.js";

const MANY = 4; // photos; fewer are seen at a glance

export class Toolbar {
  #element;
  #view;

  /** `entries` and `shown` return all entries and those that the view lets through; `save` gets "csv" or "json". */
  constructor(element, album, view, { entries, shown, save }) {
    this.#element = element;
    this.#view = view;
    for (const button of element.querySelectorAll("button[data-layout]")) {
      button.addEventListener("click", () => view.set({ layout: button.dataset.layout }));
    }
    for (const select of element.querySelectorAll("select")) {
      select.addEventListener("change", () => view.set({ [select.name]: select.value }));
    }
    for (const button of element.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => save(button.dataset.download));
    }
    element.querySelector("details").open = matchMedia("(min-width: 48rem)").matches;
    const show = () => this.#show(entries(), shown());
    album.addEventListener("updated", show);
    album.addEventListener("cleared", () => view.reset());
    view.addEventListener("changed", show);
    onTextsChanged(show);
  }

  #show(entries, shown) {
    this.#element.hidden = entries.flatMap(({ photos }) => photos).length < MANY;
    if (this.#element.hidden) return;
    const counts = countBreeds(entries);
    for (const button of this.#element.querySelectorAll("button[data-layout]")) {
      button.setAttribute("aria-pressed", button.dataset.layout === this.#view.layout);
    }
    this.#showBreeds(counts);
    for (const select of this.#element.querySelectorAll("select")) select.value = this.#view[select.name];
    const filtered = this.#view.breed || this.#view.kind;
    this.#element.querySelector("[role=status]").textContent = filtered ? words.shown(shown.length, entries.length) : "";
    for (const button of this.#element.querySelectorAll("[data-download]")) {
      button.disabled = !entries.some(({ answer }) => answer);
    }
  }

  /** Offer each breed with how often it was read; written only if that changed, as an open list would close. */
  #showBreeds(counts) {
    const select = this.#element.querySelector("[name=breed]");
    const options = [
      ["", words.allBreeds(counts.length)],
      ...counts.map(([breed, count]) => [breed, words.counted(breed, count)]),
    ];
    // The breed that is shown alone stays to be chosen, even if a correction has taken its last photo away.
    const { breed } = this.#view;
    if (breed && !counts.some(([counted]) => counted === breed)) options.push([breed, words.counted(breed, 0)]);
    const same =
      select.options.length === options.length &&
      options.every(([value, text], index) => select.options[index].value === value && select.options[index].text === text);
    if (!same) select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  }
}
