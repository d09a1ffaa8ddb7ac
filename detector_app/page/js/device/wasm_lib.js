/** What ../../runtime/core.js loads WebAssembly with: in a module worker, where no script but modules can be loaded. */

let wasmOf = null;

/** Have each build of the runtime, by its name, from `load`: a promise of its bytes. */
export function loadWasmBy(load) {
  wasmOf = load;
}

/** Return the library of a build whose loader is at `path`; the core calls this. What it tells on its way is no error. */
export async function createWasmLib(Library, path) {
  const [{ default: start }, wasmBinary] = await Promise.all([import(path), wasmOf(path.match(/(\w+)\.js$/)[1])]);
  return new Library(await start({ wasmBinary, printErr: console.debug }));
}
