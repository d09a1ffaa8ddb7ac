/**
 * Photos redrawn in the browser: upright, no larger than a model needs, and with nothing of the file but its picture. In a
 * worker, or in the page where a browser has no canvas for workers.
 */

import { withoutMetadata } from "./metadata.js";

// The short side of what is sent: three times what the largest model here takes, so that the answer stays the same. At 640
// pixels, confidences moved by a third more.
export const SENT_SIDE = 1150; // px
export const SENT_QUALITY = 0.9;

const PREVIEW_QUALITY = 0.85;
export const BACKGROUND = "#fff"; // behind transparent pixels, as in the gateway

/**
 * Return `{sent, preview, width, height}`: what is sent, a JPEG whose short side has at most `previewSide` pixels, and
 * the size of that. A large photo is sent as a smaller JPEG; a small one keeps every pixel, for there each counts.
 * Return null for a file that this browser cannot draw.
 */
export async function redraw(file, previewSide) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) return null;
  const isLarge = Math.min(bitmap.width, bitmap.height) > SENT_SIDE;
  const large = drawn(bitmap, SENT_SIDE);
  bitmap.close(); // 48 MB of a photo of 12 megapixels
  const small = drawn(large, previewSide);
  const { width, height } = small;
  const [sent, preview] = await Promise.all([
    isLarge ? encoded(large, "image/jpeg", SENT_QUALITY) : asItIs(file, large),
    encoded(small, "image/jpeg", PREVIEW_QUALITY),
  ]);
  for (const canvas of [large, small]) canvas.width = canvas.height = 0; // freed at once, not when garbage is collected
  return sent && preview ? { sent, preview, width, height } : null;
}

async function asItIs(file, canvas) {
  const bare = withoutMetadata(new Uint8Array(await file.arrayBuffer()));
  return bare ? new Blob([bare], { type: "image/jpeg" }) : encoded(canvas, "image/png");
}

/** Return a JPEG of a picture, its short side at most `side` pixels. */
export async function shrink(blob, side) {
  const bitmap = await createImageBitmap(blob);
  const canvas = drawn(bitmap, side);
  bitmap.close();
  return encoded(canvas, "image/jpeg", PREVIEW_QUALITY);
}

function drawn(picture, shortSide) {
  const scale = Math.min(1, shortSide / Math.min(picture.width, picture.height));
  const canvas = globalThis.OffscreenCanvas ? new OffscreenCanvas(1, 1) : document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = BACKGROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Return a canvas as a file's bytes. */
export function encoded(canvas, type, quality) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type, quality });
  return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
}
