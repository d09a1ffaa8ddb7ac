/** Texts of the page while it works, composed of the translations/. */

import { entriesOfDogs } from "./answers/dogs.js";
import { likelyGroup, certaintyOf } from "./answers/certainty.js";
import { factsOf, nameOf } from "./breeds.js";
import { language, say, share } from "./language.js";

const MOMENT = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };

export const words = {
  share,
  breed: nameOf,
  group: (group) => say(`group.${group}`),
  size: (size) => say(`size.${size}`),
  explain: (state) => say(`explain.${state}`),
  copy: (state) => say(`copy.${state}`),

  problem({ code, retryAfter }) {
    const sentence = say(`problem.${code}`);
    if (code !== "busy" && code !== "not_ready") return sentence;
    const again = retryAfter ? say("problem.again_in", { count: retryAfter }) : say("problem.again_soon");
    return [sentence, again].join(say("list.sentence"));
  },

  /**
   * Return what a card says: `{headline, remark}`, with `share` and `others` as `verdict` has them where there is an answer.
   * Of several dogs that are not shown one by one, it names each.
   */
  card(entry, sure) {
    const { status, answer, error, correction } = entry;
    if (status === "read" && answer.dogs) return severalDogs(entriesOfDogs(entry), sure);
    switch (status) {
      case "waiting":
      case "reading":
        return { headline: say(`card.${status}`), remark: "" };
      case "failed":
        return { headline: say("card.not_read"), remark: words.problem(error) };
      case "cancelled":
        return { headline: say("card.not_read"), remark: say("card.cancelled") };
      default:
        if (!correction || correction.kind === "right") return verdict(answer, sure);
        return {
          headline: corrected(correction),
          remark: say("correction.model", { answer: words.guess(answer.guesses[0]) }),
          share: null,
          others: answer.guesses.slice(1),
        };
    }
  },

  announcement(photo, sure) {
    const { headline, remark } = words.card(photo, sure);
    const key = /[.!。！]$/.test(headline) ? "card.announcement_sentence" : "card.announcement";
    return say(key, { file: photo.file.name, headline, remark });
  },

  files: ([first, ...others]) => (others.length > 0 ? say("card.files", { file: first, count: others.length }) : first),
  guess: ({ breed, confidence }) => say("card.guess", { breed: nameOf(breed), share: share(confidence) }),
  kind: ({ group, size }) => say("facts.kind", { group: words.group(group), size: words.size(size) }),

  /** Return what a correction says, or nothing for null. */
  really(correction) {
    if (!correction) return "";
    if (correction.sent) return say("correction.sent");
    return say(correction.kind === "right" ? "correction.right" : "correction.noted");
  },

  correction: (state) => say(`correction.${state}`),

  progress({ total, read, failed, cancelled }) {
    const parts = [say("progress.read", { read, total })];
    if (failed) parts.push(say("progress.failed", { count: failed }));
    if (cancelled) parts.push(say("progress.cancelled", { count: cancelled }));
    return parts.join(say("list.comma"));
  },

  /** Return how fast it goes and how long it still takes; nothing while no rate is known. */
  pace(perSecond, left) {
    if (!perSecond || left === 0) return "";
    const seconds = Math.ceil(left / perSecond);
    const [key, count] = seconds < 90 ? ["pace.seconds", seconds] : ["pace.minutes", Math.round(seconds / 60)];
    return say("pace.rate", { rate: Number(perSecond.toPrecision(2)), left: say(key, { count }) });
  },

  finished: (counts) => say("progress.finished", { progress: words.progress(counts) }),
  retryAll: (count) => say("progress.retry", { count }),
  leftOut: (count) => say("intake.left_out", { count }),
  sameAgain: (count) => say("intake.same", { count }),
  removed: () => say("undo.removed"),
  details: (file) => say("card.details", { file }),
  cleared: () => say("undo.cleared"),
  noLanguage: () => say("page.no_language"),
  noPhotos: () => say("intake.no_photos"),
  readiness: (state) => say(`readiness.${state}`),
  shown: (shown, total) => say("tools.shown", { shown, total }),
  allBreeds: (count) => say("tools.breeds", { count }),
  counted: (breed, count) => say("tools.counted", { breed: nameOf(breed), count }),
  choose: (file) => say("chosen.choose", { file }),
  chooseMore: () => say("chosen.more"),
  chosen: (count) => say("chosen.count", { count }),

  history: (count) => say("history.title", { count }),
  moment: (when) => new Intl.DateTimeFormat(language, MOMENT).format(when),
  forget: (record) => say("history.forget", { record: words.record(record) }),
  forgotten: () => say("history.forgotten"),
  historyCleared: () => say("history.cleared"),

  /** Return what the history says of an answer. */
  record({ really, sure, dogs, ...answer }) {
    if (dogs) return dogs.map((dog) => words.record({ ...dog, sure })).join(say("list.comma"));
    if (really) return corrected(typeof really === "string" ? { breed: really } : really);
    return certaintyOf({ answer }, sure) === "sure" ? words.guess(answer.guesses[0]) : verdict(answer, sure).headline;
  },

  model: ({ name, version }) => (version ? say("model.version", { name, version }) : name),

  aboutModel({ name, version, card }) {
    const said = [say("model.about", { model: words.model({ name, version }), count: card.breeds.length })];
    if (card.test) said.push(say("model.tested", { share: share(card.test.top1), count: card.test.photos }));
    return said.join(say("list.sentence"));
  },
};

/** Return `{headline, remark, share, others}`: `share` is null where no bar is drawn, `others` the guesses not named yet. */
function verdict(answer, sure) {
  const [first, ...others] = answer.guesses;
  const breed = nameOf(first.breed);
  const kind = certaintyOf({ answer }, sure);
  if (kind === "no_dog") return { headline: say("card.no_dog"), remark: say("card.if_dog", { breed }), share: null, others };
  const { confidence } = first;
  const said = { share: confidence, others };
  if (kind === "sure") return { headline: breed, remark: say("card.sure", { share: share(confidence) }), ...said };
  const likely = likelyGroup(answer, (guess) => factsOf(guess)?.group ?? null, sure);
  if (!likely) return { headline: say("card.perhaps", { breed }), remark: say("card.unsure", { share: share(confidence) }), ...said };
  return {
    headline: say(likely.almostSure ? "card.almost_group" : "card.probably_group", { group: words.group(likely.group) }),
    remark: likely.members.map(words.guess).join(say("list.comma")),
    share: likely.confidence,
    others: answer.guesses.filter((guess) => !likely.members.includes(guess)),
  };
}

function severalDogs(dogs, sure) {
  const names = dogs.map(({ answer, correction }) => words.record({ ...answer, really: correction, sure }));
  return { headline: names.join(say("list.comma")), remark: say("dogs.count", { count: dogs.length }), share: null };
}

/** Return what a person said of an answer, as its headline. */
function corrected({ kind, breed, also }) {
  if (kind === "no_dog") return say("correction.not_dog");
  return also ? say("correction.mixed", { breed: nameOf(breed), also: nameOf(also) }) : nameOf(breed);
}
