/** A photo's preview. */
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

  get visible() {
    return !this.#image.hidden;
  }

  /** Let go of what the browser holds beside the picture itself. */
  release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }
}
