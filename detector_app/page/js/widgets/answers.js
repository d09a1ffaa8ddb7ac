/** The answers, as cards or as rows, in the order and with the filter of the view. */

import { arrange } from "../answers/arrange.js";
import { onTextsChanged } from "../language.js";
import { entriesOf } from "../photos/entries.js";
import { Card } from "./card.js";
import { TableRow } from "./table_row.js";

const FEW = 3; // entries that are shown whole; of more, each opens on demand

const ITEMS = { grid: Card, table: TableRow };

export class Answers {
  #places;
  #album;
  #view;
  #actions;
  #layout = null;
  #items = new Map(); // of an entry's id: {item, photos}, what was made for it and of what
  #shown = []; // ids, in the order of the page
  #due = false;
  #whole = true; // whether cards are shown whole, for they are few

  /** `places` has the element that holds the items of each layout. */
  constructor(places, album, view, actions) {
    this.#places = places;
    this.#album = album;
    this.#view = view;
    this.#actions = { ...actions, choose: (id, on) => view.choose(id, on), open: (id) => this.#open(id) };
    album.addEventListener("updated", () => this.#show());
    view.addEventListener("changed", () => this.#schedule());
    onTextsChanged(() => {
      for (const known of this.#items.values()) known.photos = [];
      this.#schedule();
    });
  }

  /** Hundreds of changes make one picture. */
  #schedule() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#show();
    });
  }

  #show() {
    const { layout } = this.#view;
    if (layout !== this.#layout) this.#forget(this.#items.keys());
    this.#layout = layout;
    for (const [name, place] of Object.entries(this.#places)) place.closest("[data-layout]").hidden = name !== layout;

    const thresholds = this.#actions.model()?.card.thresholds;
    const entries = entriesOf(this.#album.all(), thresholds?.dog);
    this.#whole = entries.length <= FEW;
    this.#places.grid.classList.toggle("compact", !this.#whole);
    const ids = new Set(entries.map(({ id }) => id));
    this.#forget([...this.#items.keys()].filter((id) => !ids.has(id)));
    const arranged = arrange(entries, this.#view, thresholds?.sure);
    this.#shown = arranged.map(({ id }) => id);
    fill(this.#places[layout], arranged.map((entry) => this.#itemOf(entry).element));
  }

  #itemOf(entry) {
    let known = this.#items.get(entry.id);
    if (!known) {
      known = { item: new ITEMS[this.#layout](this.#actions), photos: [] };
      this.#items.set(entry.id, known);
    }
    if (!same(known.photos, entry.photos)) known.item.show(entry);
    known.photos = entry.photos;
    if (this.#layout === "grid") known.item.whole = this.#whole;
    known.item.chosen = this.#view.chosen.has(entry.id);
    return known.item;
  }

  #forget(ids) {
    for (const id of ids) {
      this.#items.get(id).item.release();
      this.#items.get(id).item.element.remove();
      this.#items.delete(id);
    }
  }

  /** Return the id of the entry shown after this one, or else before it; undefined where it stands alone. */
  after(id) {
    const shown = this.#shown;
    const place = shown.indexOf(id);
    return shown[place + 1] ?? shown[place - 1];
  }

  /** Go to an entry. */
  focus(id) {
    this.#show(); // what is due, so that it is there
    const place = this.#places[this.#layout];
    (this.#items.get(id)?.item.element ?? place).focus();
  }

  /** Show an entry's card, and go to it. */
  #open(id) {
    this.#view.set({ layout: "grid" });
    this.#show();
    this.#items.get(id).item.open = true;
    this.focus(id);
  }
}

/** Let `place` hold these elements in this order, moving none that stands right, for that would lose its focus. */
function fill(place, elements) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(elements);
  for (const child of [...place.children]) if (!wanted.has(child)) child.remove();
  let next = place.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else place.insertBefore(element, next);
  }
  if (focused && document.activeElement !== focused) (focused.isConnected ? focused : place).focus();
}

function same(one, other) {
  return one.length === other.length && one.every((photo, index) => photo === other[index]);
}
