/** All that the page says while it works. What it says before stands in index.html. */

const SURE_ENOUGH = 0.5; // until the model card tells its own threshold

const SENTENCES = {
  refused: "The photo was not accepted. Please choose it again.",
  gone: "The service was not found here. Please reload the page, then try again.",
  too_large: "This photo is too large. Please choose a smaller version of it.",
  not_a_photo: "This file is not a photo of a known type. Please choose a JPEG, PNG or WebP.",
  damaged: "This photo is damaged or incomplete. Please save or download it again, then choose the new file.",
  busy: "Too many photos at once just now.",
  not_ready: "The model is not ready.",
  slow: "The answer took too long. Please try again.",
  offline: "You are offline. Please connect, then try again.",
  unreachable: "The service does not answer. Please check your connection, then try again.",
  bad_answer: "The service sent an answer that makes no sense. Please try again.",
  broken: "Something went wrong here. Please try again; if it happens again, tell whoever runs this page.",
};

export const words = {
  explain: "Show where it looked",
  unexplain: "Show the photo only",
  explainFailed: "It could not be shown. Try again",
  explaining: "Looking again …",

  share: (value) => (value < 0.005 ? "<1%" : value > 0.995 ? ">99%" : `${Math.round(value * 100)}%`),

  problem({ code, retryAfter }) {
    if (code !== "busy" && code !== "not_ready") return SENTENCES[code];
    return `${SENTENCES[code]} Please try again ${retryAfter ? `in ${count(retryAfter, "second")}` : "in a moment"}.`;
  },

  /** Return what a card says: `{headline, remark}`. */
  card({ status, answer, error }, sure = SURE_ENOUGH) {
    switch (status) {
      case "waiting":
        return { headline: "Waiting", remark: "" };
      case "reading":
        return { headline: "Reading …", remark: "" };
      case "failed":
        return { headline: "Not read", remark: words.problem(error) };
      case "cancelled":
        return { headline: "Not read", remark: "You cancelled before this photo was read." };
      default:
        return verdict(answer, sure);
    }
  },

  announcement(photo, sure) {
    const { headline, remark } = words.card(photo, sure);
    return `${photo.file.name}: ${headline}${/[.!]$/.test(headline) ? "" : "."} ${remark}`;
  },

  progress({ total, read, failed, cancelled }) {
    const rest = [failed && `${failed} failed`, cancelled && `${cancelled} cancelled`].filter(Boolean);
    return [`${read} of ${total} read`, ...rest].join(", ");
  },

  finished: (counts) => `Done: ${words.progress(counts)}.`,
  retryAll: (number) => `Try ${number} again`,

  leftOut: (number) =>
    number === 1 ? "One file was left out: it is not a photo." : `${number} files were left out: they are not photos.`,
  noPhotos: "There is no photo in what you chose. Please choose JPEG, PNG or WebP files.",

  readiness: {
    loading: "The model is still loading. You can choose photos now: they are read as soon as it is ready.",
    unreachable: "The service does not answer yet. This page keeps trying: photos that you choose now are read as soon as it does.",
  },

  model: ({ name, version }) => (version ? `${name}, version ${version}` : name),

  aboutModel({ name, version, card }) {
    const said = [`Answers come from ${words.model({ name, version })}, which knows ${count(card.breeds.length, "breed")}.`];
    if (card.test) said.push(`It was right on ${words.share(card.test.top1)} of ${count(card.test.photos, "test photo")}.`);
    return said.join(" ");
  },
};

function verdict({ guesses, isDog }, sure) {
  const [{ breed, confidence }] = guesses;
  if (isDog === false) {
    return { headline: "This does not look like a dog.", remark: `If it is one, it is most like ${a(breed)}.` };
  }
  if (confidence < sure) {
    return { headline: `Perhaps ${a(breed)}`, remark: `Only ${words.share(confidence)} sure: see the other breeds below.` };
  }
  return { headline: breed, remark: `${words.share(confidence)} sure` };
}

const a = (noun) => `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
