/** The client that asks the gateway. */

import { answerOf, modelOf } from "./answer.js";
import { call, fetchJson } from "./http.js";
import { Problem } from "../problem.js";

export class GatewayClient {
  canExplain = true;
  #isOfDogs = true; // until the model tells

  /** Return "ready", "loading" or "unreachable". */
  async state() {
    try {
      await call("/readyz");
      return "ready";
    } catch (problem) {
      return problem.code === "not_ready" ? "loading" : "unreachable";
    }
  }

  /** Return the model that answers; see answer.js. `feedback` is whether corrections are taken. */
  async model() {
    const model = modelOf((await fetchJson("/api/v1/model")) ?? {});
    this.#isOfDogs = model.isOfDogs;
    return model;
  }

  /** Return the answer for a photo; see answer.js. */
  async predict(photo, { explain, signal }) {
    // The page shows the centre of a photo as what was judged, so that no other part is asked for.
    const path = `/api/v1/predict_breed?find=no${explain ? "&explain=true" : ""}`;
    const said = await fetchJson(path, { method: "POST", body: formOf(photo), signal });
    if (explain && !said?.heatmap) throw new Problem("bad_answer");
    return answerOf({
      guesses: said?.predictions,
      isDog: this.#isOfDogs ? said?.is_dog : null,
      dogProbability: this.#isOfDogs ? said?.dog_probability : null,
      familiarity: said?.familiarity,
      model: said?.model,
      heatmap: said?.heatmap,
    });
  }

  /** Give a photo and what is really on it, to be kept for training: only for someone who agreed to that. */
  async correct(photo, breed) {
    const query = new URLSearchParams({ breed, keep: true });
    await fetchJson(`/api/v1/feedback?${query}`, { method: "POST", body: formOf(photo) });
  }
}

function formOf({ blob, name }) {
  const form = new FormData();
  form.append("dog_image", blob, name);
  return form;
}
