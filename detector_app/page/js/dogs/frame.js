/** One frame on a photo: it can be dragged, and resized by its corners, with any pointer or by the arrow keys. */

import { moved, resized } from "./box.js";

const STEP = 0.02; // of the photo's side, for a press of an arrow key
const CORNERS = [[-1, -1], [1, -1], [-1, 1], [1, 1]];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Frame {
  element = document.createElement("div");
  #label = document.createElement("span");
  #box;
  #actions;

  /** `actions` has `select()`, `change(box)`, and `read()`, `reset()` and `remove()` for the keys that mean these. */
  constructor(actions) {
    this.#actions = actions;
    this.element.className = "frame";
    this.element.tabIndex = 0;
    // A screen reader passes the arrow keys on to an application alone.
    this.element.setAttribute("role", "application");
    this.#label.className = "frame-number";
    this.#label.ariaHidden = true;
    this.element.append(this.#label, ...CORNERS.map((edges) => this.#cornerOf(edges)));
    this.element.addEventListener("focus", () => actions.select());
    this.element.addEventListener("keydown", (event) => this.#press(event));
    this.element.addEventListener("pointerdown", (event) => {
      // A finger that has not touched the frame before scrolls the page.
      if (event.pointerType === "mouse" || document.activeElement === this.element) this.#drag(event, moved);
    });
  }

  /** Show `box` in the colour of `index`, with its number unless it `isAlone`; `name` and the id of `help` are for screen readers. */
  show({ box, index, isAlone, isSelected, isDraft, name, help }) {
    this.#box = box;
    const sides = ["inset-inline-start", "inset-block-start", "inline-size", "block-size"];
    sides.forEach((side, place) => this.element.style.setProperty(side, `${box[place] * 100}%`));
    this.element.style.setProperty("--dog", index);
    this.element.classList.toggle("selected", isSelected);
    this.element.classList.toggle("draft", isDraft);
    this.element.setAttribute("aria-label", name);
    this.element.setAttribute("aria-describedby", help);
    this.#label.textContent = isAlone ? "" : index + 1;
  }

  #cornerOf(edges) {
    const corner = document.createElement("span");
    corner.className = "frame-corner";
    [corner.dataset.x, corner.dataset.y] = edges;
    corner.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      this.#drag(event, (box, right, down) => resized(box, edges, right, down));
    });
    return corner;
  }

  /** Follow the pointer from here on: `change` gets the box as it is now, and how far it went. */
  #drag(event, change) {
    if (event.button !== 0) return;
    event.preventDefault(); // no selection of text
    this.element.focus({ preventScroll: true });
    const start = this.#box;
    const { width, height } = this.element.parentElement.getBoundingClientRect();
    const follow = ({ clientX, clientY }) =>
      this.#actions.change(change(start, (clientX - event.clientX) / width, (clientY - event.clientY) / height));
    followPointer(event, { follow, cancel: () => this.#actions.change(start) });
  }

  #press(event) {
    const keys = { Enter: "read", Escape: "reset", Delete: "remove" };
    const arrow = ARROWS[event.key];
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey || !(arrow || keys[event.key])) return;
    event.preventDefault();
    if (!arrow) return this.#actions[keys[event.key]]();
    const [right, down] = arrow.map((direction) => direction * STEP);
    this.#actions.change(event.shiftKey ? resized(this.#box, [1, 1], right, down) : moved(this.#box, right, down));
  }
}

/** Call `follow` with each event of a pointer until it is lifted, then `end`, or `cancel` if the browser takes it away. */
export function followPointer({ target, pointerId }, { follow, end, cancel }) {
  target.setPointerCapture(pointerId);
  const over = new AbortController();
  const listen = (type, act) =>
    target.addEventListener(type, (event) => event.pointerId === pointerId && act(event), { signal: over.signal });
  listen("pointermove", follow);
  listen("pointerup", () => {
    over.abort();
    end?.();
  });
  listen("pointercancel", () => {
    over.abort();
    cancel?.();
  });
}
