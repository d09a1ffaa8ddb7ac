/** Photos redrawn in the browser: upright, and no larger than a model needs. */

import { Problem } from "./problem.js";

const BACKGROUND = "#fff"; // behind transparent pixels, as in the gateway
const QUALITY = 0.95;

/** Return the central square of a photo as a JPEG of at most `side` x `side` pixels, turned as the camera was held. */
export async function squareJpeg(file, side) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Problem("not_a_photo");
  });
  try {
    const short = Math.min(bitmap.width, bitmap.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.min(side, short);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const [left, top] = [(bitmap.width - short) / 2, (bitmap.height - short) / 2];
    context.drawImage(bitmap, left, top, short, short, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  } finally {
    bitmap.close();
  }
}
