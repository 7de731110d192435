// The operation page: its charts, and the traces behind a cell of the heatmap.

import { fetchJson } from "../completion.js";
import { drawHeatmap, drawPercentiles, drawThroughput } from "../series_plots.js";
import "./operations.js";

const charts = document.getElementById("charts");
const byId = (id) => document.getElementById(id);

const whole = (nano) => `${Math.round(nano)}ns`;
const instant = (ms) => new Date(ms).toISOString();

// Half open where the heatmap's cells are half closed: a search is in whole nanoseconds.
function searchOf({ startMs, endMs, lowNano, highNano }) {
  const { searchUrl, service, name, kind } = charts.dataset;
  const fields = {
    ...(service ? { service } : { where: 'service = ""' }),
    ...(name ? { name } : {}),
    kind,
    min_span_duration: whole(lowNano),
    max_span_duration: whole(highNano),
    range: "custom",
    from: instant(startMs),
    to: instant(endMs),
  };
  return `${searchUrl}?${new URLSearchParams(fields)}`;
}

let series = null;

async function draw() {
  if (!series) return;
  await drawPercentiles(byId("percentiles"), series);
  await drawHeatmap(byId("heatmap"), series, (cell) => location.assign(searchOf(cell)));
  await drawThroughput(byId("throughput"), series);
  charts.dataset.drawn = series.start_ms.length;
}

async function load() {
  try {
    series = await fetchJson(`${charts.dataset.seriesUrl}${location.search}`);
    await draw();
  } catch {
    byId("charts-error").hidden = false;
  }
}

if (charts) {
  load();
  document.addEventListener("theme-change", draw);
  document.addEventListener("zone-change", draw);
}
