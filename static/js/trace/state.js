// What the page shows, in one place: the trace's facts, collapse, zoom, selection. Parts
// change it through `update` and hear of it by the "change" event.

import { paramsOf, stateOf } from "../lib/collapse-state.js";
import { isWhole, parseZoom, printZoom, wholeTrace } from "../lib/waterfall-layout.js";

export class TraceState extends EventTarget {
  constructor(head, address) {
    super();
    this.url = head.url;
    this.revision = head.first.revision;
    this.adjust = head.adjust;
    this.duration = Math.max(head.duration, 1);
    this.levels = head.levels;
    this.collapse = stateOf(head.collapse);
    this.total = head.first.total;
    this.active = head.place;
    this.selected = head.selected;
    this.inspected = head.selected;
    this.selectedId = address.get("span") ?? "";
    this.zoom = parseZoom(address.get("zoom"), this.duration) ?? wholeTrace(this.duration);
    this.matches = new Set();
    this.match = null;
    this.marksPath = address.get("path") === "1";
  }

  // `changes` replaces fields; listeners get the names of those that changed.
  update(changes) {
    Object.assign(this, changes);
    const event = new CustomEvent("change", { detail: new Set(Object.keys(changes)) });
    this.dispatchEvent(event);
  }

  onChange(names, listener) {
    this.addEventListener("change", ({ detail }) => {
      if (names.some((name) => detail.has(name))) listener();
    });
  }

  address(path, params = {}) {
    return this.addressAt(`${this.url}/${path}`, params);
  }

  addressAt(url, params) {
    const query = new URLSearchParams({
      revision: this.revision,
      ...(this.adjust && { adjust: this.adjust }),
      ...params,
    });
    return `${url}?${query}`;
  }

  collapseAddress(path, params) {
    return this.rowsAddress(`${this.url}/${path}`, params);
  }

  // What others know of the rows that are in sight.
  rowsAddress(url, params) {
    return this.addressAt(url, { ...paramsOf(this.collapse), ...params });
  }

  // The address bar says what is seen, but for single rows opened or closed.
  writeAddress() {
    const url = new URL(location.href);
    const fields = {
      span: this.selected === null ? "" : this.selectedId,
      zoom: isWhole(this.zoom, this.duration) ? "" : printZoom(this.zoom),
      level: this.collapse.level,
      path: this.marksPath ? "1" : "",
    };
    for (const [name, value] of Object.entries(fields)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    history.replaceState(null, "", url);
  }
}

export async function fetchJson(address, signal) {
  const response = await fetch(address, { signal, headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${response.status} from ${address}`);
  return response.json();
}
