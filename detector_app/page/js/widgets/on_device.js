/** The offer to answer on this device, or to let the service answer again; loaded where one of them can be made. */

import { rememberClient } from "../clients/index.js";
import { askForRuntime, keptModel } from "../device/kept.js";
import { canRun } from "../device/support.js";
import { say } from "../language.js";
import { Notice } from "./notice.js";

const MEGABYTE = 1e6;

/** Show it as `button`. `model` is the client's, or null where its service is away: then only what is kept here is offered. */
export async function offerDevice(button, client, model) {
  const notice = new Notice(button);
  if (client.isLocal) {
    new Notice(document.querySelector("[data-say='intake.hint']")).say(() => say("device.hint"));
    notice.say(() => say("device.back"));
    button.onclick = () => go("gateway");
    return;
  }
  if (!canRun()) return;
  const size = model?.onDevice ? await sizeOf(model.onDevice) : (await keptModel()) && 0;
  if (size === null) return;
  notice.say(() => (size > 0 ? say("device.offer", { size: Math.ceil(size / MEGABYTE) }) : say("device.kept")));
  button.onclick = () => {
    navigator.storage?.persist?.(); // or else a browser that is short of room takes the files away
    go("device");
  };
}

/** Return how many bytes have to come, or null if the page was set up without a runtime. */
async function sizeOf({ bytes }) {
  const runtime = await askForRuntime().catch(() => null);
  return runtime && bytes + Object.values(runtime.builds)[0].bytes;
}

function go(name) {
  rememberClient(name);
  location.assign(location.pathname); // without a client that the address may name
}
