/** Over a photo, a glow where the model looked, as strong as its slider says. */

const LONG_SIDE = 320; // px; a heat map is smooth, so that this suffices on any screen
const GLOW = [255, 96, 16]; // red, green, blue
const STRENGTH = 80; // per cent, until the slider is moved: the photo stays visible under the hottest place

export class HeatMap {
  #canvas;
  #strength;

  /** `strength` is the slider's label. */
  constructor(canvas, strength) {
    this.#canvas = canvas;
    this.#strength = strength;
    const slider = strength.querySelector("input");
    const set = () => canvas.style.setProperty("opacity", slider.value / 100);
    slider.value = STRENGTH;
    slider.addEventListener("input", set);
    set();
  }

  /**
   * Show `rows` (of 0..1) over the part that the model saw, [left, top, width, height] as fractions of a photo of `width` x
   * `height`. The canvas gets the photo's proportions, so that the same object-fit lays one on the other.
   */
  show(rows, [left, top, across, down], { width, height }) {
    const scale = LONG_SIDE / Math.max(width, height);
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.#canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.scale(this.#canvas.width, this.#canvas.height);
    context.drawImage(glowOf(rows), left, top, across, down);
    this.#canvas.hidden = this.#strength.hidden = false;
    this.#canvas.scrollIntoView({ block: "nearest" }); // on a phone, the button may be all that is in sight
  }

  hide() {
    this.#canvas.hidden = this.#strength.hidden = true;
  }
}

function glowOf(rows) {
  const [height, width] = [rows.length, rows[0].length];
  const glow = document.createElement("canvas");
  [glow.width, glow.height] = [width, height];
  const pixels = new Uint8ClampedArray(rows.flatMap((row) => row.flatMap((heat) => [...GLOW, heat * 255])));
  glow.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return glow;
}
