/** The list of cards, the newest photos first. */

import { onSayAnew } from "../language.js";
import { Card } from "./card.js";

export class Cards {
  #cards = new Map();

  constructor(element, album, actions) {
    album.addEventListener("added", ({ detail: photos }) => {
      const cards = photos.map((photo) => [photo.id, new Card(photo, actions)]);
      for (const [id, card] of cards) this.#cards.set(id, card);
      element.prepend(...cards.map(([, card]) => card.element));
    });
    album.addEventListener("changed", ({ detail: photo }) => this.#cards.get(photo.id).show(photo));
    onSayAnew(() => this.#cards.forEach((card, id) => card.show(album.get(id))));
    album.addEventListener("cleared", () => {
      for (const card of this.#cards.values()) card.release();
      this.#cards.clear();
      element.replaceChildren();
    });
  }
}
