/** View of the answers: layout, order, filter and selection; gone with the tab. */

/**
 * `layout` is "grid" or "table", `sort` a name in arrange.js's ORDERS, `breed` and `kind` (of certainty.js) let all through
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
