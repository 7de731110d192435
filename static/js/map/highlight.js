// What is pointed at or focused on the map is drawn above all else, with the edges and
// nodes that it is tied to and with its numbers in words; the rest steps back.

import { isInSight, pointInSight, showTip } from "./tip.js";

const SVG = "http://www.w3.org/2000/svg";
const KINDS = ".map-edge, .map-node";
// A pointer that only passes by changes nothing.
const PAUSE_MS = 60;

export function startHighlighting(svg, scroller, tip) {
  const highlight = new Highlight(svg, scroller, tip);
  let timer = 0;
  const later = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, PAUSE_MS);
  };
  svg.addEventListener("pointermove", (event) => {
    highlight.pointer = { x: event.clientX, y: event.clientY };
  });
  svg.addEventListener("pointerover", (event) => {
    const element = event.target.closest(KINDS);
    later(() => highlight.update({ hovered: element }));
  });
  svg.addEventListener("pointerleave", () => later(() => highlight.update({ hovered: null })));
  // Not of the drawing: one that hears of focus is a stop of the tab key itself.
  scroller.addEventListener("focusin", (event) => {
    const element = event.target.closest(KINDS);
    if (!element?.matches(":focus-visible")) return;
    highlight.update({ focused: element, hovered: null });
    highlight.bringIntoSight(element);
  });
  scroller.addEventListener("focusout", () => highlight.update({ focused: null }));
  scroller.addEventListener("scroll", () => highlight.showNumbers());
  new ResizeObserver(() => highlight.showNumbers()).observe(scroller);
}

class Highlight {
  constructor(svg, scroller, tip) {
    Object.assign(this, { svg, scroller, tip, pointer: null, hovered: null, focused: null, shown: [] });
    this.above = svg.querySelector("#map-above");
  }

  // Found when first asked for: on a large map it takes a while.
  get ties() {
    this.found ??= tiesOf(this.svg);
    return this.found;
  }

  get current() {
    return this.hovered ?? this.focused;
  }

  update(changes) {
    const before = this.current;
    Object.assign(this, changes);
    if (this.current === before) return;
    this.svg.classList.toggle("dimmed", Boolean(this.current));
    this.shown = this.current ? this.ties(this.current) : [];
    this.above.replaceChildren(...this.shown.map((each) => copyOf(each, each === this.focused)));
    this.showNumbers();
  }

  showNumbers() {
    const at = this.hovered ? this.pointer : null;
    const isEdge = this.current?.matches(".map-edge");
    const ends = isEdge ? this.shown.filter((each) => each.matches(".map-node")) : [];
    showTip(this.tip, this.scroller, this.current, at, ends);
  }

  // The browser scrolls to the box around a curve, which may be larger than the frame.
  bringIntoSight(element) {
    if (!element.matches(".map-edge") || isInSight(this.scroller, element)) return;
    const frame = this.scroller.getBoundingClientRect();
    const { x, y } = pointInSight(this.scroller, element);
    const [middleX, middleY] = [frame.left + frame.width / 2, frame.top + frame.height / 2];
    this.scroller.scrollBy(x - middleX, y - middleY);
  }
}

// A function from an edge or node to what is to be drawn above: edges, their rates where
// these are written, then nodes.
function tiesOf(svg) {
  const nodes = [...svg.querySelectorAll(".map-node")];
  const rates = [...svg.querySelectorAll(".map-rate")];
  const all = [...svg.querySelectorAll(".map-edge")];
  const rateOf = new Map(rates.map((rate, at) => [all[at], rate]));
  const edgesOf = nodes.map(() => []);
  const ends = (edge) => edge.dataset.ends.split(" ").map(Number);
  for (const edge of all) {
    for (const end of new Set(ends(edge))) edgesOf[end].push(edge);
  }
  return (element) => {
    const own = Number(element.dataset.node);
    const edges = element.matches(".map-edge") ? [element] : edgesOf[own];
    const numbers = new Set([...edges.flatMap(ends), ...(edges.includes(element) ? [] : [own])]);
    const ownRates = edges.flatMap((edge) => rateOf.get(edge) ?? []);
    return [...edges, ...ownRates, ...[...numbers].map((number) => nodes[number])];
  };
}

function copyOf(element, isFocused) {
  const siblings = [...element.parentElement.children];
  element.id ||= `${element.classList[0]}-${siblings.indexOf(element)}`;
  const copy = document.createElementNS(SVG, "use");
  copy.setAttribute("href", `#${element.id}`);
  copy.classList.toggle("focused", isFocused);
  return copy;
}
