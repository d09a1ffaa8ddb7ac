/** List of the answers given before on this device. */

import { loadBreeds } from "../breeds.js";
import { onTextsChanged } from "../language.js";
import { words } from "../words.js";
import { Picture } from "./picture.js";
import { instance } from "./template.js";

export class HistoryList {
  #element;
  #history;
  #undo;
  #open;
  #pictures = [];

  /** `open` gets the record whose card is to be shown. */
  constructor(element, history, undo, open) {
    this.#element = element;
    this.#history = history;
    this.#undo = undo;
    this.#open = open;
    element.querySelector("[data-do=clear]").addEventListener("click", () => this.#clear());
    element.addEventListener("toggle", () => {
      loadBreeds();
      this.#show();
    });
    history.addEventListener("changed", () => this.#show());
    onTextsChanged(() => this.#show());
    this.#show();
  }

  async #show() {
    const count = await this.#history.count();
    this.#element.hidden = count === 0;
    this.#element.querySelector("summary").textContent = words.history(count);
    // Nothing is fetched or drawn while nobody looks.
    const records = this.#element.open ? await this.#history.all() : [];
    for (const picture of this.#pictures) picture.release();
    this.#pictures = [];
    const list = this.#element.querySelector("ol");
    const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
    list.replaceChildren(...records.map((record) => this.#itemOf(record)));
    if (focused >= 0) (list.querySelectorAll("button")[focused] ?? this.#element.querySelector("summary")).focus();
  }

  #itemOf(record) {
    const item = instance("record");
    const picture = new Picture(item);
    picture.show({ blob: record.preview });
    this.#pictures.push(picture);
    item.querySelector(".headline").textContent = words.record(record);
    item.querySelector("time").textContent = words.moment(record.when);
    item.querySelector("time").dateTime = new Date(record.when).toISOString();
    item.querySelector(".headline").addEventListener("click", () => this.#open(record));
    item.querySelector(".close").ariaLabel = words.forget(record);
    item.querySelector(".close").addEventListener("click", () => this.#remove(record, item));
    return item;
  }

  async #remove(record, item) {
    const place = [...item.parentElement.children].indexOf(item);
    await this.#history.remove(record.key);
    await this.#show();
    this.#undo.offer(words.forgotten, () => this.#bringBack(record));
    const buttons = this.#element.querySelectorAll("li .close");
    if (buttons.length > 0) buttons[Math.min(place, buttons.length - 1)].focus();
    else this.#undo.focus();
  }

  async #clear() {
    const records = await this.#history.all();
    await this.#history.clear();
    this.#undo.offer(words.historyCleared, () => this.#bringBack(...records));
    this.#undo.focus();
  }

  async #bringBack(...records) {
    await this.#history.put(...records);
    await this.#show();
    this.#element.querySelector("summary").focus();
  }
}
