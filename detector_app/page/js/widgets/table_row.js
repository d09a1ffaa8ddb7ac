/** One entry as a row of the table. */

import { words } from "../words.js";
import { Picture } from "./picture.js";
import { instance, write } from "./template.js";

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
    const isCorrected = correction && correction.kind !== "right";
    this.element.dataset.status = entry.status;
    write(this.#part(".headline"), headline);
    write(this.#part(".remark"), dog && !correction && others.length === answer.guesses.length - 1 ? "" : remark);
    write(this.#part(".file-name"), words.files(photos.map(({ file }) => file.name)));
    write(this.#part(".choose .visually-hidden"), words.choose(entry.file.name));
    write(this.#part(".share"), share === null ? "" : words.share(share)); // of what the headline says
    write(this.#part(".second"), dog && !isCorrected && others[0] ? words.guess(others[0]) : "");
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
