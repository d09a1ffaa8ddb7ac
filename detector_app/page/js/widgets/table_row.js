/** One entry as a row of the table. */

import { words } from "../words.js";
import { Picture } from "./picture.js";
import { instance } from "./template.js";

export class TableRow {
  element = instance("row");
  #entry;
  #actions;
  #picture = new Picture(this.#part(".thumb"));

  /** `actions` has `choose(id, on)`, `open(id)` and `model()`. */
  constructor(actions) {
    this.#actions = actions;
    this.#part(".choose input").addEventListener("change", (event) => actions.choose(this.#entry.id, event.target.checked));
    this.#part("[data-do=open]").addEventListener("click", () => actions.open(this.#entry.id));
  }

  show(entry) {
    this.#entry = entry;
    const { answer, photos, correction } = entry;
    const { headline, remark } = words.card(entry, this.#actions.model()?.card.thresholds.sure);
    const dog = answer && answer.isDog !== false;
    this.element.dataset.status = entry.status;
    this.#part(".headline").textContent = headline;
    this.#part(".remark").textContent = correction ? words.really(correction) : dog ? "" : remark;
    this.#part(".file-name").textContent = words.files(photos.map(({ file }) => file.name));
    this.#part(".choose .visually-hidden").textContent = words.choose(entry.file.name);
    this.#part(".share").textContent = dog ? words.share(answer.guesses[0].confidence) : "";
    this.#part(".second").textContent = dog && answer.guesses[1] ? words.guess(answer.guesses[1]) : "";
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
