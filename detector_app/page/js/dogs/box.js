/** Boxes: parts of a photo, each [left, top, width, height] as fractions of the upright photo. */

export const LEAST = 0.02; // the shortest side of a frame

/** Return a box moved by fractions of the photo, as far as it stays inside. */
export function moved([left, top, width, height], right, down) {
  return [within(left + right, 0, 1 - width), within(top + down, 0, 1 - height), width, height];
}

/**
 * Return a box with two of its edges moved, as far as they stay inside and apart; `[x, y]` tells which: -1 for the left or
 * the upper one, 1 for the right or the lower one, 0 for none.
 */
export function resized([left, top, width, height], [x, y], right, down) {
  const [first, last] = span(left, left + width, x, right);
  const [upper, lower] = span(top, top + height, y, down);
  return [first, upper, last - first, lower - upper];
}

/** Return the box between two places [x, y], which may lie outside the photo. */
export function between(one, other) {
  const [[left, right], [top, bottom]] = [0, 1].map((axis) => [one[axis], other[axis]].map((place) => within(place, 0, 1)).sort((a, b) => a - b));
  return [left, top, right - left, bottom - top];
}

/** Tell whether a box is large enough for a frame. */
export function isLargeEnough([, , width, height]) {
  return width >= LEAST && height >= LEAST;
}

/** Return the square in the middle of a box that a model sees of it, on a photo of `width` x `height`; `share` is its side's of the short side. */
export function centralSquare([left, top, boxWidth, boxHeight], { width, height }, share = 1) {
  const side = Math.min(boxWidth * width, boxHeight * height) * share;
  const [across, down] = [side / width, side / height];
  return [left + (boxWidth - across) / 2, top + (boxHeight - down) / 2, across, down];
}

/** Return the smallest square on a photo of `width` x `height` that holds a box, or as much of its middle as a square there can. */
export function squareRound([left, top, boxWidth, boxHeight], { width, height }) {
  const side = Math.min(width, height, Math.max(boxWidth * width, boxHeight * height));
  const [across, down] = [side / width, side / height];
  return moved([left + (boxWidth - across) / 2, top + (boxHeight - down) / 2, across, down], 0, 0);
}

function span(first, last, which, by) {
  if (which < 0) return [within(first + by, 0, last - LEAST), last];
  return which > 0 ? [first, within(last + by, first + LEAST, 1)] : [first, last];
}

function within(value, least, most) {
  return Math.max(least, Math.min(most, value));
}
