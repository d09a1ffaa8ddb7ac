/** The page, put together. */

import { arrange } from "./answers/arrange.js";
import { loadBreeds } from "./breeds.js";
import { chooseClient } from "./clients/index.js";
import { History } from "./history.js";
import { spoken } from "./language.js";
import { keepForOffline } from "./offline.js";
import { Album } from "./photos/album.js";
import { PhotoPreparer } from "./photos/preparer.js";
import { entriesOf } from "./photos/entries.js";
import { sortOut } from "./photos/incoming.js";
import { untilReady } from "./readiness.js";
import { Reader } from "./reader.js";
import { Recorder } from "./recorder.js";
import { View } from "./view.js";
import { Announcer } from "./widgets/announcer.js";
import { Answers } from "./widgets/answers.js";
import { BreedList } from "./widgets/breed_list.js";
import { SelectionBar } from "./widgets/selection_bar.js";
import { DropArea } from "./widgets/drop_area.js";
import { HistoryList } from "./widgets/history_list.js";
import { Intake } from "./widgets/intake.js";
import { LanguageSwitch } from "./widgets/language_switch.js";
import { Notice } from "./widgets/notice.js";
import { Progress } from "./widgets/progress.js";
import { Toolbar } from "./widgets/toolbar.js";
import { Undo } from "./widgets/undo.js";
import { words } from "./words.js";

const part = (id) => document.getElementById(id);

await spoken;
keepForOffline();

const client = await chooseClient(location.search);
const album = new Album();
const view = new View();
const history = new History();
const preparer = new PhotoPreparer(album);
let model = null; // {name, version, card, feedback}, once the client has told
const sure = () => model?.card.thresholds.sure;
const entries = () => entriesOf(album.all(), model?.card.thresholds.dog);
const shown = () => arrange(entries(), view, sure());

// The widgets that show the album come first, so that they hear of a photo before the reader begins with it.
const intake = new Intake(part("intake"), take);
new DropArea(document.body, take);
new LanguageSwitch(part("languages"), () => leftOut.say(words.noLanguage));
const leftOut = new Notice(part("left-out"));
const readiness = new Notice(part("readiness"));
const aboutModel = new Notice(part("about-model"));
const undo = new Undo(part("undo"));
const breeds = new BreedList(part("breeds"));
new Progress(part("progress"), album, { cancel: () => reader.cancel(), retry: () => album.retryAll(), clear });
new Toolbar(part("tools"), album, view, { entries, shown, save });
new SelectionBar(part("chosen"), album, view, {
  entries: () => entries().filter(({ id }) => view.chosen.has(id)),
  unite: (photos) => album.unite(photos.map(({ id }) => id)),
  focus: (id) => answers.focus(id),
});
const answers = new Answers({ grid: part("cards"), table: part("rows") }, album, view, {
  retry: (photo) => album.retry(photo.id),
  explain: client.canExplain ? async (photo, dog) => (await partReader()).explain(photo, dog) : null,
  frames: async (card, select) => {
    const [{ Frames }, parts] = await Promise.all([import("./dogs/frames.js"), partReader()]);
    return new Frames(card, parts, { select, sure });
  },
  remove,
  separate: (photos) => album.separate(photos.map(({ id }) => id)),
  correct,
  model: () => model,
  sure,
});
new HistoryList(part("history"), history, undo);
new Announcer(part("announcer"), album, sure);
new Recorder(album, history, sure);
const reader = new Reader(album, preparer, client, sayReadiness);

album.addEventListener("added", () => {
  intake.shrink(true);
  loadBreeds();
});
addEventListener("beforeunload", (event) => {
  const { waiting, reading } = album.counts();
  if (waiting + reading > 0) event.preventDefault(); // the browser asks
});
album.addEventListener("cleared", () => {
  intake.shrink(false);
  intake.focus();
});

await untilReady(client, sayReadiness);
try {
  model = await client.model();
  aboutModel.say(() => words.aboutModel(model));
  breeds.offer(model.card.breeds);
} catch {
  // Photos are read all the same; the card only adds to what is said of them.
}
reader.start();

function take(files) {
  const { photos, leftOut: others } = sortOut(files);
  const known = new Set(album.all().map(({ file }) => identityOf(file)));
  const fresh = photos.filter((file) => !known.has(identityOf(file)));
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

function remove({ photos }) {
  const next = answers.after(photos[0].id);
  const removed = album.remove(photos.map(({ id }) => id));
  undo.offer(words.removed, () => {
    album.restore(removed);
    answers.focus(removed[0].id);
  });
  if (album.all().length > 0) answers.focus(next);
}

/** Note what a person said of a dog, and give its photos to the service if they agreed; of several dogs on one, its part. */
async function correct(photos, correction, dog) {
  if (photos[0].answer.dogs) return (await partReader()).correct(photos[0], dog, correction);
  if (correction.sent) for (const photo of photos) await client.correct(await preparer.take(photo), correction.breed);
  album.correct(photos.map(({ id }) => id), correction);
}

async function save(format) {
  const { download, toCsv, toJson } = await import("./answers/export.js");
  if (format === "csv") download(toCsv(shown()), "dog-breeds.csv", "text/csv");
  else download(toJson(shown()), "dog-breeds.json", "application/json");
}

/** Return what reads parts of photos; its modules come with the first photo. */
async function partReader() {
  const { PartReader } = await import("./dogs/part_reader.js");
  return new PartReader(album, preparer, client, () => model);
}

function sayReadiness(state) {
  readiness.say(state === "ready" ? null : () => words.readiness(state));
}

/** Return what the same file has each time that it is chosen. */
function identityOf(file) {
  return [file.webkitRelativePath || file.name, file.size, file.lastModified].join("/");
}
