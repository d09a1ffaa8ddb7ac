/** Worker that answers for photos, so that the page never waits; its response alone carries the policy that lets WebAssembly run. */

import { Environment, loadLiteRt, Tensor } from "../../runtime/core.js";
import { fileOf } from "./kept.js";
import { pixelsOf } from "./pixels.js";
import { loadWasmBy } from "./wasm_lib.js";

const RUNTIME = "/runtime";
const SIGNATURE = "pixels";

// No graphics card is asked for: it would be another arithmetic, and take its time and memory.
Environment.create = async () => new Environment({ webGpuDevice: null });

let signature = null;

const tasks = {
  /** Load `model`, `{url, bytes, sha256}`, and the build of the runtime that this browser can run; return the files' paths. */
  async open({ model, builds }, tell) {
    const urls = [model.url];
    loadWasmBy((build) => {
      const url = `${RUNTIME}/${build}.wasm`;
      urls.push(url);
      return fileOf({ url, ...builds[build] }, tell);
    });
    const [file, runtime] = await Promise.all([fileOf(model, tell), loadLiteRt(RUNTIME)]);
    const { signatures } = await runtime.loadAndCompile(file, { accelerator: "wasm" });
    signature = signatures[SIGNATURE];
    const scripts = [location.href, ...performance.getEntriesByType("resource").map(({ name }) => name)];
    return { urls, scripts, outputs: signature.getOutputDetails().map(({ name }) => name) };
  },

  /** Return the outputs for a photo by their names, each `{data, shape}`, or null if it cannot be drawn. */
  async answer({ blob, crop, size }) {
    const pixels = await pixelsOf(blob, { crop, size });
    if (!pixels) return null;
    const [{ name }] = signature.getInputDetails();
    const input = new Tensor(pixels, [1, size, size, 3]);
    const outputs = await signature.run({ [name]: input });
    input.delete(); // what lies in WebAssembly's memory, no garbage collector sees
    const read = Object.entries(outputs).map(([output, tensor]) => {
      const said = { data: tensor.toTypedArray(), shape: tensor.type.layout.dimensions };
      tensor.delete();
      return [output, said];
    });
    return Object.fromEntries(read);
  },
};

addEventListener("message", async ({ data: { task, ...given }, ports: [port] }) => {
  try {
    port.postMessage({ done: await tasks[task](given, (more) => port.postMessage({ more })) });
  } catch (error) {
    port.postMessage({ code: error.code ?? null, why: String(error) });
  }
});
