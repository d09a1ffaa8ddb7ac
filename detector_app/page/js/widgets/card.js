/** One photo, or several of one dog, and what is known about it. */

import { entriesOfDogs } from "../answers/dogs.js";
import { words } from "../words.js";
import { Correction } from "./correction.js";
import { Facts } from "./facts.js";
import { Picture, Strip } from "./picture.js";
import { instance } from "./template.js";

const CAN_SHARE = navigator.share !== undefined; // a phone; elsewhere it is copied

export class Card {
  element = instance("card");
  #actions;
  #entry;
  #dog = 0; // of several, the index of the one that is shown
  #shown; // the entry with this dog's answer
  #frames = null; // a promise of what shows the whole photo and its dogs, once the card is seen whole
  #whole = false;
  #picture = new Picture(this.#part(".photo"));
  #heatMap = null; // once it was asked for
  #facts = new Facts(this.#part(".facts"), this.#part("[data-do=facts]"));
  #correction;
  #look = "show"; // what the heat map's button offers or says: "show", "hide", "looking" or "failed"
  #shared = "offer"; // and the one that shares or copies: "offer", "done" or "failed"
  #strip = new Strip(this.#part(".strip"));

  /**
   * `actions` has `retry(photo)`, `canExplain()`, `explain(photo, dog)`, `choose(id, on)`, `separate(photos)`, `remove(entry)`,
   * `correct(photos, correction, dog)`, `model()`: `{card, feedback}` so far known, or null, `thresholds()`: its card's, and
   * `frames(card, select)`: a promise of Frames. `dog` is the index of one of a photo's dogs.
   */
  constructor(actions) {
    this.#actions = actions;
    const correct = (photos, correction) => actions.correct(photos, correction, this.#dog);
    this.#correction = new Correction(this.element, this.#part("[data-do=correct]"), { ...actions, correct });
    this.#on("open", () => (this.open = !this.open));
    this.#part(".detail").addEventListener("click", () => (this.open = true)); // in use, it stays when more photos come
    this.#on("remove", () => actions.remove(this.#entry));
    this.#on("retry", () => actions.retry(this.#entry));
    this.#on("explain", () => this.#toggleHeatMap());
    this.#on("share", () => this.#share());
    this.#on("separate", () => actions.separate(this.#entry.photos));
    this.#part(".choose input").addEventListener("change", (event) => actions.choose(this.#entry.id, event.target.checked));
  }

  show(whole) {
    const focused = this.element.querySelector(":focus");
    const dogs = entriesOfDogs(whole);
    this.#dog = Math.min(this.#dog, dogs.length - 1);
    const entry = dogs[this.#dog];
    const { answer, status, photos } = entry;
    if (answer !== this.#shown?.answer) this.#shared = "offer";
    [this.#entry, this.#shown] = [whole, entry];
    const { headline, remark, breed = null, share = null, others = [] } = words.card(entry, this.#actions.thresholds());
    this.element.dataset.status = status;
    this.element.classList.toggle("not-a-dog", answer?.isDog === false);
    this.element.setAttribute("aria-busy", status === "waiting" || status === "reading");
    this.#part(".headline").textContent = headline;
    this.#part(".remark").textContent = remark;
    this.#part(".verdict .bar").hidden = share === null;
    this.#part(".verdict .bar span").style.setProperty("inline-size", `${share * 100}%`);
    this.#part(".expand .visually-hidden").textContent = words.details(entry.file.name);
    this.#part(".really").textContent = words.really(entry.correction);
    this.#part(".file").textContent = words.files(photos.map(({ file }) => file.name));
    this.#part(".recalled").textContent = entry.record ? words.recalled(entry.record.when) : "";
    this.#strip.show(photos);
    this.#part(".choose .visually-hidden").textContent = words.choose(entry.file.name);
    this.#part(".guesses").replaceChildren(...others.map(rowOf));
    this.#picture.show(entry.preview);
    this.#facts.show(breed, answer);
    this.#correction.show(entry);
    this.#part("[data-do=retry]").hidden = !(status === "cancelled" || entry.error?.passing);
    this.#part("[data-do=explain]").hidden = !this.#canExplain();
    this.#part("[data-do=share]").hidden = !answer || !(navigator.clipboard || CAN_SHARE); // which only a secure origin has
    this.#part("[data-do=separate]").hidden = photos.length < 2;
    if (!this.#canExplain()) this.#uncover();
    this.#sayLook(this.#look);
    this.#sayShared(this.#shared);
    if (focused && (!focused.isConnected || focused.closest("[hidden]"))) this.element.focus();
    this.#showFrames();
  }

  set chosen(on) {
    this.#part(".choose input").checked = on;
  }

  /** Whether the card's detail is shown where there are many; a card among few always shows it. */
  get open() {
    return this.element.classList.contains("open");
  }

  set open(on) {
    this.element.classList.toggle("open", on);
    this.#part(".expand").setAttribute("aria-expanded", on);
    this.#showFrames();
  }

  /** Whether the card is among few, where each is seen whole. */
  set whole(on) {
    if (this.#whole === on) return;
    this.#whole = on;
    this.#showFrames();
  }

  release() {
    this.#picture.release();
    this.#strip.show([]);
  }

  #canExplain() {
    const { answer, photos } = this.#entry;
    return answer && photos.length === 1 && !photos[0].record && this.#actions.canExplain() && this.#actions.model() && this.#picture.visible;
  }

  async #showFrames() {
    const { preview } = this.#entry ?? {};
    const isWhole = Boolean(preview?.blob) && preview.width > 0 && (this.#whole || this.open);
    this.element.classList.toggle("whole", isWhole);
    if (isWhole) this.#part(".stage").style.setProperty("--aspect", preview.width / preview.height);
    if (!this.#entry || !(this.#whole || this.open)) return;
    this.#frames ??= this.#actions.frames(this.element, (dog) => this.#showDog(dog));
    const frames = await this.#frames.catch(() => null); // without a network, the card does without
    frames?.show(this.#entry, this.#dog);
  }

  #showDog(dog) {
    if (dog !== this.#dog) this.#uncover();
    this.#dog = dog;
    this.show(this.#entry);
  }

  async #toggleHeatMap() {
    if (this.#look === "looking") return;
    if (this.#look === "hide") return this.#uncover();
    this.#sayLook("looking");
    const dog = this.#dog;
    try {
      const { heatmap, seen } = await this.#actions.explain(this.#entry, dog);
      const { HeatMap } = await import("./heat_map.js");
      if (dog !== this.#dog) return;
      this.#heatMap ??= new HeatMap(this.#part("canvas"), this.#part(".strength"));
      this.#heatMap.show(heatmap, seen, this.#entry.preview);
      this.#sayLook("hide");
    } catch {
      this.#sayLook("failed");
    }
  }

  #uncover() {
    this.#heatMap?.hide();
    this.#sayLook("show");
  }

  #sayLook(look) {
    this.#look = look;
    this.#part("[data-do=explain] span").textContent = words.explain(look);
  }

  async #share() {
    const line = words.announcement(this.#entry, this.#actions.thresholds());
    const shared = CAN_SHARE ? sharePicture(line, this.#entry) : navigator.clipboard.writeText(line);
    this.#sayShared(await shared.then(() => "done", (error) => (error.name === "AbortError" ? "offer" : "failed")));
  }

  #sayShared(shared) {
    this.#shared = shared;
    this.#part("[data-do=share] span").textContent = words.sharing(CAN_SHARE && shared !== "failed" ? "share" : shared);
  }

  #on(name, act) {
    this.#part(`[data-do=${name}]`).addEventListener("click", act);
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

/** Hand a line to the device, to be sent to others with the picture where it takes one. */
async function sharePicture(text, { file, preview }) {
  const files = preview?.blob ? [new File([preview.blob], file.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg" })] : [];
  await navigator.share(navigator.canShare?.({ files }) ? { text, files } : { text });
}

function rowOf({ breed, confidence }) {
  const row = instance("guess");
  row.querySelector(".guess-breed").textContent = words.breed(breed);
  row.querySelector(".guess-share").textContent = words.share(confidence);
  row.querySelector(".bar span").style.setProperty("inline-size", `${confidence * 100}%`);
  return row;
}
