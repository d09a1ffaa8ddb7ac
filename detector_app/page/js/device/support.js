/** What a browser must have to answer by itself. */

// The least module with an instruction of SIMD: `i32.const 0, i8x16.splat, i8x16.popcnt, drop` in a function.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 11, 1, 9, 0, 65, 0, 253, 15, 253, 98, 26, 11];

/** Tell whether files can be checked and kept, which only a secure origin can, photos be drawn, and the runtime be run. */
export function canRun() {
  return Boolean(globalThis.crypto?.subtle && globalThis.caches && globalThis.OffscreenCanvas && hasSimd());
}

function hasSimd() {
  return Boolean(globalThis.WebAssembly) && WebAssembly.validate(new Uint8Array(SIMD));
}
