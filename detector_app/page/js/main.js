/** The page, put together. */

import { arrange } from "./answers/arrange.js";
import { entriesOfDogs } from "./answers/dogs.js";
import { loadBreeds, takeGroups } from "./breeds.js";
import { chooseClient, chosenClient, untilReady } from "./clients/index.js";
import { History, keyOf, Recorder } from "./history.js";
import { speakOf, spoken } from "./language.js";
import { keepForOffline } from "./offline.js";
import { Album } from "./photos/album.js";
import { PhotoPreparer } from "./photos/preparer.js";
import { entriesOf } from "./photos/entries.js";
import { sortOut } from "./photos/incoming.js";
import { Reader } from "./reader.js";
import { View } from "./view.js";
import { Announcer } from "./widgets/announcer.js";
import { Answers } from "./widgets/answers.js";
import { BreedSearch } from "./widgets/breed_search.js";
import { SelectionBar } from "./widgets/selection_bar.js";
import { HistoryList } from "./widgets/history_list.js";
import { DropArea, Intake } from "./widgets/intake.js";
import { LanguageSwitch } from "./widgets/language_switch.js";
import { Notice, Undo } from "./widgets/notice.js";
import { Progress } from "./widgets/progress.js";
import { Toolbar, WIDE } from "./widgets/toolbar.js";
import { words } from "./words.js";

const part = (id) => document.getElementById(id);

await spoken;

const client = await chooseClient(location.search);
const album = new Album();
const view = new View();
const history = new History();
const preparer = new PhotoPreparer(album);
const reader = new Reader(album, preparer, client, sayReadiness);
let deviceOffer = null; // a promise, once it is made
let model = null; // {name, version, card, feedback}, once the client has told
const thresholds = () => model?.card.thresholds;
const entries = () => entriesOf(album.all(), thresholds()?.dog);
const shown = () => arrange(entries(), view, thresholds());

const intake = new Intake(part("intake"), take);
const leftOut = new Notice(part("left-out"));
const readiness = new Notice(part("readiness"));
const aboutModel = new Notice(part("about-model"));
const undo = new Undo(part("undo"), () => (album.all().length > 0 ? part("cards") : intake).focus());
const progress = new Progress(part("progress"), album, { cancel: () => reader.cancel(), retry: () => album.retryAll(), clear });
const answers = new Answers({ grid: part("cards"), table: part("rows") }, album, view, {
  retry: (photo) => album.retry(photo.id),
  canExplain: () => client.canExplain,
  explain: async (photo, dog) => (await partReader()).explain(photo, dog),
  frames: async (card, select) => {
    const [{ Frames }, parts] = await Promise.all([import("./dogs/frames.js"), partReader()]);
    return new Frames(card, parts, { select, thresholds });
  },
  remove: (entry) => remove([entry]),
  separate: (photos) => album.separate(photos.map(({ id }) => id)),
  correct,
  model: () => model,
  thresholds,
});
new DropArea(document.body, take);
new LanguageSwitch(part("languages"), () => leftOut.say(words.noLanguage));
new Toolbar(part("tools"), album, view, { entries, shown, save: (format) => save(shown(), format) });
new SelectionBar(part("chosen"), album, view, {
  entries: () => (view.chosen.size > 0 ? entries().filter(({ id }) => view.chosen.has(id)) : []),
  unite: (chosen) => album.unite(idsOf(chosen)),
  remove,
  save: (chosen) => save(chosen, "csv"),
  focus: (id) => answers.focus(id),
});
new HistoryList(part("history"), history, undo, reopen);
new BreedSearch(part("which-breeds"), part("known-breeds"), () => model.card.breeds);
new Announcer(part("announcer"), album, thresholds);
new Recorder(album, history, thresholds);

album.addEventListener("added", () => {
  makeRoom(true);
  loadBreeds();
});
album.addEventListener("cleared", () => {
  makeRoom(false);
  intake.focus();
});
WIDE.addEventListener("change", placeLanguages);
addEventListener("beforeunload", (event) => {
  const { waiting, reading } = album.counts();
  if (waiting + reading > 0) event.preventDefault(); // the browser asks
});

// What is gone to stands below the bar at the top, however high that is.
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty("--deck-height", `${target.offsetHeight}px`);
}).observe(part("deck"));

