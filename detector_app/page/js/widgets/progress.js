/** Progress of many photos, with the actions on all of them. */

import { onTextsChanged } from "../language.js";
import { Rate } from "../photos/rate.js";
import { words } from "../words.js";

export class Progress {
  #element;
  #buttons;
  #rate = new Rate();
  #left = 0;

  /** `actions` has a function for each button: `cancel`, `retry`, `clear`. */
  constructor(element, album, actions) {
    this.#element = element;
    this.#buttons = Object.fromEntries([...element.querySelectorAll("button")].map((button) => [button.dataset.do, button]));
    for (const [name, button] of Object.entries(this.#buttons)) button.addEventListener("click", actions[name]);
    album.addEventListener("updated", () => this.#show(album.counts()));
    onTextsChanged(() => this.#show(album.counts()));
  }

  #show(counts) {
    const pending = counts.waiting + counts.reading;
    const focused = this.#element.querySelector(":focus");
    const now = performance.now();
    for (let done = pending; done < this.#left; done++) this.#rate.note(now);
    if (pending === 0) this.#rate.reset();
    this.#left = pending;
    this.#element.hidden = counts.total < 2;
    this.#element.querySelector("p").textContent = words.progress(counts);
    this.#element.querySelector(".pace").textContent = words.pace(this.#rate.perSecond(now), pending);
    const bar = this.#element.querySelector("progress");
    bar.max = counts.total || 1;
    bar.value = counts.total - pending;
    this.#buttons.cancel.hidden = pending === 0;
    this.#buttons.retry.hidden = pending > 0 || counts.again === 0;
    this.#buttons.retry.textContent = words.retryAll(counts.again);
    if (focused?.hidden) this.#element.querySelector("button:not([hidden])").focus();
  }
}
