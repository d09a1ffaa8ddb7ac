/** The answers, as cards or as rows, in the order and with the filter of the view. */

import { arrange } from "../answers/arrange.js";
import { onTextsChanged, translate } from "../language.js";
import { entriesOf } from "../photos/entries.js";
import { Card } from "./card.js";
import { TableRow } from "./table_row.js";

const FEW = 3; // entries that are shown whole; of more, each opens on demand

// What one task does at most, so that its picture is laid out soon as well; the rest has its turn when the page has answered
// its person.
const MOST = 16; // items that are drawn, moved or removed
const SLICE = 8; // ms, on a slow device

const ITEMS = { grid: Card, table: TableRow };

export class Answers {
  #places;
  #album;
  #view;
  #actions;
  #layout = null;
  #items = new Map(); // of an entry's id: {item, photos, chosen}, what was made for it and of what
  #entries = []; // as arranged for the view
  #due = false;
  #whole = true; // whether cards are shown whole, for they are few
  #rest = null; // the next task, while there is more to do

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
    addEventListener("beforeprint", () => {
      this.#work({ isEndless: true });
      for (const { item } of this.#items.values()) item.makeDetail?.(); // cards are printed whole
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

  /** Plan what is to be seen, and do as much of it as one task may take, `first` in any case. */
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
    this.#entries = arrange(entries, this.#view, thresholds);
    if (this.#rest === null || first !== null) this.#work({ first }); // else this task may have done its part
  }

  /** Draw items and put them in their places, from the top on, as much as one task may; tasks that follow do the rest. */
  #work({ first = null, isEndless = false } = {}) {
    const end = performance.now() + SLICE;
    let worked = 0;
    const isOver = () => !isEndless && (worked >= MOST || performance.now() > end);
    const place = this.#places[this.#layout];
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    const wanted = new Set(this.#entries.map(({ id }) => this.#items.get(id)?.item.element));
    const takeAway = (element) => {
      const next = element.nextElementSibling;
      element.remove();
      worked += 1;
      return next;
    };
    let next = place.firstElementChild;
    let at = 0;
    for (; at < this.#entries.length; at += 1) {
      while (next && !wanted.has(next) && !isOver()) next = takeAway(next);
      if (isOver()) break;
      const isDrawn = this.#isDrawn(this.#entries[at]);
      const { element } = this.#drawn(this.#entries[at]);
      const isPlaced = element === next; // it is not moved then, for that would lose its focus
      if (isPlaced) next = next.nextElementSibling;
      else place.insertBefore(element, next);
      if (!isDrawn || !isPlaced) worked += 1;
    }
    const rest = this.#entries.slice(at);
    while (rest.length === 0 && next && !isOver()) next = takeAway(next);
    const ahead = rest.find(({ id }) => id === first);
    if (ahead && this.#drawn(ahead).element.parentElement !== place) place.insertBefore(this.#drawn(ahead).element, next);
    const others = Object.values(this.#places).filter((other) => other !== place);
    for (const other of others) while (other.firstElementChild && !isOver()) takeAway(other.firstElementChild);
    if (focused && document.activeElement !== focused) (focused.isConnected ? focused : place).focus();

    clearTimeout(this.#rest);
    const isDone = rest.length === 0 && !next && others.every((other) => !other.firstElementChild);
    this.#rest = isDone ? null : setTimeout(() => this.#work());
  }

  /** Tell whether the item of an entry shows what it should. */
  #isDrawn({ id, photos }) {
    const known = this.#items.get(id);
    return known !== undefined && known.photos.length === photos.length && photos.every((photo, index) => photo === known.photos[index]);
  }

  /** Return the item of an entry, made or renewed if need be. */
  #drawn(entry) {
    if (!this.#isDrawn(entry)) this.#draw(entry);
    const known = this.#items.get(entry.id);
    if (this.#layout === "grid") known.item.whole = this.#whole;
    const chosen = this.#view.chosen.has(entry.id);
    if (chosen !== known.chosen) known.item.chosen = known.chosen = chosen;
    return known.item;
  }

  #draw(entry) {
    const known = this.#items.get(entry.id) ?? { item: new ITEMS[this.#layout](this.#actions), chosen: false };
    const { element } = known.item;
    if (known.photos) translate(element); // it may have been made with other texts
    element.lang = document.documentElement.lang; // until it is drawn again, whatever the page speaks
    known.item.show(entry);
    known.photos = entry.photos;
    this.#items.set(entry.id, known);
  }

  /** Let go of items; their elements go in their turn. */
  #forget(ids) {
    for (const id of ids) {
      this.#items.get(id).item.release();
      this.#items.delete(id);
    }
  }

  /** Return the id of the entry shown after the last of these, or else before; undefined where none is left. */
  after(ids) {
    const shown = this.#entries.map(({ id }) => id);
    const last = Math.max(...ids.map((id) => shown.indexOf(id)));
    const isLeft = (id) => !ids.includes(id);
    return shown.slice(last).find(isLeft) ?? shown.slice(0, last).findLast(isLeft);
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
    const isFilteredAway = !this.#entries.some((entry) => entry.id === id);
    this.#view.set(isFilteredAway ? { breed: "", kind: "" } : {});
    this.#show(id);
    this.#items.get(id).item.open = true;
    this.focus(id);
  }
}
