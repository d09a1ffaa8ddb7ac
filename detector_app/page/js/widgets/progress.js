/** Progress of many photos, with the actions on all of them. */

import { onTextsChanged } from "../language.js";
import { words } from "../words.js";
import { write } from "./template.js";

const SPAN = 10_000; // ms that a rate looks back: long enough to be steady, short enough to notice a change
const FEWEST = 5; // photos; of fewer no rate is told

export class Progress {
  #element;
  #album;
  #buttons;
  #rate = new Rate();
  #left = 0;
  #away = false;

  /** `actions` has a function for each button: `cancel`, `retry`, `clear`. */
  constructor(element, album, actions) {
    this.#element = element;
    this.#album = album;
    this.#buttons = Object.fromEntries([...element.querySelectorAll("button")].map((button) => [button.dataset.do, button]));
    for (const [name, button] of Object.entries(this.#buttons)) button.addEventListener("click", actions[name]);
    album.addEventListener("updated", () => this.#show());
    onTextsChanged(() => this.#show());
  }

  /** Whether nothing can be read just now, because the service does not answer or the network is gone. */
  set away(away) {
    this.#away = away;
    this.#show();
  }

  #show() {
    const counts = this.#album.counts();
    const pending = counts.waiting + counts.reading;
    const focused = this.#element.querySelector(":focus");
    const now = performance.now();
    for (let done = pending; done < this.#left; done++) this.#rate.note(now);
    if (pending === 0 || this.#away) this.#rate.reset();
    this.#left = pending;
    const state = stateOf(counts, this.#away);
    this.#element.hidden = counts.total < 2;
    this.#element.dataset.state = state;
    if (counts.total < 2) return;
    write(this.#element.querySelector("p"), words.progress(counts));
    write(this.#element.querySelector(".pace"), state === "away" ? words.away() : words.pace(this.#rate.perSecond(now), pending));
    const bar = this.#element.querySelector("progress");
    bar.max = counts.total || 1;
    bar.value = counts.read + counts.failed;
    this.#buttons.cancel.hidden = pending === 0;
    this.#buttons.retry.hidden = pending > 0 || counts.again === 0;
    write(this.#buttons.retry, words.retryAll(counts.again));
    if (focused?.hidden) this.#element.querySelector("button:not([hidden])").focus();
  }
}

/** Return how it goes, as style.css shows it: "reading", "away", "cancelled", "failed" in part, or "done". */
function stateOf({ waiting, reading, cancelled, failed }, away) {
  if (waiting + reading > 0) return away ? "away" : "reading";
  if (cancelled > 0) return "cancelled";
  return failed > 0 ? "failed" : "done";
}

/** Photos a second, from the moments at which the last of them were done. */
export class Rate {
  #moments = [];

  /** Note that a photo is done; `now` is in ms. */
  note(now) {
    this.#moments.push(now);
    while (this.#moments[0] < now - SPAN) this.#moments.shift();
  }

  /** Return photos a second, or null while that cannot be told. */
  perSecond(now) {
    const recent = this.#moments.filter((moment) => moment >= now - SPAN);
    if (recent.length < FEWEST) return null;
    return ((recent.length - 1) / Math.max(1, now - recent[0])) * 1000;
  }

  reset() {
    this.#moments = [];
  }
}
