/** Worker that redraws photos: of 12 megapixels, each would keep the page from answering its person for a tenth of a second. */

import { redraw } from "./redraw.js";

addEventListener("message", async ({ data: { file, previewSide }, ports: [port] }) => {
  port.postMessage(await redraw(file, previewSide).catch(() => null));
});
