/** What a card shows on demand: what else it may be, facts, and all that can be done with the answer. */

import { words } from "../words.js";
import { Correction } from "./correction.js";
import { Facts } from "./facts.js";
import { Strip } from "./picture.js";
import { instance, write } from "./template.js";

const CAN_SHARE = navigator.share !== undefined; // a phone; elsewhere it is copied

export class Detail {
  element = instance("detail");
  #canvas;
  #actions;
  #entry; // the card's
  #dog = 0; // the index of the dog that is shown
  #shown; // the entry with this dog's answer
  #heatMap = null; // once it was asked for
  #facts = new Facts(this.#part(".facts"), this.#part("[data-do=facts]"));
  #correction;
  #look = "show"; // what the heat map's button offers or says: "show", "hide", "looking" or "failed"
  #shared = "offer"; // and the one that shares or copies: "offer", "done" or "failed"
  #strip = new Strip(this.#part(".strip"));

  /** `canvas` lies over the photo; `actions` are the card's. */
  constructor(canvas, actions) {
    this.#canvas = canvas;
    this.#actions = actions;
    const correct = (photos, correction) => actions.correct(photos, correction, this.#dog);
    this.#correction = new Correction(this.element, this.#part("[data-do=correct]"), { ...actions, correct });
    this.#on("remove", () => actions.remove(this.#entry));
    this.#on("retry", () => actions.retry(this.#entry));
    this.#on("explain", () => this.#toggleHeatMap());
    this.#on("share", () => this.#share());
    this.#on("separate", () => actions.separate(this.#entry.photos));
  }

  /** Show what belongs to the card's entry and its dog of this index, of which `shown` has the answer and words.js said so much. */
  show(entry, dog, shown, { breed = null, others = [] }) {
    if (dog !== this.#dog) this.#uncover();
    if (shown.answer !== this.#shown?.answer) this.#shared = "offer";
    [this.#entry, this.#dog, this.#shown] = [entry, dog, shown];
    const { answer, status, photos, correction, record, error } = shown;
    const canExplain = this.#canExplain();
    write(this.#part(".really"), words.really(correction));
    write(this.#part(".recalled"), record ? words.recalled(record.when) : "");
    this.#strip.show(photos);
    this.#part(".guesses").replaceChildren(...others.map(rowOf));
    this.#facts.show(breed, answer);
    this.#correction.show(shown);
    this.#part("[data-do=retry]").hidden = !(status === "cancelled" || error?.passing);
    this.#part("[data-do=explain]").hidden = !canExplain;
    this.#part("[data-do=share]").hidden = !answer || !(navigator.clipboard || CAN_SHARE); // which only a secure origin has
    this.#part("[data-do=separate]").hidden = photos.length < 2;
    if (!canExplain) this.#uncover();
    this.#sayLook(this.#look);
    this.#sayShared(this.#shared);
  }

  release() {
    this.#strip.show([]);
  }

  #canExplain() {
    const { answer, photos, preview } = this.#shown;
    const isHere = photos.length === 1 && !photos[0].record && Boolean(preview?.blob);
    return isHere && answer !== null && this.#actions.canExplain() && this.#actions.model() !== null;
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
      this.#heatMap ??= new HeatMap(this.#canvas, this.#part(".strength"));
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
    write(this.#part("[data-do=explain] span"), words.explain(look));
  }

  async #share() {
    const line = words.announcement(this.#entry, this.#actions.thresholds());
    const shared = CAN_SHARE ? sharePicture(line, this.#entry) : navigator.clipboard.writeText(line);
    this.#sayShared(await shared.then(() => "done", (error) => (error.name === "AbortError" ? "offer" : "failed")));
  }

  #sayShared(shared) {
    this.#shared = shared;
    write(this.#part("[data-do=share] span"), words.sharing(CAN_SHARE && shared !== "failed" ? "share" : shared));
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
