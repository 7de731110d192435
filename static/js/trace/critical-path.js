// The critical path on the waterfall: its pieces are fetched for the rows in sight when it
// is switched on, and kept by row.

import { CHUNK } from "../lib/row-chunks.js";
import { slackText } from "../lib/slack-text.js";
import { fetchJson } from "./state.js";

const MAX_KEPT = 20_000;
const RETRY_MS = 2000;

// Returns what switches it on and off.
export function startCriticalPath(state, grid) {
  const button = document.getElementById("path-toggle");
  const path = new CriticalPath(state, button.dataset.piecesUrl, () => {
    grid.redraw();
    showSlack(path);
  });
  grid.path = path;
  state.onChange(["marksPath"], () => {
    button.setAttribute("aria-pressed", String(state.marksPath));
    state.writeAddress();
    grid.redraw();
  });
  state.onChange(["marksPath", "inspected"], () => showSlack(path));
  const toggle = () => state.update({ marksPath: !state.marksPath });
  button.addEventListener("click", toggle);
  state.onChange(["collapse"], () => path.forget());
  if (state.marksPath) state.update({ marksPath: true });
  return toggle;
}

// In the inspector, of the span that it shows.
function showSlack(path) {
  const place = document.getElementById("span-slack");
  if (!place) return;
  const known = path.of({ row: Number(place.closest("[data-row]").dataset.row) });
  place.hidden = !known;
  place.textContent = known ? slackText(known) : "";
}

class CriticalPath {
  constructor(state, url, onArrival) {
    Object.assign(this, { state, url, onArrival, failed: false, age: 0 });
    this.known = new Map(); // row -> what the server says of it
    this.asked = new Set(); // chunks of the rows in sight
  }

  // Places mean other rows now; what is known of the rows stays true.
  forget() {
    this.age += 1;
    this.asked.clear();
  }

  // What is known of a row, undefined when nothing is or the path is not marked.
  of(row) {
    return this.state.marksPath && row ? this.known.get(row.row) : undefined;
  }

  // See to it that the rows at [first, last) become known.
  want(first, last, rowAt) {
    if (!this.state.marksPath || this.failed) return;
    for (let place = first; place < last; place++) {
      const row = rowAt(place);
      const chunk = Math.floor(place / CHUNK);
      if (row && !this.known.has(row.row) && !this.asked.has(chunk)) this.#fetch(chunk);
    }
  }

  async #fetch(chunk) {
    const { age } = this;
    this.asked.add(chunk);
    try {
      const query = { from: chunk * CHUNK, count: CHUNK };
      this.#keep(await fetchJson(this.state.rowsAddress(this.url, query)));
    } catch (error) {
      if (age === this.age) this.asked.delete(chunk);
      this.#retryLater(error);
    }
    this.onArrival();
  }

  #keep({ revision, rows }) {
    if (revision !== this.state.revision) document.getElementById("trace-grew").hidden = false;
    if (this.known.size > MAX_KEPT) {
      this.known.clear();
      this.forget();
    }
    for (const row of rows) this.known.set(row.row, row);
  }

  #retryLater(error) {
    console.warn("the critical path could not be fetched", error);
    this.failed = true;
    setTimeout(() => {
      this.failed = false;
      this.onArrival();
    }, RETRY_MS);
  }
}
