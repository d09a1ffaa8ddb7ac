/** Texts of the page while it works, composed of the translations/. */

import { certaintyOf, isUnfamiliar, likelyGroup } from "./answers/certainty.js";
import { entriesOfDogs } from "./answers/dogs.js";
import { groupsOf, nameOf } from "./breeds.js";
import { language, say, share, subject } from "./language.js";

const WORTH_NAMING = 0.1; // of a group's breeds, beside the group itself; the others follow as bars
const MOMENT = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };

export const words = {
  share,
  breed: nameOf,
  group: (group) => (subject ? group : say(`group.${group}`)),
  size: (size) => say(`size.${size}`),
  explain: (state) => say(`explain.${state}`),
  sharing: (state) => say(`share.${state}`),

  problem({ code, retryAfter }) {
    const sentence = say(`problem.${code}`);
    if (code !== "busy" && code !== "not_ready") return sentence;
    const again = retryAfter ? say("problem.again_in", { count: retryAfter }) : say("problem.again_soon");
    return [sentence, again].join(say("list.sentence"));
  },

  /**
   * Return what a card says: `{headline, remark}`, with `breed`, `share` and `others` as `verdict` has them where there is an answer.
   * Of several dogs that are not shown one by one, it names each.
   */
  card(entry, thresholds) {
    const { status, answer, error, correction } = entry;
    if (status === "read" && answer.dogs) return severalDogs(entry, thresholds);
    switch (status) {
      case "waiting":
      case "reading":
        return { headline: say(`card.${status}`), remark: "" };
      case "failed":
        return { headline: say("card.not_read"), remark: words.problem(error) };
      case "cancelled":
        return { headline: say("card.not_read"), remark: say("card.cancelled") };
      default:
        if (!correction || correction.kind === "right") return verdict(answer, thresholds);
        return {
          headline: corrected(correction),
          remark: say("correction.model", { answer: words.guess(answer.guesses[0]) }),
          breed: correction.breed,
          share: null,
          others: answer.guesses.slice(1),
        };
    }
  },

  announcement(photo, thresholds) {
    const { headline, remark } = words.card(photo, thresholds);
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
  removed: (count) => say("undo.removed", { count }),
  corrected: () => say("undo.corrected"),
  forgot: () => say("undo.forgot"),
  away: () => say("progress.away"),
  details: (file) => say("card.details", { file }),
  cleared: () => say("undo.cleared"),
  noLanguage: () => say("page.no_language"),
  noPhotos: () => say("intake.no_photos"),
  readiness: (state, loaded) => say(`readiness.${state}`, loaded),
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
  record({ really, answer, thresholds }) {
    if (answer.dogs) return severalDogs({ answer, correction: really }, thresholds).headline;
    if (really && really.kind !== "right") return corrected(really);
    const isSure = certaintyOf({ answer }, thresholds) === "sure";
    return isSure ? words.guess(answer.guesses[0]) : verdict(answer, thresholds).headline;
  },
  recalled: (when) => say("history.recalled", { moment: words.moment(when) }),

  breedsFound: (count) => say("breeds.found", { count }),

  model: ({ name, version }) => (version ? say("model.version", { name, version }) : name),

  aboutModel({ name, version, card }) {
    const said = [say("model.about", { model: words.model({ name, version }), count: card.breeds.length })];
    if (card.test) said.push(say("model.tested", { share: share(card.test.top1), count: card.test.photos }));
    return said.join(say("list.sentence"));
  },
};

/**
 * Return `{headline, remark, breed, share, others}`: `breed` is the one that the headline names, or null, `share` is null where
 * no bar is drawn, `others` the guesses not named yet.
 */
function verdict(answer, thresholds) {
  const [first, ...others] = answer.guesses;
  const breed = nameOf(first.breed);
  const kind = certaintyOf({ answer }, thresholds);
  if (kind === "no_dog") {
    return { headline: say("card.no_dog"), remark: say("card.if_dog", { breed }), breed: null, share: null, others };
  }
  if (isUnfamiliar(answer, thresholds)) {
    return { headline: say("card.most_like", { breed }), remark: say("card.unfamiliar"), breed: first.breed, share: null, others };
  }
  const { confidence } = first;
  const said = { breed: first.breed, share: confidence, others };
  if (kind === "sure") return { headline: breed, remark: say("card.sure", { share: share(confidence) }), ...said };
  const likely = likelyGroup(answer, groupsOf, thresholds);
  if (!likely) return { headline: say("card.perhaps", { breed }), remark: say("card.unsure", { share: share(confidence) }), ...said };
  const named = likely.members.filter(({ confidence }, rank) => rank === 0 || confidence >= WORTH_NAMING);
  return {
    headline: say(likely.almostSure ? "card.almost_group" : "card.probably_group", { group: words.group(likely.group) }),
    remark: named.map(words.guess).join(say("list.comma")),
    breed: null,
    share: likely.confidence,
    others: answer.guesses.filter((guess) => !named.includes(guess)),
  };
}

function severalDogs(entry, thresholds) {
  const dogs = entriesOfDogs(entry);
  const names = dogs.map(({ answer, correction }) => words.record({ answer, really: correction, thresholds }));
  return { headline: names.join(say("list.comma")), remark: say("dogs.count", { count: dogs.length }), share: null };
}

/** Return what a person said of an answer, as its headline. */
function corrected({ kind, breed, also }) {
  if (kind === "no_dog") return say("correction.not_dog");
  return also ? say("correction.mixed", { breed: nameOf(breed), also: nameOf(also) }) : nameOf(breed);
}
