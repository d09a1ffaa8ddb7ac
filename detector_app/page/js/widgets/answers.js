/** The answers, as cards or as rows, in the order and with the filter of the view. */

import { arrange } from "../answers/arrange.js";
import { onTextsChanged, translate } from "../language.js";
import { entriesOf } from "../photos/entries.js";
import { Card } from "./card.js";
import { TableRow } from "./table_row.js";

const FEW = 3; // entries that are shown whole; of more, each opens on demand

const SLICE = 8; // ms that one task draws items; what is left has its turn when the page has answered its person

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
  #rest = null; // the next task, while there is more to draw

  /** `places` has the element that holds the items of each layout. */
  constructor(places, album, view, actions) {
    this.#places = places;
    this.#album = album;
    this.#view = view;
    this.#actions = { ...actions, choose: (id, on) => view.choose(id, on), open: (id) => this.open(id) };
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

  /** Show what is to be seen: as much as one task may take, `first` in any case, and the rest in the tasks after. */
  #show(first = null) {
    const { layout } = this.#view;
    if (layout !== this.#layout) this.#forget([...this.#items.keys()]);
    this.#layout = layout;
    for (const [name, place] of Object.entries(this.#places)) place.closest("[data-layout]").hidden = name !== layout;

    const thresholds = this.#actions.thresholds();
    const entries = entriesOf(this.#album.all(), thresholds?.dog);
    this.#whole = entries.length <= FEW;
    this.#places.grid.classList.toggle("compact", !this.#whole);
    const ids = new Set(entries.map(({ id }) => id));
    this.#forget([...this.#items.keys()].filter((id) => !ids.has(id)));
    const arranged = arrange(entries, this.#view, thresholds);
    this.#shown = arranged.map(({ id }) => id);
    const items = [];
    const end = performance.now() + SLICE;
    let isWhole = true;
    for (const entry of arranged) {
      let known = this.#items.get(entry.id);
      if (!known || !same(known.photos, entry.photos)) {
        if (entry.id === first || performance.now() < end) known = this.#draw(entry);
        else isWhole = false;
      }
      if (!known) continue;
      items.push(known.item); // if it is old, until its turn comes
      known.item.chosen = this.#view.chosen.has(entry.id);
      if (layout === "grid") known.item.whole = this.#whole;
    }
    fill(this.#places[layout], items.map(({ element }) => element));
    if (isWhole || this.#rest) return;
    this.#rest = setTimeout(() => {
      this.#rest = null;
      this.#show();
    });
  }

  /** Make or renew the item of an entry. */
  #draw(entry) {
    const known = this.#items.get(entry.id) ?? { item: new ITEMS[this.#layout](this.#actions) };
    if (known.photos?.length === 0) translate(known.item.element); // it was made with other texts
    known.item.show(entry);
    known.photos = entry.photos;
    this.#items.set(entry.id, known);
    return known;
  }

  #forget(ids) {
    for (const id of ids) {
      this.#items.get(id).item.release();
      this.#items.get(id).item.element.remove();
      this.#items.delete(id);
    }
  }

  /** Return the id of the entry shown after the last of these, or else before; undefined where none is left. */
  after(ids) {
    const last = Math.max(...ids.map((id) => this.#shown.indexOf(id)));
    const isLeft = (id) => !ids.includes(id);
    return this.#shown.slice(last).find(isLeft) ?? this.#shown.slice(0, last).findLast(isLeft);
  }

  /** Go to an entry. */
  focus(id) {
    this.#show(id); // what is due, so that it is there
    const place = this.#places[this.#layout];
    (this.#items.get(id)?.item.element ?? place).focus();
  }

  /** Show an entry's card, and go to it. */
  open(id) {
    this.#view.layout = "grid";
    this.#show(id);
    const isFilteredAway = !this.#items.has(id);
    this.#view.set(isFilteredAway ? { breed: "", kind: "" } : {});
    this.#show(id);
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
