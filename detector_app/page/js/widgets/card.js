/** One photo, or several of one dog, with its answer at a glance; all else is made when it is looked at. */

import { entriesOfDogs } from "../answers/dogs.js";
import { words } from "../words.js";
import { Picture } from "./picture.js";
import { instance, write } from "./template.js";

let coming = null; // the module of details, which comes with the first card

export class Card {
  element = instance("card");
  #actions;
  #entry = null;
  #dog = 0; // of several, the index of the one that is shown
  #shown; // the entry with this dog's answer
  #said; // what words.js says of it
  #frames = null; // a promise of what shows the whole photo and its dogs, once the card is seen whole
  #whole = false;
  #picture = new Picture(this.#part(".photo"));
  #detail = null; // once it was looked at: of hundreds of cards few are

  /**
   * `actions` has `retry(photo)`, `canExplain()`, `explain(photo, dog)`, `choose(id, on)`, `separate(photos)`, `remove(entry)`,
   * `correct(photos, correction, dog)`, `model()`: `{card, feedback}` so far known, or null, `thresholds()`: its card's, and
   * `frames(card, select)`: a promise of Frames. `dog` is the index of one of a photo's dogs.
   */
  constructor(actions) {
    this.#actions = actions;
    loadDetail();
    this.#part("[data-do=open]").addEventListener("click", () => (this.open = !this.open));
    this.#part(".choose input").addEventListener("change", (event) => actions.choose(this.#entry.id, event.target.checked));
  }

  show(whole) {
    const focused = this.element.querySelector(":focus");
    const dogs = entriesOfDogs(whole);
    this.#entry = whole;
    this.#dog = Math.min(this.#dog, dogs.length - 1);
    this.#shown = dogs[this.#dog];
    this.#said = words.card(this.#shown, this.#actions.thresholds());
    const { answer, status, photos, file, preview } = this.#shown;
    const { headline, remark, share = null } = this.#said;
    this.element.dataset.status = status;
    this.element.classList.toggle("not-a-dog", answer?.isDog === false);
    this.element.setAttribute("aria-busy", status === "waiting" || status === "reading");
    write(this.#part(".headline"), headline);
    write(this.#part(".remark"), remark);
    const bar = this.#part(".verdict .bar");
    bar.hidden = share === null;
    if (share !== null) bar.firstElementChild.style.setProperty("inline-size", `${share * 100}%`);
    write(this.#part(".expand .visually-hidden"), words.details(file.name));
    write(this.#part(".file"), words.files(photos.map(({ file }) => file.name)));
    write(this.#part(".choose .visually-hidden"), words.choose(file.name));
    this.#picture.show(preview);
    this.#showDetail();
    if (focused && (!focused.isConnected || focused.closest("[hidden]"))) this.element.focus();
    this.#showWhole();
  }

  set chosen(on) {
    this.#part(".choose input").checked = on;
    this.element.classList.toggle("is-chosen", on);
  }

  /** Whether the card's detail is shown where there are many; a card among few always shows it. */
  get open() {
    return this.element.classList.contains("open");
  }

  set open(on) {
    this.element.classList.toggle("open", on);
    this.#part(".expand").setAttribute("aria-expanded", on);
    this.#showWhole();
  }

  /** Whether the card is among few, where each is seen whole. */
  set whole(on) {
    if (this.#whole === on) return;
    this.#whole = on;
    if (this.#entry) this.#showWhole();
  }

  /** Make the detail, if there is none yet. */
  async makeDetail() {
    const Detail = await loadDetail();
    if (!Detail || this.#detail) return;
    this.#detail = new Detail(this.#part("canvas"), this.#actions);
    this.#detail.element.addEventListener("click", () => (this.open = true)); // in use, it stays when more photos come
    this.#part(".answer").append(this.#detail.element);
    this.#showDetail();
  }

  release() {
    this.#picture.release();
    this.#detail?.release();
  }

  #showDetail() {
    this.#detail?.show(this.#entry, this.#dog, this.#shown, this.#said);
  }

  async #showWhole() {
    const { preview } = this.#entry;
    const isSeen = this.#whole || this.open;
    const isWhole = isSeen && Boolean(preview?.blob) && preview.width > 0;
    this.element.classList.toggle("whole", isWhole);
    if (isWhole) this.#part(".stage").style.setProperty("--aspect", preview.width / preview.height);
    if (!isSeen) return;
    this.#frames ??= this.#actions.frames(this.element, (dog) => this.#showDog(dog)).catch(() => null); // without a network
    await this.makeDetail();
    const frames = await this.#frames;
    frames?.show(this.#entry, this.#dog);
  }

  #showDog(dog) {
    this.#dog = dog;
    this.show(this.#entry);
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

/** Return the class of details; null without a network, if it was never loaded. */
async function loadDetail() {
  coming ??= import("./detail.js");
  try {
    return (await coming).Detail;
  } catch {
    coming = null;
    return null;
  }
}
