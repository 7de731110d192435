// Where things lie in a waterfall: rows in sight, bars, ticks, zoom. Pure, no DOM.
// Times are nanoseconds from the start of the trace; a zoom is { from, to }.

export const ROW_HEIGHT = 26;
const OVERSCAN = 12;
const MIN_ZOOM_NANO = 10;
const MIN_BAR_PX = 2;
const CHARACTER_PX = 6.6;
const LABEL_PADDING_PX = 14;
const INDENT_PX = 16;
const FULL_INDENTS = 8;
const NARROW_INDENT_PX = 3;
const NARROW_INDENTS = 12;

// Rows [first, last) to hold, some more than are seen.
export function rowsInSight(scrollTop, height, total, overscan = OVERSCAN) {
  const first = Math.floor(scrollTop / ROW_HEIGHT) - overscan;
  const last = Math.ceil((scrollTop + height) / ROW_HEIGHT) + overscan;
  return { first: Math.max(Math.min(first, total), 0), last: Math.min(Math.max(last, 0), total) };
}

// Deep trees indent ever less, or names would leave the column.
export function indent(depth) {
  const wide = Math.min(depth, FULL_INDENTS);
  const narrow = Math.min(Math.max(depth - FULL_INDENTS, 0), NARROW_INDENTS);
  return wide * INDENT_PX + narrow * NARROW_INDENT_PX;
}

export const isIndentFull = (depth) => depth > FULL_INDENTS + NARROW_INDENTS;

// A bar in px within a column of `width`, and where its label goes: in the bar when it
// is wide enough, else beside it on the side that has room. Null when out of sight.
export function barLayout(start, end, zoom, width, labelLength) {
  const scale = width / Math.max(zoom.to - zoom.from, 1);
  const left = (start - zoom.from) * scale;
  const right = (end - zoom.from) * scale;
  if (right < 0 || left > width) return null;
  const x = Math.min(Math.max(left, 0), width - MIN_BAR_PX);
  const size = Math.max(Math.min(right, width) - x, MIN_BAR_PX);
  const needed = labelLength * CHARACTER_PX + LABEL_PADDING_PX;
  if (size >= needed) return { x, size, label: "inside", labelX: x + size };
  if (x + size + needed <= width) return { x, size, label: "after", labelX: x + size };
  return { x, size, label: "before", labelX: x };
}

export const TICKS = 5;

export function axisTicks(zoom) {
  const step = (zoom.to - zoom.from) / TICKS;
  return Array.from({ length: TICKS }, (_, i) => ({ at: i / TICKS, nano: zoom.from + i * step }));
}

export function clampZoom(zoom, duration) {
  const size = Math.min(Math.max(zoom.to - zoom.from, MIN_ZOOM_NANO), duration);
  const from = Math.min(Math.max(zoom.from, 0), Math.max(duration - size, 0));
  return { from, to: from + size };
}

export const wholeTrace = (duration) => ({ from: 0, to: duration });
export const isWhole = (zoom, duration) => zoom.from <= 0 && zoom.to >= duration;

// factor under 1 zooms in; the middle stays.
export function scaleZoom(zoom, factor, duration, middle = (zoom.from + zoom.to) / 2) {
  const size = Math.max(zoom.to - zoom.from, 1) * factor;
  return clampZoom({ from: middle - size / 2, to: middle + size / 2 }, duration);
}

export function zoomAround(start, end, duration) {
  const margin = Math.max((end - start) * 0.05, MIN_ZOOM_NANO / 2);
  return clampZoom({ from: start - margin, to: end + margin }, duration);
}

// A drag between two fractions of the minimap; a click alone zooms nowhere.
export function brushedZoom(a, b, duration) {
  const [low, high] = a < b ? [a, b] : [b, a];
  const inside = (part) => Math.min(Math.max(part, 0), 1) * duration;
  return clampZoom({ from: inside(low), to: inside(high) }, duration);
}

// "1200-5000" in the address, in whole nanoseconds; null for anything else.
export function parseZoom(text, duration) {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text ?? "");
  if (!match || Number(match[1]) >= Number(match[2])) return null;
  return clampZoom({ from: Number(match[1]), to: Number(match[2]) }, duration);
}

export const printZoom = (zoom) => `${Math.floor(zoom.from)}-${Math.ceil(zoom.to)}`;
