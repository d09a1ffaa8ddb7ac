/** Intake of photos by button or paste, with drawings to try while there are none. */

const SIDE = 640; // px, of a drawing that is read

export class Intake {
  #element;

  /** `take` gets the files. */
  constructor(element, take) {
    this.#element = element;
    for (const input of element.querySelectorAll("input[type=file]")) {
      const button = element.querySelector(`[data-choose=${input.id}]`);
      button.hidden = !offers(input.id, input);
      button.addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        take([...input.files]);
        input.value = ""; // so that the same photo can be chosen again
      });
    }
    for (const button of element.querySelectorAll(".samples button")) {
      const image = button.querySelector("img");
      button.addEventListener("click", async () => take([await fileOfImage(image, `${image.alt}.jpg`)]));
    }
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length > 0) take([...event.clipboardData.files]);
    });
  }

  /** Make room for the photos, or take it back when there are none. */
  shrink(small) {
    this.#element.classList.toggle("small", small);
  }

  focus() {
    this.#element.querySelector("button").focus();
  }
}

function offers(way, input) {
  // What is held in a hand has a camera on its back, and a chooser that opens it.
  const isHeldInHand = matchMedia("(hover: none) and (pointer: coarse)").matches;
  if (way === "folder") return input.webkitdirectory !== undefined && !isHeldInHand;
  return way !== "camera" || isHeldInHand;
}

/** Return the picture of an `<img>` as a JPEG file of this name. */
async function fileOfImage(image, name) {
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").drawImage(image, 0, 0, SIDE, SIDE);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  return new File([blob], name, { type: blob.type });
}
