/** The page, put together. */

import { Album } from "./album.js";
import { chooseClient } from "./clients/index.js";
import { loadBreeds } from "./breeds.js";
import { sortOut } from "./incoming.js";
import { preferredLanguage, speak } from "./language.js";
import { keepForOffline } from "./offline.js";
import { untilReady } from "./readiness.js";
import { Reader } from "./reader.js";
import { Announcer } from "./widgets/announcer.js";
import { Cards } from "./widgets/cards.js";
import { DropArea } from "./widgets/drop_area.js";
import { Intake } from "./widgets/intake.js";
import { LanguageSwitch } from "./widgets/language_switch.js";
import { Notice } from "./widgets/notice.js";
import { Progress } from "./widgets/progress.js";
import { words } from "./words.js";

const part = (id) => document.getElementById(id);

await speak(preferredLanguage());
keepForOffline();

const client = chooseClient(location.search);
const album = new Album();
let model = null; // {name, version, card}, once the client has told

// The widgets that show the album come first, so that they hear of a photo before the reader begins with it.
const intake = new Intake(part("intake"), take);
new DropArea(document.body, take);
const leftOut = new Notice(part("left-out"));
const aboutModel = new Notice(part("about-model"));
new LanguageSwitch(part("languages"), () => leftOut.say(words.noLanguage));
new Cards(part("cards"), album, {
  retry: (photo) => album.retry(photo.id),
  explain: client.canExplain ? (photo) => reader.explain(photo) : null,
  model: () => model?.card,
});
new Progress(part("progress"), album, {
  cancel: () => reader.cancel(),
  retry: () => album.retryAll(),
  clear: () => album.clear(),
});
new Announcer(part("announcer"), album, () => model?.card.thresholds.sure);
const reader = new Reader(album, client);

album.addEventListener("added", () => {
  intake.shrink(true);
  loadBreeds();
});
album.addEventListener("cleared", () => {
  intake.shrink(false);
  intake.focus();
});

const readiness = new Notice(part("readiness"));
await untilReady(client, (state) => readiness.say(() => words.readiness(state)));
readiness.say(null);
try {
  model = await client.model();
  aboutModel.say(() => words.aboutModel(model));
} catch {
  // Photos are read all the same; the card only adds to what is said of them.
}
reader.start();

function take(files) {
  const { photos, leftOut: others } = sortOut(files);
  if (photos.length > 0) album.add(photos);
  leftOut.say(photos.length === 0 ? words.noPhotos : others > 0 ? () => words.leftOut(others) : null);
}
