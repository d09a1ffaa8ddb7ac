/** Reading of parts of a photo: each is cut from the file itself, so that it keeps all of its pixels. */

import { dogsOf, withDogs } from "../answers/dogs.js";
import { Problem } from "../clients/answer.js";
import { BACKGROUND, encoded, SENT_QUALITY, SENT_SIDE } from "../photos/redraw.js";
import { centralSquare, squareRound } from "./box.js";

const WHOLE = [0, 0, 1, 1];

export class PartReader {
  #album;
  #preparer;
  #client;
  #model;

  /** `model` returns `{card}` so far known, or null. */
  constructor(album, preparer, client, model) {
    this.#album = album;
    this.#preparer = preparer;
    this.#client = client;
    this.#model = model;
  }

  /** Whether the client searches whole photos, and the model can. */
  get canFind() {
    return this.#client.canFind && this.#model()?.card.locates !== false;
  }

  /** Return where a dog's answer comes from: its box, or the centre of the photo, which is `{width, height}` large. */
  boxOf(dog, size) {
    return dog.box ?? centralSquare(WHOLE, size, this.#crop);
  }

  /** Have a photo searched for all dogs, and return how many there are. One alone is told by the answer that it has. */
  async findAll(photo) {
    const answer = await this.#client.predict(await this.#preparer.take(photo), { find: "all" });
    if (answer.search === "left_out") throw new Problem("busy");
    if (answer.dogs || photo.answer.search === "left_out") this.#album.settle(photo.id, photo.job, { answer });
    return dogsOf(answer).length;
  }

  /** Read one part of a photo, as its dog of this number; one that it does not have yet comes last. */
  async read({ id, file, preview }, index, box) {
    const seen = squareRound(box, preview);
    const answer = await this.#ask(file, seen);
    this.#change(id, (dogs) => dogs.toSpliced(index, 1, { ...answer, box, seen }));
  }

  /** Take a dog off a photo's answer; a photo's correction goes with its first dog. */
  remove({ id, answer }, index) {
    if (index === 0) this.#album.correct([id], answer.dogs[1].correction ?? null);
    this.#change(id, (dogs) => dogs.toSpliced(index, 1));
  }

  /** Return `{heatmap, seen}` of a photo's dog of this number: rows of 0..1, and the square that they lie on. */
  async explain({ id, file, answer, preview }, index) {
    const dog = dogsOf(answer)[index];
    const seen = this.#seen(dog, preview);
    const heatmap = dog.heatmap ?? (await this.#ask(file, seen, { explain: true })).heatmap;
    this.#change(id, (dogs) => dogs.map((other) => (other === dog ? { ...dog, heatmap } : other)));
    return { heatmap, seen };
  }

  /** Return the part that shows a photo's dog of this number, as a photo to send. */
  cutDog({ file, answer, preview }, index) {
    return this.#cut(file, this.#seen(dogsOf(answer)[index], preview));
  }

  /** Note what a person said of a photo's dog of this number, or null. */
  note({ id }, index, correction) {
    if (index === 0) this.#album.correct([id], correction);
    else this.#change(id, (dogs) => dogs.map((dog, place) => (place === index ? { ...dog, correction } : dog)));
  }

  get #crop() {
    return this.#model()?.card.crop ?? 1;
  }

  #seen(dog, size) {
    return dog.seen ?? centralSquare(this.boxOf(dog, size), size);
  }

  async #ask(file, square, { explain = false } = {}) {
    return this.#client.predict(await this.#cut(file, square), { find: "no", explain });
  }

  async #cut(file, square) {
    return { blob: await cut(file, square, this.#crop), name: file.name, redrawn: true };
  }

  /** Change the dogs of a photo that is still there, and still read. */
  #change(id, change) {
    const photo = this.#album.get(id);
    if (photo?.answer) this.#album.settle(id, photo.job, { answer: withDogs(photo.answer, change(dogsOf(photo.answer))) });
  }
}

/**
 * Return a picture of which a model, that looks at the central `crop` of it, sees exactly this square of a photo. Around it
 * is what the photo has there.
 */
async function cut(file, [left, top, width, height], crop) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) throw new Problem("moved");
  const side = Math.max(width * bitmap.width, height * bitmap.height);
  const margin = (side / crop - side) / 2;
  const scale = Math.min(1, SENT_SIDE / (side + 2 * margin));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.max(1, Math.round((side + 2 * margin) * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = BACKGROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.drawImage(bitmap, margin - left * bitmap.width, margin - top * bitmap.height);
  bitmap.close();
  const blob = await (scale < 1 ? encoded(canvas, "image/jpeg", SENT_QUALITY) : encoded(canvas, "image/png"));
  canvas.width = canvas.height = 0; // freed at once
  return blob;
}
