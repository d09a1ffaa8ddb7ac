/** Correction form: what a person says of an answer, sent to the service if it takes feedback and the person agrees. */

import { nameKey, sameBreed } from "../breeds.js";
import { words } from "../words.js";
import { instance } from "./template.js";

/** The form is made when it is opened and removed when it is closed: a browser scans every form that a page has. */
export class Correction {
  static #opened = null; // the one of all cards that is open
  #place;
  #button;
  #actions;
  #form = null;
  #entry;

  /** The form comes last in `place`; `actions` has `correct(photos, correction)`, `model()` and `thresholds()`. */
  constructor(place, button, actions) {
    this.#place = place;
    this.#button = button;
    this.#actions = actions;
    button.addEventListener("click", () => (this.#form ? this.#close() : this.#open()));
    button.setAttribute("aria-expanded", false);
  }

  show(entry) {
    this.#entry = entry;
    this.#button.hidden = entry.answer === null || !this.#actions.model();
    if (this.#button.hidden) this.#remove();
  }

  #open() {
    Correction.#opened?.#remove();
    Correction.#opened = this;
    this.#form = instance("correction");
    const { feedback, card } = this.#actions.model();
    this.#form.querySelector("datalist").append(...card.breeds.map((breed) => new Option("", words.breed(breed))));
    this.#form.querySelector("[data-do=forget]").hidden = !this.#entry.correction || this.#entry.correction.sent;
    this.#form.querySelector(".consent").hidden = !feedback;
    this.#form.querySelector(".here-alone").hidden = feedback;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    for (const button of this.#form.querySelectorAll("[data-kind]")) {
      button.addEventListener("click", () => this.#send({ kind: button.dataset.kind }));
    }
    this.#form.querySelector("[data-do=close]").addEventListener("click", () => this.#close());
    this.#form.querySelector("[data-do=forget]").addEventListener("click", () => {
      this.#actions.correct(this.#entry.photos, null);
      this.#close();
    });
    this.#place.append(this.#form);
    this.#button.setAttribute("aria-expanded", true);
    this.#form.elements.breed.focus();
  }

  #save() {
    const { breed, also } = this.#form.elements;
    const { breeds } = this.#actions.model().card;
    const [one, other] = [breed, also].map(({ value }) => breedLike(value, breeds));
    // The service trains with breeds that the model knows; on this device any name can be noted.
    if (this.#agreed && (!breeds.includes(one) || other)) {
      this.#say(words.correction("unknown"));
      breed.focus();
    } else this.#send(other ? { kind: "mix", breed: one, also: other } : { kind: "breed", breed: one });
  }

  async #send({ kind, breed = null, also = null }) {
    const named = kind === "right" ? words.card(this.#entry, this.#actions.thresholds()).breed : breed;
    const sent = this.#agreed && named !== null; // of a group, or no dog, no breed can be learnt
    try {
      this.#say(sent ? words.correction("sending") : "");
      const said = { kind, breed: named, also, sent };
      await this.#actions.correct(this.#entry.photos, said);
      this.#close();
    } catch (problem) {
      this.#say(words.problem(problem)); // what was typed stays
    }
  }

  get #agreed() {
    return this.#actions.model().feedback && this.#form.querySelector("[type=checkbox]").checked;
  }

  #close() {
    this.#remove();
    this.#button.focus();
  }

  #remove() {
    this.#form?.remove();
    this.#form = null;
    if (Correction.#opened === this) Correction.#opened = null;
    this.#button.setAttribute("aria-expanded", false);
  }

  #say(text) {
    if (this.#form) this.#form.querySelector("[role=status]").textContent = text;
  }
}

/** Return the model's name of the breed that a person means, in the page's language too, or else what they wrote. */
function breedLike(text, breeds) {
  const key = nameKey(text);
  return breeds.find((breed) => sameBreed(breed, text) || nameKey(words.breed(breed)) === key) ?? text.trim();
}
