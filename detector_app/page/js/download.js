const TAKEN = 10_000; // ms after which every browser has taken a file

/** Hand a text to the person as a file. */
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN);
}
