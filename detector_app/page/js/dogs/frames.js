/** The whole photo of a card, with a frame round each dog: to look at, to move, to draw, and to read again. */

import { entriesOfDogs } from "../answers/dogs.js";
import { Problem } from "../clients/answer.js";
import { say } from "../language.js";
import { words } from "../words.js";
import { between, isLargeEnough } from "./box.js";
import { followPointer, Frame } from "./frame.js";
import { FrameTools } from "./frame_tools.js";
import { Tabs } from "./tabs.js";

const MOST = 8; // dogs, as many as a search finds
const FIRST = [0.25, 0.25, 0.5, 0.5]; // a new frame, until it is moved or drawn

export class Frames {
  #card;
  #reader;
  #actions;
  #layer = document.createElement("div");
  #frames = [];
  #tools;
  #tabs;
  #entry;
  #dogs = []; // an entry for each
  #draft = null; // {index, box}: a frame that was altered, or a new one, whose index is the number of dogs
  #selected = 0; // index of a frame
  #said = () => "";
  #busy = false;

  /** `reader` is a PartReader; `actions` has `select(index)`, to let the card show this dog, and `thresholds()`. */
  constructor(card, reader, actions) {
    this.#card = card;
    this.#reader = reader;
    this.#actions = actions;
    card.querySelector(".stage").append(this.#layer);
    this.#layer.className = "frames";
    this.#layer.setAttribute("role", "group");
    this.#layer.addEventListener("pointerdown", (event) => this.#draw(event));
    this.#tools = new FrameTools({
      read: () => this.#read(),
      reset: () => this.#reset(),
      add: () => this.#add(),
      find: () => this.#find(),
      remove: () => this.#remove(this.#selected),
    });
    this.#tabs = new Tabs(card.querySelector(".answer"), (index) => this.#select(index));
    card.querySelector(".photo").append(this.#tools.element, this.#tabs.element);
  }

