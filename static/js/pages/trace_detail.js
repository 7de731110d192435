// The page of one trace: starts its parts and connects them.

import { paramsOf, stateOf, toggle } from "../lib/collapse-state.js";
import { isWhole, scaleZoom, wholeTrace, zoomAround } from "../lib/waterfall-layout.js";
import { focusFind, startFind } from "../trace/find.js";
import { Grid } from "../trace/grid.js";
import { startCriticalPath } from "../trace/critical-path.js";
import { close, startInspector } from "../trace/inspector.js";
import { startKeys } from "../trace/keys.js";
import { startMinimap } from "../trace/minimap.js";
import { Rows } from "../trace/rows.js";
import { TraceState, fetchJson } from "../trace/state.js";
import { startTabs } from "../trace/tabs.js";

const SETTLE_MS = 120;
const MAX_LEVELS_LISTED = 12;
const head = JSON.parse(document.getElementById("trace-data").textContent);
const state = new TraceState(head, new URLSearchParams(location.search));
const rows = new Rows(state, head.first, () => grid.refresh());
const grid = new Grid(state, rows);
const level = document.getElementById("level");
const scroller = document.getElementById("scroller");

async function setCollapse(collapse, place = state.active) {
  state.update({ collapse });
  await rows.reload(place);
  if (state.active >= state.total) state.update({ active: Math.max(state.total - 1, 0) });
  level.value = levelShown();
  state.writeAddress();
}

async function setLevel(text) {
  const row = rows.at(state.active)?.row;
  await setCollapse({ level: text, toggled: new Set() });
  scroller.scrollTop = 0;
  state.update({ active: 0 });
  if (row !== undefined && text === "") await goToRow(row, { select: false });
}

// Rows that were opened or closed by hand leave no level that the list could name.
const BY_HAND = "by hand";
const levelShown = () => (state.collapse.toggled.size ? BY_HAND : state.collapse.level);

async function toggleRow(place) {
  const row = rows.at(place);
  if (!row?.children) return;
  const collapse = toggle(state.collapse, row.row);
  if (collapse) await setCollapse(collapse, place);
  else document.getElementById("announcer").textContent = "Too many rows are opened by hand";
}

// Show a span wherever it is: the server opens what hides it and tells its place.
async function goToRow(key, { select = true } = {}) {
  const answer = await fetchJson(state.collapseAddress("reveal", { span: key }));
  const collapse = stateOf(answer);
  const changed = paramsOf(collapse).toggled !== paramsOf(state.collapse).toggled;
  if (changed || collapse.level !== state.collapse.level) {
    await setCollapse(collapse, answer.place);
  } else rows.want(answer.place, answer.place + 1, 0);
  state.update({ active: answer.place });
  grid.show(answer.place);
  if (select) await selectRow(answer.row, answer.place);
}

async function selectRow(row, place) {
  const selectedId = rows.at(place)?.id ?? String(row);
  state.update({ selected: row, selectedId });
}

function openActive() {
  const row = rows.at(state.active);
  if (row) selectRow(row.row, state.active);
}

let settling = 0;
function moveTo(place) {
  const active = Math.min(Math.max(place, 0), state.total - 1);
  state.update({ active });
  grid.show(active);
  clearTimeout(settling);
  if (state.selected !== null) settling = setTimeout(openActive, SETTLE_MS);
}

function right() {
  const row = rows.at(state.active);
  if (!row?.children) return;
  if (row.closed) toggleRow(state.active);
  else moveTo(state.active + 1);
}

async function left() {
  const row = rows.at(state.active);
  if (!row) return;
  if (row.children && !row.closed) return toggleRow(state.active);
  const answer = await fetchJson(state.collapseAddress("parent", { span: row.id }));
  if (answer.place >= 0) moveTo(answer.place);
}

function setZoom(zoom) {
  state.update({ zoom });
  state.writeAddress();
}

const middleOfSpan = () => {
  const row = rows.at(state.active);
  return row && state.selected === row.row ? (row.start + row.end) / 2 : undefined;
};
const zoomBy = (factor) =>
  setZoom(scaleZoom(state.zoom, factor, state.duration, middleOfSpan()));

function zoomToSpan() {
  const row = rows.at(state.active);
  if (row) setZoom(zoomAround(row.start, row.end, state.duration));
}

function reset() {
  if (!isWhole(state.zoom, state.duration)) setZoom(wholeTrace(state.duration));
  else if (state.selected !== null) close(state);
}

function startLevels() {
  const count = Math.min(state.levels, MAX_LEVELS_LISTED);
  const values = ["", ...Array.from({ length: count }, (_, i) => String(i + 1))];
  level.append(...values.map((value) => new Option(value || "all", value)));
  const byHand = new Option(BY_HAND);
  byHand.hidden = true;
  level.append(byHand);
  level.value = levelShown();
  level.addEventListener("change", () => setLevel(level.value));
  document.getElementById("expand-all").addEventListener("click", () => setLevel(""));
  document.getElementById("collapse-all").addEventListener("click", () => setLevel("1"));
}

function startRows() {
  scroller.addEventListener("click", (event) => {
    const node = event.target.closest(".wf-row");
    if (!node) return;
    const place = Number(node.dataset.place);
    state.update({ active: place });
    if (event.target.closest(".wf-chevron")) toggleRow(place);
    else openActive();
  });
}

startLevels();
startRows();
startInspector(state);
startMinimap(state, head.overview);
startTabs((spanId) => goToRow(spanId));
startFind(state, (row) => goToRow(row));
const togglePath = startCriticalPath(state, grid);
startKeys({
  find: focusFind,
  expandAll: () => setLevel(""),
  collapseAll: () => setLevel("1"),
  zoomIn: () => zoomBy(0.5),
  zoomOut: () => zoomBy(2),
  togglePath,
  zoomToSpan,
  reset,
  move: (by) => moveTo(state.active + by),
  moveScreen: (by) => moveTo(state.active + by * grid.rowsAScreen),
  first: () => moveTo(0),
  last: () => moveTo(state.total - 1),
  right,
  left,
  open: openActive,
});
if (head.place) grid.show(head.place);
document.getElementById("trace").dataset.ready = "true";
