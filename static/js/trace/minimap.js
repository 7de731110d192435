// The whole trace in a strip; a drag over it zooms, its edges and middle can be moved.

import { brushedZoom, clampZoom, wholeTrace } from "../lib/waterfall-layout.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 50;
const EDGE_PX = 5;
const CLICK_PX = 3;

export function startMinimap(state, bars) {
  const box = document.getElementById("minimap");
  drawBars(bars, state.duration);
  state.onChange(["zoom"], () => drawWindow(state));
  drawWindow(state);
  box.addEventListener("pointerdown", (event) => startDrag(event, box, state));
  box.addEventListener("dblclick", () => state.update({ zoom: wholeTrace(state.duration) }));
  box.addEventListener("pointermove", (event) => showCursor(event, box, state));
}

function drawBars(bars, duration) {
  const svg = document.getElementById("minimap-bars");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const height = Math.max(Math.min((HEIGHT / bars.length) * 0.75, 3), 1);
  svg.replaceChildren(...bars.map((bar) => rect(bar, duration, height)));
}

function rect([start, end, place, color, failed], duration, height) {
  const node = document.createElementNS(SVG, "rect");
  node.setAttribute("x", (start / duration) * WIDTH);
  node.setAttribute("width", Math.max(((end - start) / duration) * WIDTH, 1.5));
  node.setAttribute("y", place * (HEIGHT - height));
  node.setAttribute("height", height);
  node.setAttribute("class", failed ? "failed" : `svc-${color}`);
  return node;
}

function drawWindow({ zoom, duration }) {
  const from = (zoom.from / duration) * 100;
  const to = (zoom.to / duration) * 100;
  const shown = document.getElementById("minimap-window");
  shown.style.left = `${from}%`;
  shown.style.width = `max(${to - from}%, 4px)`;
  document.getElementById("shade-left").style.width = `${from}%`;
  document.getElementById("shade-right").style.width = `${100 - to}%`;
}

// Where on the strip: an edge of the window, or neither.
function edgeAt(event, box, { zoom, duration }) {
  const { left, width } = box.getBoundingClientRect();
  const distance = (nano) => Math.abs(event.clientX - left - (nano / duration) * width);
  if (distance(zoom.from) <= EDGE_PX) return "from";
  return distance(zoom.to) <= EDGE_PX ? "to" : null;
}

function showCursor(event, box, state) {
  box.style.cursor = edgeAt(event, box, state) ? "ew-resize" : "crosshair";
}

function startDrag(event, box, state) {
  if (event.button !== 0) return;
  const { left, width } = box.getBoundingClientRect();
  const part = (moved) => (moved.clientX - left) / width;
  const edge = edgeAt(event, box, state);
  const [begin, before] = [part(event), state.zoom];
  box.setPointerCapture(event.pointerId);
  const move = (moved) => {
    if (!edge && Math.abs(moved.clientX - event.clientX) < CLICK_PX) return;
    const zoom = edge
      ? moveEdge(before, edge, part(moved), state.duration)
      : brushedZoom(begin, part(moved), state.duration);
    state.update({ zoom });
  };
  const stop = () => {
    box.removeEventListener("pointermove", move);
    state.writeAddress();
  };
  box.addEventListener("pointermove", move);
  box.addEventListener("pointerup", stop, { once: true });
  box.addEventListener("pointercancel", stop, { once: true });
}

function moveEdge(zoom, edge, part, duration) {
  const nano = Math.min(Math.max(part, 0), 1) * duration;
  const moved = { ...zoom, [edge]: nano };
  if (moved.from > moved.to) [moved.from, moved.to] = [moved.to, moved.from];
  return clampZoom(moved, duration);
}