  /** Show an entry, whose card shows the dog of this index. */
  show(entry, index) {
    if (entry.id !== this.#entry?.id || entry.status !== "read") this.#draft = null;
    this.#entry = entry;
    const isOnePhoto = entry.answer !== null && entry.photos.length === 1 && entry.status === "read";
    this.#dogs = isOnePhoto && !isEmpty(entry.answer) ? entriesOfDogs(entry) : [];
    if (this.#draft?.index > this.#dogs.length) this.#draft = null;
    if (!this.#isNew(this.#selected)) this.#selected = index;
    this.#layer.hidden = this.#tools.element.hidden = !isOnePhoto;
    this.#show();
  }

  #show() {
    const { id, preview, answer } = this.#entry;
    const isSeen = Boolean(preview?.blob) && preview.width > 0; // not of a record, whose photo is no longer here
    const boxes = isSeen ? this.#dogs.map((dog) => this.#reader.boxOf(dog.answer, preview)) : [];
    if (isSeen && this.#draft) boxes[this.#draft.index] = this.#draft.box;
    while (this.#frames.length > boxes.length) this.#frames.pop().element.remove();
    while (this.#frames.length < boxes.length) this.#frames.push(this.#frameOf(this.#frames.length));
    const names = this.#dogs.map((dog) => words.card(dog, this.#actions.thresholds()).headline);
    const help = `frame-help-${id}`;
    boxes.forEach((box, index) => {
      const name = this.#isNew(index) ? say("dogs.add") : say("dogs.frame", { number: index + 1, breed: names[index] });
      const [isSelected, isDraft] = [index === this.#selected, index === this.#draft?.index];
      this.#frames[index].show({ box, index, isAlone: boxes.length === 1, isSelected, isDraft, name, help });
    });
    this.#layer.setAttribute("aria-label", say("dogs.label"));
    this.#layer.classList.toggle("adding", this.#isNew(this.#draft?.index));
    this.#tabs.show({ id: `dogs-${id}`, label: say("dogs.label"), names, selected: Math.min(this.#selected, names.length - 1) });
    const shown = {
      read: this.#draft,
      reset: this.#draft,
      add: isSeen && !this.#draft && this.#dogs.length < MOST,
      find: this.#reader.canFind && !this.#draft && this.#dogs.length < 2 && (this.#dogs.length === 1 || answer?.search !== "done"),
      remove: !this.#draft && this.#dogs.length > 1,
    };
    const said = this.#said() || (answer?.search === "left_out" ? say("dogs.left_out") : "");
    this.#tools.show(shown, said, help);
    if (this.#tools.lostFocus) this.#focus();
  }

  #frameOf(index) {
    const frame = new Frame({
      select: () => this.#select(index),
      change: (box) => this.#change(index, box),
      read: () => this.#read(),
      reset: () => this.#reset(),
      remove: () => this.#remove(index),
    });
    this.#layer.append(frame.element);
    return frame;
  }

  #isNew(index) {
    return this.#draft !== null && index === this.#draft.index && index === this.#dogs.length;
  }

  #focus() {
    (this.#frames[this.#selected]?.element ?? this.#card).focus({ preventScroll: true });
  }

  #select(index) {
    if (index === this.#selected) return;
    this.#selected = index;
    if (index < this.#dogs.length) this.#actions.select(index);
    else this.#show();
  }

  /** Note where a frame is now; another one that was altered goes back. */
  #change(index, box) {
    this.#draft = { index, box };
    this.#selected = index;
    this.#said = () => "";
    this.#show();
    this.#tools.tellPlace(box);
  }

  #add() {
    this.#change(this.#dogs.length, FIRST);
    this.#focus();
  }

  /** Draw a frame from where the pointer is; with a finger only a new one that is there already, for it scrolls the page. */
  #draw(event) {
    const index = this.#dogs.length;
    const isWanted = event.pointerType === "mouse" ? event.button === 0 : this.#isNew(index);
    if (event.target !== this.#layer || !isWanted || index === MOST) return;
    event.preventDefault();
    const { left, top, width, height } = this.#layer.getBoundingClientRect();
    const placeOf = ({ clientX, clientY }) => [(clientX - left) / width, (clientY - top) / height];
    const start = placeOf(event);
    const follow = (now) => {
      const box = between(start, placeOf(now));
      if (isLargeEnough(box)) this.#change(index, box);
    };
    followPointer(event, { follow, end: () => this.#focus(), cancel: () => this.#reset() });
  }

  #reset() {
    if (!this.#draft) return;
    this.#draft = null;
    this.#selected = Math.max(0, Math.min(this.#selected, this.#dogs.length - 1));
    this.#show();
    this.#focus();
  }

  #read() {
    if (!this.#draft) return;
    const { index, box } = this.#draft;
    this.#run(async () => {
      await this.#reader.read(this.#entry, index, box);
      this.#draft = null;
      this.#selected = index;
      this.#actions.select(index);
    });
  }

  #find() {
    this.#run(async () => {
      const count = await this.#reader.findAll(this.#entry);
      if (count < 2) return () => say("dogs.no_more");
    });
  }

  #remove(index) {
    if (this.#isNew(index)) return this.#reset();
    if (this.#dogs.length < 2) return;
    this.#draft = null;
    this.#reader.remove(this.#entry, index);
    this.#selected = 0;
    this.#actions.select(0);
    this.#focus();
  }

  /** Do one thing at a time, and say what came of it: what `act` returns, or its problem. */
  async #run(act) {
    if (this.#busy) return;
    this.#busy = true;
    this.#said = () => say("card.reading");
    this.#show();
    try {
      this.#said = (await act()) ?? (() => "");
    } catch (error) {
      if (!(error instanceof Problem)) reportError(error);
      const problem = error instanceof Problem ? error : new Problem("broken");
      this.#said = () => words.problem(problem);
    }
    this.#busy = false;
    this.#show();
  }
}

/** Tell whether an answer shows no dog, and is not of a frame that a person drew. */
function isEmpty({ isDog, seen, dogs }) {
  return isDog === false && !seen && !dogs;
}
