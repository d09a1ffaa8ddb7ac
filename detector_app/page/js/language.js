/** The language of the page: the browser's, unless another was chosen on this device. */

export const LANGUAGES = ["en", "de", "zh"]; // each has its translations/ and its breeds in ../breeds/
const [CHOSEN, SUBJECT] = ["language", "subject"]; // keys in localStorage

/** The language in use. */
export let language = LANGUAGES[0];

/** What the model's card says that its classes are, or null for dogs; until it is known, as on the last visit. */
export let subject = recallSubject();

let sentences = {};
let named = null; // words for the subject in the language in use, by their placeholders, or null if there are none
let wanted; // the language asked for last, in case an earlier one comes later
let numbers, percents, plurals;
const listeners = new EventTarget();

/** Return the language chosen on this device, or else the first that the browser asks for and the page knows. */
export function preferredLanguage() {
  const wanted = [recall(CHOSEN), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  return wanted.find((code) => LANGUAGES.includes(code)) ?? LANGUAGES[0];
}

/** Switch every text of the page to this language. */
export async function speak(code) {
  wanted = code;
  const { default: loaded } = await import(`./translations/${code}.js`);
  if (wanted !== code) return;
  sentences = loaded;
  language = code;
  numbers = new Intl.NumberFormat(code);
  percents = new Intl.NumberFormat(code, { style: "percent" });
  plurals = new Intl.PluralRules(code);
  named = wordsFor(subject);
  document.documentElement.removeAttribute("data-unsaid");
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
  translateAll();
}

/** Speak a language that a person chose, and remember it. */
export async function choose(code) {
  await speak(code);
  remember(CHOSEN, code);
}

/** Speak of what a model's classes are, as its card says it; null for dogs. */
export function speakOf(said) {
  subject = said;
  named = wordsFor(said);
  remember(SUBJECT, JSON.stringify(said));
  markSubject();
  translateAll();
}

/** Call `callback` whenever the page's texts change: to another language, or to better names of breeds. */
export function onTextsChanged(callback) {
  listeners.addEventListener("textschanged", () => callback());
}

/** Tell the listeners that texts have changed. */
export function textsChanged() {
  listeners.dispatchEvent(new Event("textschanged"));
}

/**
 * Return a sentence with the values of its {placeholders}, numbers as the language writes them; `{a breed}` puts English's
 * article before it. Where the sentence differs by number, `count` decides. Where the model's classes are no dogs,
 * `KEY:named` stands for `KEY`, with the subject's words in it, or without such words `KEY:other`.
 */
export function say(key, values = {}) {
  const sentence = (named && sentences[`${key}:named`]) ?? (subject && sentences[`${key}:other`]) ?? sentences[key];
  const text = typeof sentence === "string" ? sentence : sentence[plurals.select(values.count)] ?? sentence.other;
  return text.replace(/\{(a )?(\w+)\}/g, (_, article, name) => {
    const value = values[name] ?? named?.[name];
    if (typeof value === "number") return numbers.format(value);
    return article ? `${/^[aeiou]/i.test(value) ? "an" : "a"} ${value}` : value;
  });
}

/** Return a share of 0..1 as a percentage that never claims to be none or all. */
export function share(value) {
  if (value < 0.005) return `<${percents.format(0.01)}`;
  return value > 0.995 ? `>${percents.format(0.99)}` : percents.format(value);
}

/** Return a subject's words in the language in use, some with a capital as well; "photo" says no more than no word. */
function wordsFor(subject) {
  const said = language === "en" ? subject : subject?.languages?.[language];
  if (!said || said.one === "photo") return null;
  const { one, many, class: kind, classes: kinds = kind } = said;
  return { one, many, kind, kinds, Many: capital(many), Kind: capital(kind), Kinds: capital(kinds) };
}

/** Let style.css hide what shows dogs. */
function markSubject() {
  document.documentElement.toggleAttribute("data-no-dogs", subject !== null);
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}

function translateAll() {
  translate(document, ":not([data-later] *)"); // of hundreds of cards each has its turn, when it is drawn again
  for (const template of document.querySelectorAll("template")) translate(template.content);
  textsChanged();
}

/**
 * Write what stands in index.html, below `root` and `where` a CSS condition holds: as text (data-say), name (data-say-label),
 * content (-content) or description (-alt).
 */
export function translate(root, where = "") {
  for (const element of root.querySelectorAll(`[data-say]${where}`)) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]")) {
    element.setAttribute("aria-label", say(element.dataset.sayLabel));
  }
  for (const element of root.querySelectorAll("[data-say-alt]")) element.alt = say(element.dataset.sayAlt);
  for (const element of root.querySelectorAll("[data-say-content]")) element.content = say(element.dataset.sayContent);
}

// A browser that keeps nothing for this page throws at each of these; the page then follows the browser's language.
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function recallSubject() {
  try {
    return JSON.parse(recall(SUBJECT)); // null if there is none
  } catch {
    return null;
  }
}

function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    // Chosen for this visit.
  }
}

markSubject();

/** A promise of the first language's texts. index.html loads this module by itself as well, so that they come early. */
export const spoken = speak(preferredLanguage()).catch(() => speak(LANGUAGES[0]));
