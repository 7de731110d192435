// One row of the waterfall as an element. Everything a span says goes in as text.

import { serviceClass } from "../lib/service_color.js";
import { formatDuration, grouped } from "../lib/units.js";
import { ROW_HEIGHT, barLayout, indent, isIndentFull } from "../lib/waterfall-layout.js";

function element(name, className, text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

export function makeRow(place, row) {
  const node = element("div", row ? "wf-row" : "wf-row waiting");
  node.id = `row-${place}`;
  node.setAttribute("role", "row");
  node.setAttribute("aria-rowindex", place + 1);
  node.dataset.place = place;
  node.style.top = `${place * ROW_HEIGHT}px`;
  if (row) describe(node, row);
  node.append(row ? nameCell(row) : waitingCell(), timeCell());
  return node;
}

function describe(node, row) {
  node.setAttribute("aria-level", row.depth + 1);
  node.setAttribute("aria-posinset", row.number);
  node.setAttribute("aria-setsize", row.siblings);
  if (row.children) node.setAttribute("aria-expanded", String(!row.closed));
}

function waitingCell() {
  const cell = element("div", "wf-name");
  cell.setAttribute("role", "gridcell");
  cell.append(element("span", "wf-text"));
  return cell;
}

function timeCell() {
  const cell = element("div", "wf-time");
  cell.setAttribute("role", "gridcell");
  return cell;
}

function nameCell(row) {
  const cell = element("div", "wf-name");
  cell.setAttribute("role", "gridcell");
  cell.style.paddingLeft = `${8 + indent(row.depth)}px`;
  if (isIndentFull(row.depth)) cell.append(element("span", "wf-deep", grouped(row.depth)));
  cell.append(chevron(row), element("span", `chip ${serviceClass(row.service)}`));
  if (row.orphan) cell.append(mark("⚠", "Its parent is not in the trace"));
  const text = element("span", "wf-text");
  text.append(element("b", "", row.service || "no service name"));
  text.append(element("span", "", row.name || "no span name"));
  text.title = `${row.service} ${row.name}`;
  cell.append(text);
  if (row.closed) cell.append(element("span", "wf-below", `+${grouped(row.below)}`));
  return cell;
}

// Not a tab stop: the arrow keys do the same.
function chevron(row) {
  const state = row.children ? (row.closed ? "closed" : "open") : "none";
  const button = element("button", `wf-chevron ${state}`);
  button.type = "button";
  button.tabIndex = -1;
  button.setAttribute("aria-hidden", "true");
  return button;
}

function mark(sign, title) {
  const node = element("span", "wf-mark", sign);
  node.title = title;
  return node;
}

// `path` is what is known of the row on the critical path, if that is marked.
export function drawBar(node, row, zoom, width, path) {
  const cell = node.lastChild;
  cell.replaceChildren();
  node.classList.toggle("off-path", path?.on === false);
  if (!row || width <= 0) return;
  const text = formatDuration(row.end - row.start);
  const at = barLayout(row.start, row.end, zoom, width, text.length + (row.error ? 2 : 0));
  if (!at) return;
  cell.append(bar(row, at), ...ticks(row, zoom, width), label(row, at, text, width));
  if (path?.on) cell.append(...pathPieces(row, path, zoom, width));
}

// A closed row stands for all below it, which own its time on the path together.
function pathPieces(row, path, zoom, width) {
  const pieces = row.closed ? [[path.start, path.end]] : path.pieces;
  return pieces.flatMap(([start, end]) => {
    const at = barLayout(start, end, zoom, width, 0);
    if (!at) return [];
    const node = element("div", "wf-path");
    node.style.left = `${at.x}px`;
    node.style.width = `${at.size}px`;
    node.title = `On the critical path: ${formatDuration(end - start)}`;
    return [node];
  });
}

function bar(row, at) {
  const node = element("div", `wf-bar ${serviceClass(row.service)}`);
  node.style.left = `${at.x}px`;
  node.style.width = `${at.size}px`;
  return node;
}

function ticks(row, zoom, width) {
  const scale = width / (zoom.to - zoom.from);
  return row.events.map((nano) => {
    const node = element("div", "wf-tick");
    node.style.left = `${(nano - zoom.from) * scale}px`;
    return node;
  });
}

function label(row, at, text, width) {
  const node = element("span", `wf-label ${at.label}`);
  if (row.error) node.append(failure());
  node.append(text);
  if (row.moved) node.title = "Moved by clock correction";
  if (at.label === "after") node.style.left = `${at.labelX}px`;
  else node.style.right = `${width - at.labelX}px`;
  return node;
}

function failure() {
  const node = element("span", "failed", "✕");
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", "error");
  return node;
}
