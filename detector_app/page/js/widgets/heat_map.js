/** A canvas over a photo that glows where the model looked. */

const LONG_SIDE = 320; // px; a heat map is smooth, so that this suffices on any screen
const GLOW = [255, 96, 16]; // red, green, blue
const MOST = 200; // of 255: the photo stays visible under the hottest place

/**
 * Draw `rows` (of 0..1) over the central square that the model saw: `crop` times the short side of a photo of
 * `width` x `height`. The canvas gets the photo's proportions, so that the same object-fit lays one on the other.
 */
export function drawHeatMap(canvas, rows, { crop, width, height }) {
  const scale = LONG_SIDE / Math.max(width, height);
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const side = Math.min(canvas.width, canvas.height) * crop;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(glowOf(rows), (canvas.width - side) / 2, (canvas.height - side) / 2, side, side);
}

function glowOf(rows) {
  const [height, width] = [rows.length, rows[0].length];
  const glow = document.createElement("canvas");
  [glow.width, glow.height] = [width, height];
  const pixels = new Uint8ClampedArray(rows.flatMap((row) => row.flatMap((heat) => [...GLOW, heat * MOST])));
  glow.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return glow;
}
