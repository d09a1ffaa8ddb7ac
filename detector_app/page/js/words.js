/** What the page says while it works, put together from the sentences in words/. */

import { nameOf } from "./breeds.js";
import { say, share } from "./language.js";

const SURE_ENOUGH = 0.5; // until the model card tells its own threshold

export const words = {
  share,
  breed: nameOf,
  group: (group) => say(`group.${group}`),
  size: (size) => say(`size.${size}`),
  explain: (state) => say(`explain.${state}`),

  problem({ code, retryAfter }) {
    const sentence = say(`problem.${code}`);
    if (code !== "busy" && code !== "not_ready") return sentence;
    return `${sentence} ${retryAfter ? say("problem.again_in", { count: retryAfter }) : say("problem.again_soon")}`;
  },

  /** Return what a card says: `{headline, remark}`. */
  card({ status, answer, error }, sure = SURE_ENOUGH) {
    switch (status) {
      case "waiting":
      case "reading":
        return { headline: say(`card.${status}`), remark: "" };
      case "failed":
        return { headline: say("card.not_read"), remark: words.problem(error) };
      case "cancelled":
        return { headline: say("card.not_read"), remark: say("card.cancelled") };
      default:
        return verdict(answer, sure);
    }
  },

  announcement(photo, sure) {
    const { headline, remark } = words.card(photo, sure);
    const key = /[.!。！]$/.test(headline) ? "card.announcement_sentence" : "card.announcement";
    return say(key, { file: photo.file.name, headline, remark });
  },

  progress({ total, read, failed, cancelled }) {
    const parts = [say("progress.read", { read, total })];
    if (failed) parts.push(say("progress.failed", { count: failed }));
    if (cancelled) parts.push(say("progress.cancelled", { count: cancelled }));
    return parts.join(say("list.comma"));
  },

  finished: (counts) => say("progress.finished", { progress: words.progress(counts) }),
  retryAll: (count) => say("progress.retry", { count }),
  leftOut: (count) => say("intake.left_out", { count }),
  noLanguage: () => say("page.no_language"),
  noPhotos: () => say("intake.no_photos"),
  readiness: (state) => say(`readiness.${state}`),
  model: ({ name, version }) => (version ? say("model.version", { name, version }) : name),

  aboutModel({ name, version, card }) {
    const said = [say("model.about", { model: words.model({ name, version }), count: card.breeds.length })];
    if (card.test) said.push(say("model.tested", { share: share(card.test.top1), count: card.test.photos }));
    return said.join(" ");
  },
};

function verdict({ guesses, isDog }, sure) {
  const [{ confidence }] = guesses;
  const breed = nameOf(guesses[0].breed);
  if (isDog === false) {
    return { headline: say("card.no_dog"), remark: say("card.if_dog", { breed }) };
  }
  if (confidence < sure) {
    return { headline: say("card.perhaps", { breed }), remark: say("card.unsure", { share: share(confidence) }) };
  }
  return { headline: breed, remark: say("card.sure", { share: share(confidence) }) };
}
