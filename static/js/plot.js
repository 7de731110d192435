// The only module that touches window.Plotly: theme, units, resize, empty state.

import { formatDuration, formatInstant } from "./lib/units.js";
import { logTicks, tickText } from "./lib/ticks.js";
import { fromWallClock, toWallClock } from "./lib/instants.js";
import { isUtc, themeColor } from "./preferences.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };

// How a tick reads, by the distance of the ticks in milliseconds.
const TIME_FORMATS = [
  { dtickrange: [null, 999], value: "%H:%M:%S.%L" },
  { dtickrange: [1_000, 59_999], value: "%H:%M:%S" },
  { dtickrange: [60_000, 86_399_999], value: "%H:%M" },
  { dtickrange: [86_400_000, "M1"], value: "%b %-d" },
  { dtickrange: ["M1", null], value: "%b %Y" },
];

// Plotly comes by a deferred script that may still be on its way.
function plotlyReady() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  const script = document.querySelector('script[src*="plotly"]');
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => reject(new Error("Plotly did not load")));
  });
}

// Plotly's dates have no zone: what it is given and gives back is wall-clock text.
const shown = (ms) => toWallClock(ms, isUtc());
const unshown = (text) => fromWallClock(text, isUtc());

function hoverText(points, index) {
  const start = formatInstant(BigInt(Math.round(points.start_ms[index])) * 1_000_000n, {
    utc: isUtc(),
    format: "date-time",
  });
  const errors = points.error_count[index];
  return [
    `${escaped(points.root_service_name[index])} ${escaped(points.root_name[index])}`,
    `${formatDuration(points.duration_nano[index])} · ${points.span_count[index]} spans` +
      (errors ? ` · ${errors} error${errors > 1 ? "s" : ""}` : ""),
    start,
  ].join("<br>");
}

// Plotly reads a few tags in its labels; a span's name must not become one. We write
// none but <br>: it turns <b> into a style attribute, which our policy forbids.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text) =>
  isolated(text.slice(0, 80)).replace(/[&<>]/g, (character) => ENTITIES[character]);

// A name that turns the direction of writing turns itself alone; without isolates of
// its own, so that it cannot end ours.
const isolated = (text) => `\u2068${text.replace(/[\u2066-\u2069]/g, "")}\u2069`;

const size = (spans) => Math.min(16, 5 + 1.6 * Math.log2(1 + spans / 4));

function traceOf(points, indices, { color, opacity, name }) {
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: indices.map((i) => shown(points.start_ms[i])),
    y: indices.map((i) => Math.max(1, points.duration_nano[i])),
    customdata: indices.map((i) => points.trace_id[i]),
    text: indices.map((i) => hoverText(points, i)),
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      size: indices.map((i) => size(points.span_count[i])),
      color,
      opacity,
      line: { width: 0 },
    },
    selected: { marker: { opacity: 0.8 } },
    unselected: { marker: { opacity: 0.2 } },
  };
}

function axis(extra) {
  return {
    gridcolor: themeColor("grid"),
    linecolor: themeColor("line"),
    tickfont: { color: themeColor("faint"), size: 11 },
    zeroline: false,
    fixedrange: true,
    ...extra,
  };
}

function frame(extra) {
  return {
    margin: { l: 60, r: 14, t: 10, b: 24 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 },
    showlegend: false,
    hovermode: "closest",
    hoverlabel: {
      bgcolor: themeColor("bg"),
      bordercolor: themeColor("line"),
      font: { color: themeColor("text"), size: 12 },
      align: "left",
    },
    ...extra,
  };
}

const timeAxis = (extra) => axis({ type: "date", nticks: 8, tickformatstops: TIME_FORMATS, ...extra });

function layout(points, [start, end]) {
  const ticks = logTicks(points.duration_nano);
  const known = end - start < 40 * 86_400_000;
  const range = known ? { range: [shown(start), shown(end)] } : { autorange: true };
  return frame({
    height: 190,
    dragmode: "select",
    selections: [],
    newselection: { line: { color: themeColor("accent"), width: 1, dash: "solid" } },
    xaxis: timeAxis(range),
    yaxis: axis({
      type: "log",
      range: ticks.range,
      tickvals: ticks.values,
      ticktext: ticks.values.map(tickText),
    }),
  });
}

// Draws { points, window_ms } into node. onPick(traceId, event); onBrush({ startMs,
// endMs, minNano, maxNano }). Returns nothing; call again to redraw, `clear` to end.
export async function drawScatter(node, { points, window_ms }, { onPick, onBrush }) {
  const plotly = await plotlyReady();
  if (!node.isConnected) return;
  const rows = points.trace_id.map((_, i) => i);
  const failed = rows.filter((i) => points.error_count[i] > 0);
  const fine = rows.filter((i) => points.error_count[i] === 0);
  const traces = [
    traceOf(points, fine, { color: themeColor("dot"), opacity: 0.5, name: "without errors" }),
    traceOf(points, failed, { color: themeColor("error"), opacity: 0.7, name: "with errors" }),
  ];
  await plotly.react(node, traces, layout(points, window_ms), CONFIG);
  node.removeAllListeners("plotly_click");
  node.removeAllListeners("plotly_selected");
  node.on("plotly_click", ({ points: [point], event }) => onPick(point.customdata, event));
  node.on("plotly_selected", (selected) => {
    if (selected?.range) onBrush(boundsOf(selected.range));
  });
  node.dataset.drawn = rows.length; // from now on it answers to the mouse
}

function boundsOf({ x, y }) {
  const [startMs, endMs] = x.map(unshown).sort((a, b) => a - b);
  const [minNano, maxNano] = [...y].sort((a, b) => a - b);
  return { startMs, endMs, minNano, maxNano };
}

// A chart over time. Each trace has `times` in milliseconds instead of x, and the name of
// its colour; `range` is [start, end] in milliseconds; onPick gets the point of a click.
export async function react(node, traces, { range, yaxis, ...extra }, onPick) {
  const plotly = await plotlyReady();
  if (!node.isConnected) return;
  const drawn = traces.map(({ times, colorName, ...trace }) => ({
    ...trace,
    x: times.map(shown),
    ...(colorName ? colored(trace, themeColor(colorName)) : {}),
  }));
  const legend = { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom", font: { color: themeColor("dim"), size: 11 } };
  const layout = frame({
    dragmode: false,
    legend,
    ...extra,
    margin: { l: 60, r: 14, t: extra.showlegend ? 26 : 10, b: 24 },
    xaxis: timeAxis({ range: range.map(shown) }),
    yaxis: axis(yaxis),
  });
  await plotly.react(node, drawn, layout, CONFIG);
  node.removeAllListeners("plotly_click");
  if (onPick) node.on("plotly_click", ({ points: [point] }) => onPick(point));
}

const colored = ({ marker, line }, color) => ({
  marker: { ...marker, color },
  ...(line ? { line: { ...line, color } } : {}),
});

export function clear(node) {
  if (window.Plotly) window.Plotly.purge(node);
}
