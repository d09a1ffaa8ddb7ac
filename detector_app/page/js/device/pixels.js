/** From a photo's file to the pixels that a model takes. */

import { BACKGROUND } from "../photos/redraw.js";
import { reachOf, resize } from "./resize.js";

/**
 * Return the central square of an encoded photo, `crop` of its short side, upright in sRGB, as RGB of 0..255 in a Float32Array of
 * `size` * `size` * 3; null if this browser cannot draw it.
 */
export async function pixelsOf(blob, { crop, size }) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  const side = Math.min(width, height) * crop;
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  const reach = reachOf(side, size);
  // Only what counts is drawn, at the photo's own size: a panorama is many times as large as its square.
  const [x, y] = [left, top].map((edge) => Math.max(0, Math.floor(edge) - reach));
  const [right, bottom] = [Math.min(width, Math.ceil(left + side) + reach), Math.min(height, Math.ceil(top + side) + reach)];
  const canvas = new OffscreenCanvas(right - x, bottom - y);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.fillStyle = BACKGROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, -x, -y);
  bitmap.close();
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  canvas.width = canvas.height = 0; // freed at once
  return resize(picture, [left - x, top - y, left + side - x, top + side - y], size);
}
