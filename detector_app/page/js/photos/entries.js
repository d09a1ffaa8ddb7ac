/** Entries: each a photo, or several photos of one dog, with one answer. */

import { average } from "../answers/average.js";

/**
 * Return an entry for each photo or dog, in the order of their first photos: the fields of its first photo, with
 * `photos`, and for several of them the average of their answers.
 */
export function entriesOf(photos, threshold) {
  const groups = new Map();
  for (const photo of photos) {
    const key = photo.dog ?? photo.id;
    if (groups.has(key)) groups.get(key).push(photo);
    else groups.set(key, [photo]);
  }
  return [...groups.values()].map((members) => ({
    ...members[0],
    photos: members,
    answer: members.length > 1 ? average(members.map(({ answer }) => answer), threshold) : members[0].answer,
  }));
}
