/** Photos a second, from the moments at which the last of them were done. */

const SPAN = 10_000; // ms looked back: long enough to be steady, short enough to notice a change
const FEWEST = 5; // photos; of fewer no rate is told

export class Rate {
  #moments = [];

  /** Note that a photo is done; `now` is in ms. */
  note(now) {
    this.#moments.push(now);
    while (this.#moments[0] < now - SPAN) this.#moments.shift();
  }

  /** Return photos a second, or null while that cannot be told. */
  perSecond(now) {
    const recent = this.#moments.filter((moment) => moment >= now - SPAN);
    if (recent.length < FEWEST) return null;
    return ((recent.length - 1) / Math.max(1, now - recent[0])) * 1000;
  }

  reset() {
    this.#moments = [];
  }
}
