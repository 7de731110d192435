// The rows of the waterfall that are held here; others are fetched as they are needed.

import { CHUNK, RowChunks } from "../lib/row-chunks.js";
import { fetchJson } from "./state.js";

const AHEAD = 2 * CHUNK;
const MAX_CHUNKS_A_REQUEST = 5;
const RETRY_MS = 2000;

export class Rows {
  constructor(state, first, onArrival) {
    this.state = state;
    this.onArrival = onArrival;
    this.chunks = new RowChunks();
    this.pending = new Set();
    this.age = 0; // of the collapse state; answers to an older one are not kept
    this.failed = false;
    this.chunks.put(first.from, first.rows);
  }

  at(place) {
    return this.chunks.row(place);
  }

  // See to it that rows [first, last) are here, and the ones that follow in `direction`.
  want(first, last, direction) {
    const total = this.state.total;
    const from = Math.max(direction < 0 ? first - AHEAD : first, 0);
    const to = Math.min(direction > 0 ? last + AHEAD : last, total);
    const missing = this.chunks.missing(from, to).filter((n) => !this.pending.has(n));
    if (missing.length && !this.failed) this.#fetch(missing.slice(0, MAX_CHUNKS_A_REQUEST));
  }

  // All rows anew, those around `place` first; resolves when they are here. The old
  // ones stay on screen until then.
  async reload(place) {
    this.age += 1;
    this.pending.clear();
    const first = Math.max(Math.floor(place / CHUNK) - 1, 0);
    await this.#fetch([first, first + 1, first + 2], { replace: true });
  }

  async #fetch(numbers, { replace = false } = {}) {
    const { age } = this;
    const [from, last] = [numbers[0], numbers.at(-1)];
    const covered = Array.from({ length: last - from + 1 }, (_, i) => from + i);
    covered.forEach((n) => this.pending.add(n));
    const query = { from: from * CHUNK, count: covered.length * CHUNK };
    try {
      const answer = await fetchJson(this.state.collapseAddress("rows", query));
      if (age === this.age) this.#keep(answer, replace);
    } catch (error) {
      this.#retryLater(error);
    } finally {
      if (age === this.age) covered.forEach((n) => this.pending.delete(n));
    }
    if (age === this.age) this.onArrival();
  }

  #keep(answer, replace) {
    if (replace) this.chunks.clear();
    this.chunks.put(answer.from, answer.rows);
    const changed = answer.revision !== this.state.revision;
    if (changed) document.getElementById("trace-grew").hidden = false;
    if (answer.total !== this.state.total) this.state.update({ total: answer.total });
  }

  #retryLater(error) {
    console.warn("rows could not be fetched", error);
    this.failed = true;
    setTimeout(() => {
      this.failed = false;
      this.onArrival();
    }, RETRY_MS);
  }
}
