/** How the answers are looked at: state of the page beside the album, and gone with the tab. */

/**
 * `layout` is "grid" or "table", `sort` one of arrange.js's orders, `breed` and `kind` (of sureness.js) let all through
 * while they are empty, `chosen` holds entries' ids. Event: "changed".
 */
export class View extends EventTarget {
  layout = "grid";
  sort = "newest";
  breed = "";
  kind = "";
  chosen = new Set();

  /** Look at new photos as at the first, for they may be too few to have any tools. */
  reset() {
    this.set({ layout: "grid", sort: "newest", breed: "", kind: "", chosen: new Set() });
  }

  set(fields) {
    Object.assign(this, fields);
    this.dispatchEvent(new Event("changed"));
  }

  choose(id, on) {
    const chosen = new Set(this.chosen);
    if (on) chosen.add(id);
    else chosen.delete(id);
    this.set({ chosen });
  }
}
