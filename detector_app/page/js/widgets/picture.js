/** A photo's preview, and a row of them. */

import { instance } from "./template.js";

export class Picture {
  #image;
  #preview = null;
  #url = null;

  /** `element` has an `<img>`. */
  constructor(element) {
    this.#image = element.querySelector("img");
    for (const end of ["load", "error"]) this.#image.addEventListener(end, () => this.release());
  }

  /** Show `{blob}`, or nothing while there is none. */
  show(preview) {
    if (preview === this.#preview) return;
    this.#preview = preview;
    this.release();
    this.#image.hidden = !preview?.blob;
    if (!preview?.blob) return;
    this.#url = URL.createObjectURL(preview.blob);
    this.#image.src = this.#url;
  }

  /** Let go of what the browser holds beside the picture itself. */
  release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }
}

/** The photos of one dog, small, where there are several. */
export class Strip {
  #element;
  #previews = [];
  #pictures = [];

  constructor(element) {
    this.#element = element;
  }

  show(photos) {
    const previews = photos.map(({ preview }) => preview);
    if (previews.length === this.#previews.length && previews.every((preview, index) => preview === this.#previews[index])) return;
    this.#previews = previews;
    for (const picture of this.#pictures) picture.release();
    this.#element.hidden = photos.length < 2;
    const items = this.#element.hidden ? [] : photos.map(() => instance("strip"));
    this.#element.replaceChildren(...items);
    this.#pictures = items.map((item) => new Picture(item));
    for (const [index, picture] of this.#pictures.entries()) picture.show(previews[index]);
  }
}
