/** The client that asks TensorFlow Serving's REST API itself, with no gateway between. */

import { modelOf, Problem } from "./answer.js";
import { answerByCard } from "./by_card.js";
import { fetchJson } from "./http.js";

const MODEL = "dog_breed";
// Signatures of the SavedModel.
const [PREDICT, DESCRIBE] = ["serving_default", "describe"];

export class RestClient {
  canExplain = false; // the signature takes pixels at the model's size, which here only the gateway makes
  canFind = false; // whole photos, as `locate` takes them, are as pixels in JSON too much to send
  #model = null;

  async state() {
    try {
      return (await this.#versions()).length > 0 ? "ready" : "loading";
    } catch (problem) {
      return problem.code === "not_ready" ? "loading" : "unreachable";
    }
  }

  async model() {
    const [version] = await this.#versions();
    if (!version) throw new Problem("not_ready");
    // TensorFlow Serving's REST API calls no signature without an input, so `describe` takes one and ignores it.
    const said = await ask(version, { signature_name: DESCRIBE, inputs: [""] });
    return modelOf({ name: MODEL, version, card: parse([said?.outputs].flat()[0]) });
  }

  async predict(photo, { signal }) {
    if (!photo.redrawn) throw new Problem("not_a_photo"); // TensorFlow Serving knows no type that the browser does not
    // REST replies do not tell their version. So one is named in the request; once it is gone, its successor is asked.
    this.#model ??= this.model();
    try {
      return await predictWith(await this.#model, photo, signal);
    } catch (problem) {
      this.#model = null;
      if (problem.code !== "gone") throw problem;
    }
    this.#model = this.model();
    return predictWith(await this.#model, photo, signal);
  }

  /** Return the numbers of the versions that answer, newest first. */
  async #versions() {
    const said = await fetchJson(`/v1/models/${MODEL}`);
    return (said?.model_version_status ?? []).filter(({ state }) => state === "AVAILABLE").map(({ version }) => version);
  }
}

async function predictWith(model, { blob }, signal) {
  const instances = [{ b64: await base64Of(blob) }];
  const said = await ask(model.version, { signature_name: PREDICT, instances }, signal);
  const first = said?.predictions?.[0];
  return answerByCard(model, {
    guesses: first?.top_breeds?.map((breed, rank) => ({ breed, confidence: first.top_probabilities?.[rank] })),
    dogProbability: first?.dog_probability,
    familiarity: first?.familiarity,
  });
}

function ask(version, body, signal = null) {
  return fetchJson(`/v1/models/${MODEL}/versions/${version}:predict`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal,
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("bad_answer");
  }
}

function base64Of(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(blob);
  });
}
