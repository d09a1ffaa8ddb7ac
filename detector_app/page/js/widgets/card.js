/** One photo and what is known about it. */

import { words } from "../words.js";
import { drawHeatMap } from "./heat_map.js";

export class Card {
  element = document.querySelector("#card").content.firstElementChild.cloneNode(true);
  #photo;
  #url;
  #look = "show"; // what its button offers or says: "show", "hide", "looking" or "failed"

  /** `actions` has `retry(photo)`, `explain(photo)` or null, and `model()`: the model card so far known, or null. */
  constructor(photo, actions) {
    this.actions = actions;
    this.#preview(photo.file);
    this.#part(".file").textContent = photo.file.name;
    this.#part("[data-do=retry]").addEventListener("click", () => actions.retry(this.#photo));
    this.#part("[data-do=explain]").addEventListener("click", () => this.#toggleHeatMap());
    this.show(photo);
  }

  show(photo) {
    const focused = this.element.querySelector(":focus");
    this.#photo = photo;
    const { headline, remark } = words.card(photo, this.actions.model()?.thresholds.sure);
    this.element.dataset.status = photo.status;
    this.element.classList.toggle("not-a-dog", photo.answer?.isDog === false);
    this.element.setAttribute("aria-busy", photo.status === "waiting" || photo.status === "reading");
    this.#part(".headline").textContent = headline;
    this.#part(".remark").textContent = remark;
    this.#part(".guesses").replaceChildren(...(photo.answer?.guesses ?? []).map(rowOf));
    this.#part(".model").textContent = photo.answer ? words.model(photo.answer.model) : "";
    this.#part("[data-do=retry]").hidden = !(photo.status === "cancelled" || photo.error?.passing);
    this.#part("[data-do=explain]").hidden = !this.#canExplain();
    if (!photo.answer) this.#cover(false);
    this.#sayLook(this.#look);
    if (focused?.hidden) this.element.focus();
  }

  /** Let go of what the browser holds for this card. */
  release() {
    URL.revokeObjectURL(this.#url);
  }

  #preview(file) {
    const image = this.#part("img");
    this.#url = URL.createObjectURL(file);
    image.addEventListener("load", () => this.release());
    image.addEventListener("error", () => {
      this.release();
      image.hidden = true; // a type that this browser cannot show, though the service may read it
    });
    image.src = this.#url;
  }

  #canExplain() {
    return this.#photo.answer && this.actions.explain && this.actions.model() && !this.#part("img").hidden;
  }

  async #toggleHeatMap() {
    if (this.#look === "looking") return;
    if (this.#look === "hide") return this.#cover(false);
    this.#sayLook("looking");
    try {
      if (!this.#photo.answer.heatmap) await this.actions.explain(this.#photo);
      this.#cover(true);
    } catch {
      this.#sayLook("failed");
    }
  }

  #cover(on) {
    const [canvas, image] = [this.#part("canvas"), this.#part("img")];
    if (on) {
      const { naturalWidth: width, naturalHeight: height } = image;
      drawHeatMap(canvas, this.#photo.answer.heatmap, { crop: this.actions.model().crop, width, height });
      image.scrollIntoView({ block: "nearest" }); // on a phone, the button may be all that is in sight
    }
    canvas.hidden = !on;
    this.#sayLook(on ? "hide" : "show");
  }

  #sayLook(look) {
    this.#look = look;
    this.#part("[data-do=explain]").textContent = words.explain(look);
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

function rowOf({ breed, confidence }) {
  const row = document.querySelector("#guess").content.firstElementChild.cloneNode(true);
  row.querySelector(".guess-breed").textContent = words.breed(breed);
  row.querySelector(".guess-share").textContent = words.share(confidence);
  row.querySelector(".bar span").style.setProperty("inline-size", `${confidence * 100}%`);
  return row;
}
