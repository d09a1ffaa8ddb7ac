/** The languages to choose from, each by its own name. */

import { choose, language, onTextsChanged } from "../language.js";

export class LanguageSwitch {
  #buttons;

  /** `fail` is called when a language cannot be had; the one before stays. */
  constructor(element, fail) {
    this.#buttons = [...element.querySelectorAll("button")];
    for (const button of this.#buttons) button.addEventListener("click", () => choose(button.lang).catch(fail));
    onTextsChanged(() => this.#show());
    this.#show();
  }

  #show() {
    for (const button of this.#buttons) button.setAttribute("aria-pressed", button.lang === language);
  }
}
