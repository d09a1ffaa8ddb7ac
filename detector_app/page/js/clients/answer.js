/** Checked answers and models, in the one shape that every client returns, and why there may be none. */

/** An answer names this many breeds, the likeliest first. */
export const TOP_K = 5;

/**
 * Why a photo has no answer. `code` is one of: "refused", "gone", "too_large", "not_a_photo", "damaged", "moved", "busy",
 * "not_ready", "slow", "offline", "unreachable", "bad_answer", "broken"; words.js has a sentence for each. `retryAfter` is in seconds, or null.
 * Of a client that is not ready, also "unfit", "altered" or "not_offered".
 */
export class Problem extends Error {
  constructor(code, retryAfter = null) {
    super(code);
    this.name = "Problem";
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** True if the same photo may be read when it is sent again. */
  get passing() {
    return !["too_large", "not_a_photo", "damaged", "moved"].includes(this.code);
  }
}

/**
 * Return `{guesses: [{breed, confidence}], isDog, dogProbability, familiarity, model: {name, version}, heatmap, box, search, dogs}`;
 * the guesses best first, `isDog`, `dogProbability` and `familiarity` null when the model cannot tell, `heatmap` rows of 0..1 or null.
 * `box` is the part of the upright photo that was judged, [left, top, width, height] as fractions, or null: its centre;
 * `search` tells what became of the search for dogs outside of that; `dogs` are such answers again, if there are several.
 */
export function answerOf({
  guesses, isDog, dogProbability, familiarity = null, model, heatmap = null, box = null, search = null, dogs = null,
}) {
  const sound =
    Array.isArray(guesses) &&
    guesses.length > 0 &&
    guesses.every((guess) => typeof guess?.breed === "string" && isShare(guess.confidence)) &&
    (isDog === null || typeof isDog === "boolean") &&
    (dogProbability === null || isShare(dogProbability)) &&
    (familiarity === null || isShare(familiarity)) &&
    (heatmap === null || isHeatmap(heatmap));
  if (!sound) throw new Problem("bad_answer");
  return {
    guesses: guesses.slice(0, TOP_K).map(({ breed, confidence }) => ({ breed, confidence })),
    isDog,
    dogProbability,
    familiarity,
    model: { name: String(model?.name ?? ""), version: String(model?.version ?? "") },
    heatmap,
    box: boxOf(box),
    search,
    dogs: dogs?.length > 1 ? dogs.map((dog) => answerOf({ model, ...dog })) : null,
  };
}

/** Return a box, or null if it holds nothing of the photo. */
function boxOf(box) {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite)) return null;
  const [left, top, right, bottom] = [box[0], box[1], box[0] + box[2], box[1] + box[3]].map((edge) => Math.min(1, Math.max(0, edge)));
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : null;
}

/**
 * Return `{name, version, card, feedback, subject, onDevice}` of a model; of the card, only what the page uses is checked. `subject`
 * is what its classes are, in words, or null for dogs; `onDevice` the file that browsers run, `{url, bytes, sha256}`, or null.
 */
export function modelOf({ name, version, card, feedback = false, on_device: onDevice = null }) {
  const sound =
    Array.isArray(card?.breeds) &&
    card.breeds.every((breed) => typeof breed === "string") &&
    [card.crop, card.thresholds?.dog, card.thresholds?.sure, card.thresholds?.familiar ?? 0].every(isShare) &&
    Number.isInteger(card.input_size) &&
    card.input_size > 0 &&
    (card.subject == null || [card.subject, ...Object.values(card.subject.languages ?? {})].every(areWords)) &&
    Object.values(card.groups ?? {}).every((group) => typeof group === "string") &&
    (onDevice === null || (onDevice.url?.startsWith("/") && onDevice.bytes > 0)) &&
    (card.test == null || (Number.isInteger(card.test.photos) && isShare(card.test.top1)));
  if (!sound) throw new Problem("bad_answer");
  const isOfDogs = !card.subject || card.subject.one === "dog"; // a card that does not say is of the days when all were
  const subject = isOfDogs ? null : card.subject;
  return { name: String(name), version: String(version), card, feedback: feedback === true, subject, onDevice };
}

function areWords(said) {
  const { one, many, class: kind, classes = kind } = said ?? {};
  return [one, many, kind, classes].every((word) => typeof word === "string" && word !== "");
}

function isShare(value) {
  return typeof value === "number" && value >= 0 && value <= 1.0001; // float32 sums may end a hair above one
}

function isHeatmap(rows) {
  return (
    Array.isArray(rows) &&
    rows.length > 0 &&
    rows.every((row) => Array.isArray(row) && row.length === rows[0].length && row.length > 0 && row.every(isShare))
  );
}
