/**
 * JPEG files without what they tell beside the picture, the picture itself untouched.
 *
 * A JPEG is a row of segments, each of a marker (0xff and its kind) and mostly a length (ITU-T T.81, annex B). Cameras
 * write where and when a photo was taken into APP1 to APP15 and COM, and more photos behind the end of the first.
 */

const [SOI, EOI, SOS, APP0, APP1, APP2, APP14, APP15, COM] = [0xd8, 0xd9, 0xda, 0xe0, 0xe1, 0xe2, 0xee, 0xef, 0xfe];

/** Return a JPEG's bytes without metadata; null if it is none, is damaged, or is to be turned to be seen upright. */
export function withoutMetadata(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return null;
  const parts = [bytes.subarray(0, 2)];
  let at = 2;
  while (at + 1 < bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const kind = bytes[at + 1];
    if (kind === 0xff) {
      at += 1; // before a marker there may be more of them
      continue;
    }
    if (kind === EOI) return joined([...parts, bytes.subarray(at, at + 2)]);
    let end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    if (kind === SOS) end = endOfScan(bytes, end);
    if (kind === APP1 && startsWith(bytes, at + 4, "Exif") && !isUpright(bytes.subarray(at + 10, end))) return null;
    if (!isMetadata(bytes, at, kind)) parts.push(bytes.subarray(at, end));
    at = end;
  }
  return null;
}

/** JFIF, the colour profile and Adobe's note on colours say how the picture is to be read; the rest does not. */
function isMetadata(bytes, at, kind) {
  if (kind === APP2) return !startsWith(bytes, at + 4, "ICC_PROFILE");
  return kind === COM || (kind > APP0 && kind <= APP15 && kind !== APP14);
}

/** Tell whether Exif has a photo as it is to be seen (Exif 2.32, 4.6.2): a TIFF file whose tag 0x0112 is 1, or not there. */
function isUpright(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949; // "II", as against "MM"
    const directory = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(directory, little); entry++) {
      const at = directory + 2 + entry * 12;
      if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little) === 1;
    }
    return true;
  } catch {
    return false; // beyond its end: the browser knows better
  }
}

/** Return where the next segment begins: in a scan, 0xff before 0 stands for itself, and before 0xd0 to 0xd7 restarts it. */
function endOfScan(bytes, from) {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return bytes.length;
}

function startsWith(bytes, at, text) {
  return [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