document.documentElement.removeAttribute("data-unready");
intake.takeEarlier();
keepForOffline();
await untilReady(client, sayReadiness);
try {
  model = await client.model();
  takeGroups(model.card.groups);
  speakOf(model.subject);
  if (album.all().length > 0) loadBreeds(); // which were left out as long as the last visit's model was not of dogs
  const offered = model.onDevice || client.isLocal ? offerDevice() : Promise.resolve();
  offered.then(() => {
    aboutModel.say(() => words.aboutModel(model)); // at once with the offer, so that nothing moves
    part("which-breeds").hidden = false;
  });
} catch {
  // Photos are read all the same; the card only adds to what is said of them.
}
reader.start();

/** Make room for photos, with all else in a bar at the top, or take it back when there are none. */
function makeRoom(on) {
  document.documentElement.classList.toggle("with-photos", on);
  placeLanguages();
}

function placeLanguages() {
  if (WIDE.matches && album.all().length > 0) part("tools").before(part("languages"));
  else document.querySelector("footer").append(part("languages"));
}

function take(files) {
  const { photos, leftOut: others } = sortOut(files);
  const known = album.all().map(({ file }) => file);
  const paths = new Set(known.map(pathOf));
  const isHere = (file) => paths.has(pathOf(file)) && known.some((other) => isSame(other, file));
  const fresh = photos.filter((file) => !isHere(file));
  if (fresh.length > 0) album.add(fresh);
  const again = photos.length - fresh.length;
  const said = [photos.length === 0 && words.noPhotos(), others > 0 && photos.length > 0 && words.leftOut(others), again > 0 && words.sameAgain(again)];
  leftOut.say(() => said.filter(Boolean).join(" "));
}

function clear() {
  const photos = album.clear();
  undo.offer(words.cleared, () => {
    album.restore(photos);
    part("cards").focus();
  });
}

function remove(chosen) {
  const next = answers.after(chosen.map(({ id }) => id));
  const removed = album.remove(idsOf(chosen));
  undo.offer(() => words.removed(removed.length), () => {
    album.restore(removed);
    answers.focus(removed[0].id);
  });
  if (album.all().length > 0) answers.focus(next);
}

/**
 * Note what a person said of a dog, or null to forget it, and give its photos to the service if they agreed; of several dogs on
 * one photo, the part that shows it.
 */
async function correct(photos, correction, dog) {
  const parts = photos.length === 1 && photos[0].answer.dogs ? await partReader() : null;
  if (correction?.sent) {
    for (const photo of photos) await client.correct(await (parts ? parts.cutDog(photo, dog) : preparer.take(photo)), correction.breed);
  }
  const note = (photo, said) => (parts ? parts.note(photo, dog, said) : album.correct([photo.id], said));
  for (const photo of photos) note(photo, correction);
  if (correction?.sent) return; // what the service has cannot be taken back here
  undo.offer(correction ? words.corrected : words.forgot, () => {
    for (const photo of photos) note(photo, parts ? entriesOfDogs(photo)[dog].correction : photo.correction);
    answers.focus(photos[0].id);
  });
}

/** Show the card of a record: the photo's, if it is here still. */
function reopen(record) {
  const here = album.all().find((photo) => keyOf(photo) === record.key);
  answers.open(here ? entries().find(({ photos }) => photos.includes(here)).id : album.reopen(record));
}

async function save(chosen, format) {
  const { download, toCsv, toJson } = await import("./answers/export.js");
  const name = model?.subject ? "answers" : "dog-breeds";
  if (format === "csv") download(toCsv(chosen), `${name}.csv`, "text/csv");
  else download(toJson(chosen), `${name}.json`, "application/json");
}

/** Return what reads parts of photos; its modules come with the first photo. */
async function partReader() {
  const { PartReader } = await import("./dogs/part_reader.js");
  return new PartReader(album, preparer, client, () => model);
}

function sayReadiness(state, loaded) {
  readiness.say(state === "ready" ? null : () => words.readiness(state, loaded));
  progress.away = state !== "ready" && !client.isLocal; // whose files are on their way
  if (state !== "ready" && (client.isLocal || chosenClient())) offerDevice(); // its files may be here
}

/** Offer answers on this device, or the service's again, and return once it is done. */
function offerDevice() {
  return (deviceOffer ??= import("./widgets/on_device.js")
    .then((widget) => widget.offerDevice(part("on-device"), client, model))
    .catch(() => {})); // without a network, when it was never loaded
}

function idsOf(chosen) {
  return chosen.flatMap(({ photos }) => photos.map(({ id }) => id));
}

function pathOf(file) {
  return file.webkitRelativePath || file.name;
}

/** Tell whether two files are the same; by their paths first, since the browser looks the rest up on disk. */
function isSame(one, other) {
  return pathOf(one) === pathOf(other) && one.size === other.size && one.lastModified === other.lastModified;
}
