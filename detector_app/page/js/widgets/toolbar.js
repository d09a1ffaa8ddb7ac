/** Toolbar of many answers: layout, order, filter, counts, download. */

import { countBreeds } from "../answers/arrange.js";
import { onTextsChanged } from "../language.js";
import { words } from "../words.js";

/** Whether the bar at the top has room for all of its parts; elsewhere, as in style.css, it is one row. */
export const WIDE = matchMedia("(min-width: 64rem) and (min-height: 30rem)");

const MANY = 4; // photos; fewer are seen at a glance

export class Toolbar {
  #element;
  #details;
  #view;

  /** `entries` and `shown` return all entries and those that the view lets through; `save` gets "csv" or "json". */
  constructor(element, album, view, { entries, shown, save }) {
    this.#element = element;
    this.#view = view;
    for (const button of element.querySelectorAll("button[data-layout]")) {
      button.addEventListener("click", () => {
        view.set({ layout: button.dataset.layout });
        this.#fold(true);
      });
    }
    for (const select of element.querySelectorAll("select")) {
      select.addEventListener("change", () => view.set({ [select.name]: select.value }));
    }
    for (const button of element.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => save(button.dataset.download));
    }
    this.#details = element.querySelector("details");
    this.#details.open = WIDE.matches;
    WIDE.addEventListener("change", () => (this.#details.open = WIDE.matches));
    for (const event of ["pointerdown", "focusin"]) {
      document.addEventListener(event, ({ target }) => this.#details.contains(target) || this.#fold(false));
    }
    element.addEventListener("keydown", ({ key }) => key === "Escape" && this.#fold(true));
    const show = () => this.#show(entries(), shown);
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
    this.#element.querySelector("[role=status]").textContent = filtered ? words.shown(shown().length, entries.length) : "";
    for (const button of this.#element.querySelectorAll("[data-download]")) {
      button.disabled = !entries.some(({ answer }) => answer);
    }
  }

  /** Put the fields away where they lie over the answers; with `focus`, go back to what opens them. */
  #fold(focus) {
    if (WIDE.matches || !this.#details.open) return;
    this.#details.open = false;
    if (focus) this.#details.querySelector("summary").focus();
  }

  /** Offer each breed with how often it was read; written only where that changed, as an open list would close. */
  #showBreeds(counts) {
    const select = this.#element.querySelector("[name=breed]");
    const options = [
      ["", words.allBreeds(counts.length)],
      ...counts.map(([breed, count]) => [breed, words.counted(breed, count)]),
    ];
    // The breed that is shown alone stays to be chosen, even if a correction has taken its last photo away.
    const { breed } = this.#view;
    if (breed && !counts.some(([counted]) => counted === breed)) options.push([breed, words.counted(breed, 0)]);
    for (const [index, [value, text]] of options.entries()) {
      const option = select.options[index];
      if (!option) select.add(new Option(text, value));
      else if (option.value !== value || option.text !== text) [option.value, option.text] = [value, text];
    }
    select.length = options.length;
  }
}
