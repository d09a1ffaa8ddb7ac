/** The client that answers on this device, in a worker, with no photo sent and, once its files are kept, no network. */

import { loadBreeds } from "../breeds.js";
import { askForModel, keepFiles, keepModel, keptModel } from "../device/kept.js";
import { canRun } from "../device/support.js";
import { modelOf, Problem, TOP_K } from "./answer.js";
import { answerByCard } from "./by_card.js";

const PATIENCE = 3000; // ms that the gateway has to tell of a newer model, where there is one already
const STEPS = 10; // in which it is told how much is loaded; a screen reader says each
const MEGABYTE = 1e6;

// What a worker's fault means, by its task.
const FAILURE = { open: "unfit", answer: "broken" };

// What does not pass by itself; looked for again, it would load all files again.
const LASTING = ["unfit", "altered", "not_offered"];

export class DeviceClient {
  isLocal = true;
  canFind = false; // whole photos need a network for pictures of any size
  #opening = null; // a promise of the model that answers
  #worker = null;
  #outputs = [];
  #last = Promise.resolve();

  get canExplain() {
    return this.#outputs.includes("heatmap");
  }

  /** Return "ready", or why it is not; `tell` gets "device" with `{done, total}` in MB while files are loaded. */
  async state(tell = () => {}) {
    this.#opening ??= this.#open(tell);
    try {
      await this.#opening;
      return "ready";
    } catch (problem) {
      if (!LASTING.includes(problem.code)) this.#opening = null;
      return problem.code;
    }
  }

  async model() {
    return this.#opening;
  }

  /** Return the answer for a photo; see answer.js. One after the other, as each takes all that one core has. */
  predict(photo, { signal = null }) {
    const answered = this.#last.then(() => this.#answer(photo, signal));
    this.#last = answered.catch(() => {});
    return answered;
  }

  async #answer({ blob, redrawn }, signal) {
    if (!redrawn) throw new Problem("not_a_photo"); // what the page could not draw
    const model = await this.#opening;
    if (signal?.aborted) throw new Problem("unreachable");
    const { crop, input_size: size, breeds } = model.card;
    const said = await this.#ask("answer", { blob, crop, size });
    if (!said) throw new Problem("damaged");
    const ranked = Array.from(said.probabilities.data, (confidence, index) => ({ breed: breeds[index], confidence }));
    return answerByCard(model, {
      guesses: ranked.sort((one, other) => other.confidence - one.confidence).slice(0, TOP_K),
      dogProbability: said.dog_probability?.data[0] ?? null,
      familiarity: said.familiarity?.data[0] ?? null,
      heatmap: said.heatmap ? rowsOf(said.heatmap) : null,
    });
  }

  async #open(tell) {
    if (!canRun()) throw new Problem("unfit");
    const kept = await keptModel();
    const newest = await newestModel(kept);
    try {
      return await this.#start(newest, tell);
    } catch (problem) {
      if (!kept || newest === kept || problem.code === "unfit") throw problem;
      return this.#start(kept, tell); // the network went while the newer one came
    }
  }

  async #start(files, tell) {
    const { model: said, runtime } = files;
    const model = modelOf({ ...said, feedback: false }); // corrections stay here, with the photos
    this.#worker?.terminate();
    this.#worker = new Worker(new URL("../device/worker.js", import.meta.url), { type: "module" });
    const total = model.onDevice.bytes + Object.values(runtime.builds)[0].bytes;
    const { urls, scripts, outputs } = await this.#ask("open", { model: model.onDevice, builds: runtime.builds }, inSteps(total, tell));
    this.#outputs = outputs;
    keepAll(files, urls, scripts).catch(() => {}); // then they are loaded again another time
    return model;
  }

  /** Have the worker do a task; `hear` gets the numbers that it tells of on the way. */
  #ask(task, given, hear) {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve, reject) => {
      port1.onmessage = ({ data: { more, done, code, why } }) => {
        if (more !== undefined) return hear(more);
        port1.close();
        if (done !== undefined) return resolve(done);
        if (code === null) console.warn(why); // for those who look after the page
        reject(new Problem(code ?? FAILURE[task]));
      };
      this.#worker.onerror = () => reject(new Problem(FAILURE[task])); // one task at a time
      this.#worker.postMessage({ task, ...given }, [port2]);
    });
  }
}

/** Return what the gateway offers now, or what is kept where it offers nothing or does not answer. */
async function newestModel(kept) {
  try {
    const offered = await askForModel(kept && AbortSignal.timeout(PATIENCE));
    if (modelOf(offered.model).onDevice) return offered;
    throw new Problem("not_offered");
  } catch (problem) {
    if (kept) return kept;
    throw problem.code === "gone" ? new Problem("not_offered") : problem;
  }
}

/** Keep the files of the model at `urls`, once all is kept that the page itself takes, whatever a person does with an answer. */
async function keepAll(files, urls, scripts) {
  await Promise.all([
    import("../answers/export.js"),
    import("../dogs/frames.js"),
    import("../dogs/part_reader.js"),
    import("../widgets/heat_map.js"),
    import("../widgets/on_device.js"),
    loadBreeds(),
  ]);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const worker = new URL("../photos/redraw_worker.js", import.meta.url).href; // which comes with the first photo
  await keepFiles([location.href, worker, ...scripts, ...loaded]);
  await keepModel(files, urls);
}

function inSteps(total, tell) {
  let loaded = 0;
  let step = -1;
  const hear = (more) => {
    loaded = Math.min(total, loaded + more);
    const reached = Math.floor((loaded / total) * STEPS);
    if (reached > step) tell("device", { done: Math.round(loaded / MEGABYTE), total: Math.round(total / MEGABYTE) });
    step = reached;
  };
  hear(0);
  return hear;
}

function rowsOf({ data, shape: [, height, width] }) {
  return Array.from({ length: height }, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)));
}
