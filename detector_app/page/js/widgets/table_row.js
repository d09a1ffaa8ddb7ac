/** One entry as a row of the table. */

import { words } from "../words.js";
import { Picture } from "./picture.js";
import { instance } from "./template.js";

export class TableRow {
  element = instance("row");
  #entry;
  #actions;
  #picture = new Picture(this.#part(".thumb"));

  /** `actions` has `choose(id, on)`, `open(id)` and `thresholds()`. */
  constructor(actions) {
    this.#actions = actions;
    this.#part(".choose input").addEventListener("change", (event) => actions.choose(this.#entry.id, event.target.checked));
    this.#part("[data-do=open]").addEventListener("click", () => actions.open(this.#entry.id));
  }

  show(entry) {
    this.#entry = entry;
    const { answer, photos, correction } = entry;
    const { headline, remark, share = null, others = [] } = words.card(entry, this.#actions.thresholds());
    const dog = answer && answer.isDog !== false;
    this.element.dataset.status = entry.status;
    this.#part(".headline").textContent = headline;
    this.#part(".remark").textContent = dog && !correction && others.length === answer.guesses.length - 1 ? "" : remark;
    this.#part(".file-name").textContent = words.files(photos.map(({ file }) => file.name));
    this.#part(".choose .visually-hidden").textContent = words.choose(entry.file.name);
    this.#part(".share").textContent = share === null ? "" : words.share(share); // of what the headline says
    this.#part(".second").textContent = dog && others[0] ? words.guess(others[0]) : "";
    this.#picture.show(entry.preview);
  }

  set chosen(on) {
    this.#part(".choose input").checked = on;
  }

  release() {
    this.#picture.release();
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}
