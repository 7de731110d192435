// Find in trace: the server says which rows match; here one steps through them.

import { grouped } from "../lib/units.js";
import { fetchJson } from "./state.js";

const WAIT_MS = 180;
const input = document.getElementById("find");
const count = document.getElementById("find-count");
const previous = document.getElementById("find-previous");
const next = document.getElementById("find-next");

export function startFind(state, goToRow) {
  const find = new Find(state, goToRow);
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => find.search(), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      find.step(event.shiftKey ? -1 : 1);
    }
    if (event.key === "Escape") leave(event, find);
  });
  previous.addEventListener("click", () => find.step(-1));
  next.addEventListener("click", () => find.step(1));
}

export function focusFind() {
  input.focus();
  input.select();
}

function leave(event, find) {
  event.stopPropagation();
  if (input.value) {
    input.value = "";
    find.search();
  } else document.getElementById("scroller").focus();
}

class Find {
  constructor(state, goToRow) {
    Object.assign(this, { state, goToRow, rows: [], cut: false, at: -1, text: "" });
  }

  async search() {
    const text = input.value.trim();
    if (text === this.text) return;
    this.text = text;
    this.asking?.abort();
    this.asking = new AbortController();
    let found = { rows: [], cut: false };
    try {
      if (text) found = await this.#ask(text);
    } catch (error) {
      if (error.name !== "AbortError") count.textContent = "failed";
      return;
    }
    Object.assign(this, found, { at: -1 });
    this.state.update({ matches: new Set(found.rows), match: null });
    if (found.rows.length) this.step(1);
    else this.#tell();
  }

  #ask(text) {
    return fetchJson(this.state.address("find", { text }), this.asking.signal);
  }

  async step(by) {
    if (input.value.trim() !== this.text) return this.search();
    const total = this.rows.length;
    if (!total) return;
    this.at = this.at < 0 && by < 0 ? total - 1 : (this.at + by + total) % total;
    const row = this.rows[this.at];
    this.state.update({ match: row });
    this.#tell();
    await this.goToRow(row);
  }

  #tell() {
    const total = this.rows.length;
    previous.disabled = next.disabled = !total;
    const more = this.cut ? "+" : "";
    count.textContent = this.text ? `${grouped(this.at + 1)} of ${grouped(total)}${more}` : "";
    count.title = this.cut ? "There are more; only the first are listed" : "";
  }
}
