/** From what a person picked, dropped or pasted to the photos in it. */

// Some systems give no type for these, though the gateway may read them.
const PHOTO_NAME = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif|hei[cf])$/i;

// What a system adds to its folders ("._photo.jpg", ".thumbnails/").
const HIDDEN = /(^|\/)\./;

/** Return `{photos, leftOut}`: the files that may be photos, and how many others there were. */
export function sortOut(files) {
  const visible = [...files].filter((file) => !HIDDEN.test(file.webkitRelativePath || file.name));
  const photos = visible.filter((file) => file.type.startsWith("image/") || PHOTO_NAME.test(file.name));
  return { photos, leftOut: visible.length - photos.length };
}

/** Return all files of a drop, those inside dropped folders too. */
export async function filesOfDrop(transfer) {
  // The items are empty once this call has returned to the event loop, so all are taken at once.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  if (entries.includes(null)) return [...transfer.files];
  return (await Promise.all(entries.map(filesOfEntry))).flat();
}

async function filesOfEntry(entry) {
  if (entry.isFile) {
    return new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));
  }
  const reader = entry.createReader();
  const inside = [];
  for (;;) {
    // A folder is handed out in parts, the last of them empty.
    const part = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (part.length === 0) break;
    inside.push(...part);
  }
  return (await Promise.all(inside.map(filesOfEntry))).flat();
}
