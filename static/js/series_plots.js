// Charts of one operation over time, by Plotly through plot.js.

import { react } from "./plot.js";
import { logTicks, tickText } from "./lib/ticks.js";
import { formatDuration } from "./lib/units.js";
import { themeColor } from "./preferences.js";

const shades = ["p50", "p75", "p90", "p95", "p99"];
const OPACITY = { p50: 1, p75: 0.75, p90: 0.6, p95: 0.5, p99: 0.4 };

function range({ start_ms, step_ms }) {
  return [start_ms[0], start_ms[start_ms.length - 1] + step_ms];
}

// A gap stays a gap; a lone point is seen as a dot.
export function drawPercentiles(node, series) {
  const values = shades.flatMap((name) => series.percentiles[name]).filter((v) => v !== null);
  if (!values.length) return undefined;
  const ticks = logTicks(values);
  const traces = shades.map((name) => ({
    type: "scatter",
    mode: "lines+markers",
    name,
    times: series.start_ms.map((ms) => ms + series.step_ms / 2),
    y: series.percentiles[name].map((nano) => (nano === null ? null : Math.max(1, nano))),
    text: series.percentiles[name].map((nano) => (nano === null ? "" : formatDuration(Math.round(nano)))),
    hovertemplate: `${name} %{text}<extra></extra>`,
    connectgaps: false,
    marker: { size: 4 },
    line: { width: name === "p50" || name === "p99" ? 2 : 1 },
    opacity: OPACITY[name],
    fill: "none",
    colorName: name === "p99" ? "error" : name === "p95" ? "warning" : "accent",
  }));
  return react(node, traces, {
    height: 180,
    range: range(series),
    showlegend: true,
    hovermode: "x unified",
    yaxis: { type: "log", range: ticks.range, tickvals: ticks.values, ticktext: ticks.values.map(tickText) },
  });
}

export function drawThroughput(node, series) {
  const bars = (name, values, colorName) => ({
    type: "bar",
    name,
    times: series.start_ms.map((ms) => ms + series.step_ms / 2),
    y: values,
    hovertemplate: `%{y:.3~g} /s ${name}<extra></extra>`,
    colorName,
  });
  const traces = [
    bars("without errors", series.ok_per_second, "accent"),
    bars("failed", series.failed_per_second, "error"),
  ];
  return react(node, traces, {
    height: 150,
    range: range(series),
    showlegend: true,
    barmode: "stack",
    bargap: 0.15,
    yaxis: { rangemode: "tozero", ticksuffix: " /s", nticks: 4 },
  });
}

// onPick({ startMs, endMs, lowNano, highNano }).
export function drawHeatmap(node, series, onPick) {
  const { low_nano: low, high_nano: high, counts } = series.heatmap;
  if (!low.length) return undefined;
  const middle = low.map((nano, row) => Math.sqrt(Math.max(nano, 0.5) * Math.max(high[row], 1)));
  const label = (row) =>
    `${formatDuration(Math.round(low[row]))} – ${formatDuration(Math.round(high[row]))}`;
  const trace = {
    type: "heatmap",
    times: series.start_ms.map((ms) => ms + series.step_ms / 2),
    y: middle,
    // No cell where there is nothing, and a scale on which one slow request is seen.
    z: counts.map((row) => row.map((count) => (count ? Math.log2(1 + count) : null))),
    text: counts.map((row, at) => row.map((count) => `${count} · ${label(at)}`)),
    hovertemplate: "%{text}<extra></extra>",
    hoverongaps: false,
    showscale: false,
    xgap: 1,
    ygap: 1,
    colorscale: [
      [0, themeColor("selected")],
      [0.05, themeColor("selected")],
      [1, themeColor("accent")],
    ],
    zmin: 0,
  };
  const ticks = logTicks([low[0] || 1, high[high.length - 1]]);
  return react(
    node,
    [trace],
    {
      height: 240,
      range: range(series),
      yaxis: { type: "log", range: ticks.range, tickvals: ticks.values, ticktext: ticks.values.map(tickText) },
    },
    ({ pointIndex: [row, column] }) =>
      onPick({
        startMs: series.start_ms[column],
        endMs: series.start_ms[column] + series.step_ms,
        lowNano: low[row],
        highNano: high[row],
      }),
  );
}
