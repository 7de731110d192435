// The map: zooming, dragging, and an edge's numbers without loading the page again.

import { startHighlighting } from "../map/highlight.js";
import { isInSight, pointInSight } from "../map/tip.js";
import "./operations.js";

const SMALLEST = 0.1;
const LARGEST = 2;
// At first a map is shrunk to fit, but not below this: its names can be read.
const LEAST_AT_FIRST = 0.75;
const STEP = 1.25;
const DRAG_FROM_PX = 4;

const scroller = document.getElementById("map-scroller");
const svg = document.getElementById("service-map");
const panel = document.getElementById("map-panel");

const sizeOf = (name) => Number(svg.dataset[name]);
const scale = () => Number(svg.getAttribute("width")) / sizeOf("width");

// Keeps the place under (x, y), pixels of the scroller, where it is.
function zoomTo(wanted, x = scroller.clientWidth / 2, y = scroller.clientHeight / 2) {
  const before = scale();
  const after = Math.min(Math.max(wanted, SMALLEST), LARGEST);
  const left = ((scroller.scrollLeft + x) / before) * after - x;
  const top = ((scroller.scrollTop + y) / before) * after - y;
  svg.setAttribute("width", sizeOf("width") * after);
  svg.setAttribute("height", sizeOf("height") * after);
  scroller.scrollTo(left, top);
}

const fitting = () =>
  Math.min(1, scroller.clientWidth / sizeOf("width"), scroller.clientHeight / sizeOf("height"));

function startZoom() {
  const zooms = {
    in: () => zoomTo(scale() * STEP),
    out: () => zoomTo(scale() / STEP),
    fit: () => zoomTo(fitting()),
  };
  const tools = document.getElementById("map-tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => zooms[event.target.dataset.zoom]?.());
  const keys = { "+": "in", "-": "out", 0: "fit" };
  scroller.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    zooms[keys[event.key]]?.();
  });
  const zoomAtPointer = (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const { left, top } = scroller.getBoundingClientRect();
    const wanted = scale() * STEP ** -Math.sign(event.deltaY);
    zoomTo(wanted, event.clientX - left, event.clientY - top);
  };
  scroller.addEventListener("wheel", zoomAtPointer, { passive: false });
  zoomTo(Math.max(LEAST_AT_FIRST, fitting()));
  showFirst();
}

// A map larger than its frame opens at what is looked at, or at the leftmost node, where
// requests come in.
function showFirst() {
  const edge = svg.querySelector(".map-edge[aria-current]");
  const node = svg.querySelector(".map-node[aria-current]") ?? leftmost();
  const { left, top, width, height } = node.getBoundingClientRect();
  showMiddle(edge ? pointInSight(scroller, edge) : { x: left + width / 2, y: top + height / 2 });
}

// The order of the nodes in the page is that of their names.
function leftmost() {
  const x = (node) => node.transform.baseVal[0].matrix.e;
  return [...svg.querySelectorAll(".map-node")].reduce((a, b) => (x(b) < x(a) ? b : a));
}

// Of the screen.
function showMiddle({ x, y }) {
  const frame = scroller.getBoundingClientRect();
  scroller.scrollBy(x - frame.left - scroller.clientWidth / 2, y - frame.top - scroller.clientHeight / 2);
}

// A line is thin to point at.
function widenReach() {
  for (const line of svg.querySelectorAll(".map-edge .line")) {
    const reach = line.cloneNode();
    reach.setAttribute("class", "reach");
    reach.removeAttribute("stroke-width");
    line.before(reach);
  }
}

// Dragging scrolls; a click that ends a drag opens nothing.
function startDragging() {
  let from = null;
  let dragged = false;
  scroller.addEventListener("pointerdown", (event) => {
    const { scrollLeft, scrollTop } = scroller;
    dragged = false;
    if (event.button === 0 && event.pointerType === "mouse") {
      from = { x: event.clientX, y: event.clientY, scrollLeft, scrollTop };
    }
  });
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    dragged ||= Math.hypot(x, y) > DRAG_FROM_PX;
    scroller.classList.toggle("dragging", dragged);
    if (dragged) scroller.scrollTo(from.scrollLeft - x, from.scrollTop - y);
  });
  window.addEventListener("pointerup", () => {
    from = null;
    scroller.classList.remove("dragging");
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener(
    "click",
    (event) => {
      if (!dragged) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}

function markChosen(chosen) {
  for (const edge of svg.querySelectorAll(".map-edge[aria-current]")) {
    edge.removeAttribute("aria-current");
  }
  chosen.setAttribute("aria-current", "true");
}

async function openEdge(edge) {
  const address = edge.getAttribute("href");
  const { search } = new URL(address, location.href);
  const response = await fetch(svg.dataset.panelUrl + search);
  if (!response.ok) throw new Error(response.status);
  window.htmx.swap(panel, await response.text(), { swapStyle: "innerHTML" });
  history.replaceState(null, "", search);
  markChosen(edge);
  // The panel has taken room from the map.
  if (!isInSight(scroller, edge)) showMiddle(pointInSight(scroller, edge));
  panel.scrollIntoView({ block: "nearest" });
}

function startOpening() {
  svg.addEventListener("click", (event) => {
    const edge = event.target.closest(".map-edge");
    if (!edge || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    // The page itself says better what is wrong.
    openEdge(edge).catch(() => location.assign(edge.getAttribute("href")));
  });
}

if (svg) {
  widenReach();
  startZoom();
  startDragging();
  startHighlighting(svg, scroller, document.getElementById("map-tip"));
  startOpening();
}
