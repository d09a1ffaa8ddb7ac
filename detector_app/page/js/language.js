/** The language of the page: the browser's, unless another was chosen on this device. */

export const LANGUAGES = ["en", "de", "zh"]; // each has its translations/ and its breeds in ../breeds/
const CHOSEN = "language"; // the key in localStorage

/** The language in use. */
export let language = LANGUAGES[0];

let sentences = {};
let ofDogs = true; // whether the model's classes are dogs
let wanted; // the language asked for last, in case an earlier one comes later
let numbers, percents, plurals;
const listeners = new EventTarget();

/** Return the language chosen on this device, or else the first that the browser asks for and the page knows. */
export function preferredLanguage() {
  const wanted = [recall(), ...navigator.languages].map((tag) => tag?.split("-")[0]);
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
  document.documentElement.removeAttribute("data-unsaid");
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
  translateAll();
}

/** Speak a language that a person chose, and remember it. */
export async function choose(code) {
  await speak(code);
  remember(code);
}

/** Speak of dogs, or where the model's classes are something else, of them without a name. */
export function speakOfDogs(on) {
  ofDogs = on;
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
 * article before it. Where the sentence differs by number, `count` decides. `KEY:other` stands for `KEY` where the model's
 * classes are no dogs.
 */
export function say(key, values = {}) {
  const sentence = (ofDogs ? null : sentences[`${key}:other`]) ?? sentences[key];
  const text = typeof sentence === "string" ? sentence : sentence[plurals.select(values.count)] ?? sentence.other;
  return text.replace(/\{(a )?(\w+)\}/g, (_, article, name) => {
    const value = values[name];
    if (typeof value === "number") return numbers.format(value);
    return article ? `${/^[aeiou]/i.test(value) ? "an" : "a"} ${value}` : value;
  });
}

/** Return a share of 0..1 as a percentage that never claims to be none or all. */
export function share(value) {
  if (value < 0.005) return `<${percents.format(0.01)}`;
  return value > 0.995 ? `>${percents.format(0.99)}` : percents.format(value);
}

function translateAll() {
  translate(document);
  for (const template of document.querySelectorAll("template")) translate(template.content);
  textsChanged();
}

/** Write what stands in index.html: as text (data-say), name (data-say-label), content (-content) or description (-alt). */
function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]")) {
    element.setAttribute("aria-label", say(element.dataset.sayLabel));
  }
  for (const element of root.querySelectorAll("[data-say-alt]")) element.alt = say(element.dataset.sayAlt);
  for (const element of root.querySelectorAll("[data-say-content]")) element.content = say(element.dataset.sayContent);
}

// A browser that keeps nothing for this page throws at each of these; the page then follows the browser's language.
function recall() {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}

function remember(code) {
  try {
    localStorage.setItem(CHOSEN, code);
  } catch {
    // Chosen for this visit.
  }
}

/** A promise of the first language's texts. index.html loads this module by itself as well, so that they come early. */
export const spoken = speak(preferredLanguage()).catch(() => speak(LANGUAGES[0]));
