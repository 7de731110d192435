// The waterfall's rows: only those in sight are elements.

import { ROW_HEIGHT, axisTicks, rowsInSight } from "../lib/waterfall-layout.js";
import { formatDuration } from "../lib/units.js";
import { drawBar, makeRow } from "./row-element.js";

const SCROLLED_BY_US = 2;

export class Grid {
  constructor(state, rows) {
    this.state = state;
    this.rows = rows;
    this.path = null;
    this.scroller = document.getElementById("scroller");
    this.spacer = document.getElementById("spacer");
    this.axis = document.getElementById("axis");
    this.nodes = new Map(); // place -> { node, row }
    this.lastTop = 0;
    this.height = 0;
    this.scheduled = false;
    this.#listen();
    this.resize();
  }

  #listen() {
    const { state } = this;
    this.scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    state.onChange(["zoom"], () => this.#redrawBars());
    state.onChange(["active", "selected", "matches", "match"], () => this.#markRows());
    state.onChange(["total"], () => this.#setHeight());
  }

  resize() {
    const height = this.scroller.clientHeight;
    // The inspector opens below where the page is narrow: not over its own row.
    if (height < this.height) this.show(this.state.active);
    this.height = height;
    this.#setHeight();
    const width = this.axis.clientWidth;
    if (width === this.width) return this.schedule();
    this.width = width;
    this.#redrawBars();
  }

  #setHeight() {
    this.spacer.style.height = `${this.state.total * ROW_HEIGHT}px`;
    this.scroller.setAttribute("aria-rowcount", this.state.total);
    this.schedule();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.draw();
    });
  }

  // Every row again, after the collapse state or the rows have changed.
  refresh() {
    this.schedule();
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const { first, last } = rowsInSight(scrollTop, clientHeight, this.state.total);
    const direction = scrollTop - this.lastTop > SCROLLED_BY_US || scrollTop === 0 ? 1 : -1;
    this.rows.want(first, last, direction);
    this.path?.want(first, last, (place) => this.rows.at(place));
    this.lastTop = scrollTop;
    this.#dropOutside(first, last);
    // From the last to the first: each goes before the next one, so that the elements
    // are in reading order too.
    for (let place = last - 1; place >= first; place--) this.#place(place);
    this.#markRows();
  }

  #dropOutside(first, last) {
    for (const [place, { node }] of this.nodes) {
      if (place >= first && place < last) continue;
      node.remove();
      this.nodes.delete(place);
    }
  }

  #place(place) {
    const row = this.rows.at(place);
    const held = this.nodes.get(place);
    if (held && held.row === row) return;
    const node = makeRow(place, row);
    this.#drawBar(node, row);
    if (held) held.node.replaceWith(node);
    else this.spacer.insertBefore(node, this.nodes.get(place + 1)?.node ?? null);
    this.nodes.set(place, { node, row });
  }

  #redrawBars() {
    const ticks = axisTicks(this.state.zoom).map(({ at, nano }) => {
      const node = document.createElement("span");
      node.style.left = `${at * 100}%`;
      node.textContent = nano === 0 ? "0 ms" : formatDuration(Math.round(nano));
      return node;
    });
    this.axis.replaceChildren(...ticks);
    this.redraw();
  }

  // The bars again, as the critical path is marked or has become known.
  redraw() {
    for (const { node, row } of this.nodes.values()) this.#drawBar(node, row);
    this.schedule();
  }

  #drawBar(node, row) {
    drawBar(node, row, this.state.zoom, this.width, this.path?.of(row));
  }

  #markRows() {
    const { active, selected, matches, match } = this.state;
    for (const [place, { node, row }] of this.nodes) {
      node.classList.toggle("active", place === active);
      node.classList.toggle("selected", Boolean(row) && row.row === selected);
      node.classList.toggle("match", Boolean(row) && matches.has(row.row));
      node.classList.toggle("current", Boolean(row) && row.row === match);
      node.setAttribute("aria-selected", String(Boolean(row) && row.row === selected));
    }
    this.scroller.setAttribute("aria-activedescendant", `row-${active}`);
  }

  get rowsAScreen() {
    return Math.max(Math.floor(this.scroller.clientHeight / ROW_HEIGHT) - 1, 1);
  }

  // Scroll only if the place is out of sight: by a row at the edge, else to the middle.
  show(place) {
    const top = place * ROW_HEIGHT;
    const { scrollTop } = this.scroller;
    // clientHeight is rounded, and a part of a pixel of the row would be out of sight.
    const height = Math.floor(this.scroller.getBoundingClientRect().height);
    const bottom = top + ROW_HEIGHT;
    if (top >= scrollTop && bottom <= scrollTop + height) return;
    const near = 2 * ROW_HEIGHT;
    if (top < scrollTop && top > scrollTop - near) this.scroller.scrollTop = top;
    else if (bottom > scrollTop && bottom < scrollTop + height + near) {
      this.scroller.scrollTop = bottom - height;
    } else this.scroller.scrollTop = top - height / 2;
  }
}
