/** Drawings to try without a photo. */

const SIDE = 640; // px

/** Return the picture of an `<img>` as a JPEG file of this name. */
export async function fileOfImage(image, name) {
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").drawImage(image, 0, 0, SIDE, SIDE);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  return new File([blob], name, { type: blob.type });
}
