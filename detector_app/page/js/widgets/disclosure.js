/** A button that shows and hides a panel. */
export class Disclosure {
  #panel;
  #button;

  /** `opened` is called each time that the panel is shown. */
  constructor(panel, button, opened) {
    this.#panel = panel;
    this.#button = button;
    button.addEventListener("click", () => {
      this.toggle(panel.hidden);
      if (!panel.hidden) opened();
    });
    this.toggle(false);
  }

  toggle(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", open);
  }

  /** Offer the panel or not. */
  set offered(on) {
    this.#button.hidden = !on;
    if (!on) this.toggle(false);
  }
}
