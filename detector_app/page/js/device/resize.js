/**
 * Bicubic resize with antialiasing, as the gateway has it from Pillow: browsers' own scaling is another in each of them, and
 * moves the answers.
 *
 * Keys' cubic kernel with a = -0.5, as wide as a pixel of the result; first the rows and then the columns, in 8 bits between. (Of
 * some tall pictures Pillow takes the columns first, which moves single levels a little.)
 */

const SUPPORT = 2; // pixels of the result on each side

/** How many pixels beside a part count for it, when it is resized from `side` to `size`. */
export function reachOf(side, size) {
  return Math.ceil(SUPPORT * Math.max(1, side / size)) + 1;
}

/**
 * Return a square part of a picture, [left, top, right, bottom] in pixels and their fractions, as RGB of 0..255 in a Float32Array
 * of `size` * `size` * 3. `data` is RGBA, as a canvas has it.
 */
export function resize({ data, width, height }, [left, top, right, bottom], size) {
  const columns = windowsOf(left, right, width, size);
  const rows = windowsOf(top, bottom, height, size);
  const first = rows[0].start;
  const last = rows.at(-1).start + rows.at(-1).weights.length;
  const narrow = new Uint8ClampedArray((last - first) * size * 3); // it rounds and clamps
  for (let row = first, to = 0; row < last; row++) {
    for (const { start, weights } of columns) {
      let red = 0, green = 0, blue = 0;
      for (let index = 0, at = (row * width + start) * 4; index < weights.length; index++, at += 4) {
        const weight = weights[index];
        red += weight * data[at];
        green += weight * data[at + 1];
        blue += weight * data[at + 2];
      }
      narrow[to++] = red;
      narrow[to++] = green;
      narrow[to++] = blue;
    }
  }
  const seen = new Uint8ClampedArray(size * size * 3);
  const across = size * 3;
  rows.forEach(({ start, weights }, row) => {
    for (let column = 0; column < across; column++) {
      let sum = 0;
      for (let index = 0, at = (start - first) * across + column; index < weights.length; index++, at += across) {
        sum += weights[index] * narrow[at];
      }
      seen[row * across + column] = sum;
    }
  });
  return Float32Array.from(seen);
}

/** Return for each pixel of the result `{start, weights}`: the first pixel that counts for it, and how much each does. */
function windowsOf(from, to, length, size) {
  const scale = (to - from) / size;
  const stretch = Math.max(1, scale);
  return Array.from({ length: size }, (_, index) => {
    const centre = from + (index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
    const end = Math.min(length, Math.trunc(centre + SUPPORT * stretch + 0.5));
    const weights = Float64Array.from({ length: end - start }, (_, at) => kernel((start + at - centre + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}

function kernel(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
