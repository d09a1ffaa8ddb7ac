/** The client that asks the gateway. */

import { answerOf, modelOf, Problem } from "./answer.js";
import { call, fetchJson } from "./http.js";

export class GatewayClient {
  canExplain = true;
  canFind = true;
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
    this.#isOfDogs = model.subject === null;
    return model;
  }

  /** Return the answer for a photo; see answer.js. */
  async predict(photo, { find = "auto", explain = false, signal = null }) {
    const query = new URLSearchParams({ find, ...(explain && { explain }) });
    const said = await fetchJson(`/api/v1/predict_breed?${query}`, { method: "POST", body: formOf(photo), signal });
    if (explain && !said?.heatmap) throw new Problem("bad_answer");
    const dogs = Array.isArray(said?.dogs) ? said.dogs.map((dog) => this.#fieldsOf({ ...dog, is_dog: true })) : null;
    return answerOf({ ...this.#fieldsOf(said), model: said?.model, heatmap: said?.heatmap, search: said?.search, dogs });
  }

  /** Give a photo and what is really on it, to be kept for training: only for someone who agreed to that. */
  async correct(photo, breed) {
    const query = new URLSearchParams({ breed, keep: true });
    await fetchJson(`/api/v1/feedback?${query}`, { method: "POST", body: formOf(photo) });
  }

  /** Return what an answer and its dogs tell alike. */
  #fieldsOf(said) {
    return {
      guesses: said?.predictions,
      isDog: this.#isOfDogs ? said?.is_dog : null,
      dogProbability: this.#isOfDogs ? said?.dog_probability : null,
      familiarity: said?.familiarity,
      box: said?.box,
    };
  }
}

function formOf({ blob, name }) {
  const form = new FormData();
  form.append("dog_image", blob, name);
  return form;
}
