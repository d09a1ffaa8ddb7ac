/** Below a photo: what can be done with its frames, and what came of it. */

import { say } from "../language.js";

const NAMES = ["read", "reset", "add", "find", "remove"];

export class FrameTools {
  element = document.createElement("div");
  #actions = document.createElement("div");
  #buttons;
  #said = line("frame-said", "status");
  #place = line("visually-hidden", "status");
  #help = line("visually-hidden");

  /** `acts` has a function for each of the buttons. */
  constructor(acts) {
    this.element.className = "frame-tools";
    this.#actions.className = "actions";
    this.#buttons = Object.fromEntries(NAMES.map((name) => [name, this.#button(name, acts[name])]));
    this.#buttons.read.classList.add("primary");
    this.element.append(this.#actions, this.#said, this.#place, this.#help);
  }

  /** Show the buttons that `shown` names as true, and say `text`; `helpId` becomes the id of the help for the keyboard. */
  show(shown, text, helpId) {
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.hidden = !shown[name];
      button.textContent = say(`dogs.${name}`);
    }
    this.#said.textContent = text;
    this.#help.id = helpId;
    this.#help.textContent = say("dogs.help");
  }

  /** Whether the focus is on a button that is no longer shown. */
  get lostFocus() {
    return this.element.querySelector(":focus")?.hidden ?? false;
  }

  /** Tell a screen reader where a frame is now. */
  tellPlace(box) {
    const [left, top, width, height] = box.map((share) => `${Math.round(share * 100)}%`);
    this.#place.textContent = say("dogs.place", { left, top, width, height });
  }

  #button(name, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.dataset.do = `frame-${name}`;
    button.addEventListener("click", act);
    this.#actions.append(button);
    return button;
  }
}

function line(kind, role = null) {
  const element = document.createElement("p");
  element.className = kind;
  if (role) element.setAttribute("role", role);
  return element;
}
