// The search page: the form is the state; the plot and the builder write into it.

import { complete, fetchJson } from "../completion.js";
import { clear, drawScatter } from "../plot.js";
import { conditionText, joined, SCOPES } from "../lib/conditions.js";
import { fromLocalInput, toLocalInput } from "../lib/instants.js";
import { logHistogram } from "../lib/histogram.js";
import { durationField, formatDuration, grouped } from "../lib/units.js";
import { isUtc } from "../preferences.js";

const form = document.getElementById("search-form");
const field = (name) => form.elements.namedItem(name);
const byId = (id) => document.getElementById(id);

function submit() {
  form.requestSubmit();
}

// A URL says only what was asked: no empty fields, no defaults.
const DEFAULTS = { range: "1h", sort: "newest", limit: "20" };

function leaveOutDefaults(event) {
  if (event.detail.elt !== form) return;
  const given = event.detail.formData;
  const custom = given.get("range") === "custom";
  for (const [name, value] of [...given.entries()]) {
    const instant = name === "from" || name === "to";
    if (value === "" || DEFAULTS[name] === value || (instant && !custom)) given.delete(name);
  }
}

// Time range.

function showCustomRange() {
  byId("custom-range").hidden = field("range").value !== "custom";
}

function chooseRange() {
  showCustomRange();
  if (field("range").value !== "custom") return submit();
  const nano = BigInt(Date.now()) * 1_000_000n;
  if (!field("from").value) setInstant("from", nano - 3_600_000_000_000n);
  if (!field("to").value) setInstant("to", nano);
}

function setInstant(name, nano) {
  const text = new Date(Number(nano / 1_000_000n)).toISOString();
  field(name).value = text;
  showPicker(field(name));
}

// Each text field in UTC gets a picker in the zone of the person's choice beside it.
function addPicker(input) {
  const picker = document.createElement("input");
  picker.type = "datetime-local";
  picker.step = "0.001";
  picker.className = "box";
  picker.setAttribute("aria-label", input.name === "from" ? "From" : "To");
  picker.addEventListener("change", () => {
    input.value = fromLocalInput(picker.value, isUtc());
  });
  input.hidden = true;
  input.after(picker);
  showPicker(input);
}

function showPicker(input) {
  const picker = input.nextElementSibling;
  if (picker) picker.value = toLocalInput(input.value, isUtc());
}

function showZone() {
  for (const input of form.querySelectorAll("[data-instant]")) showPicker(input);
  for (const node of form.querySelectorAll(".zone-name")) {
    node.textContent = isUtc() ? "UTC" : "local time";
  }
}

// Completion.

function timeParams() {
  const params = new URLSearchParams();
  for (const name of ["range", "from", "to"]) {
    const value = field(name).value;
    const instant = name !== "range";
    if (value && !(instant && field("range").value !== "custom")) params.set(name, value);
  }
  return params;
}

function urlWith(url, extra) {
  const params = timeParams();
  for (const [name, value] of Object.entries(extra)) if (value) params.set(name, value);
  return `${url}?${params}`;
}

function chosenService() {
  const chosen = form.querySelectorAll('input[name="service"]:checked');
  return chosen.length === 1 ? chosen[0].value : "";
}

function spanNamesUrl() {
  return urlWith(form.dataset.spanNamesUrl, { service: chosenService() });
}

// "resource.host.name" is the key host.name of the resource.
function splitKey(text) {
  const scope = SCOPES.find((name) => text.startsWith(`${name}.`)) ?? "";
  return { scope, key: scope ? text.slice(scope.length + 1) : text };
}

const valueTypes = new Map();

function readValues({ values }) {
  valueTypes.clear();
  for (const { type, value } of values) valueTypes.set(value, type);
  return values.map(({ value }) => value);
}

function startCompletion() {
  complete(field("name"), spanNamesUrl, ({ names }) => names);
  complete(
    byId("builder-key"),
    (text) => urlWith(form.dataset.attributeKeysUrl, { prefix: splitKey(text).key }),
    ({ keys }) => keys.map(({ scope, key }) => `${scope}.${key}`),
  );
  complete(
    byId("builder-value"),
    (prefix) => {
      const { scope, key } = splitKey(byId("builder-key").value.trim());
      return key ? urlWith(form.dataset.attributeValuesUrl, { key, scope, prefix }) : null;
    },
    readValues,
  );
}

// The row that adds one condition.

function showValueField() {
  const alone = ["exists", "absent"].includes(byId("builder-operator").value);
  byId("builder-value").disabled = alone;
}

function addCondition() {
  const { scope, key } = splitKey(byId("builder-key").value.trim());
  if (!key) return byId("builder-key").focus();
  const value = byId("builder-value").value;
  const operator = byId("builder-operator").value;
  const type = valueTypes.get(value);
  const condition = conditionText({ scope, key, operator, value, type });
  field("where").value = joined(field("where").value, condition);
  byId("builder-key").value = byId("builder-value").value = "";
  submit();
}

function submitBuilderOnEnter(event) {
  if (event.key !== "Enter" || !event.target.closest(".builder input")) return;
  event.preventDefault();
  addCondition();
}

// Choosing something searches at once; typed text waits for Enter or the button.
function searchOnChoice(event) {
  const { target } = event;
  if (target.id === "range") return chooseRange();
  if (target.closest(".builder")) return showValueField();
  if (target.type === "checkbox" || target.matches("#sort, #limit")) submit();
}

// The plot and the histogram, from the points of the last search.

function openTrace(node, traceId, event) {
  const url = node.dataset.traceUrl.replace("0".repeat(32), traceId);
  if (event.ctrlKey || event.metaKey) window.open(url, "_blank", "noopener");
  else window.location.assign(url);
}

// What a brush has left out is what its traces differ from: the link says until when.

let wider = null; // the time range that was narrowed, and to which

function offerRest() {
  const link = byId("what-differs");
  if (!link || !wider) return;
  if (wider.to !== field("to").value || wider.from !== field("from").value) {
    wider = null;
    return;
  }
  const url = new URL(link.href);
  url.searchParams.set("rest_from", wider.restFrom);
  url.searchParams.set("rest_to", wider.restTo);
  link.href = url;
}

function rememberRest(windowMs) {
  const [restFrom, restTo] = windowMs.map((ms) => new Date(ms).toISOString());
  wider = { restFrom, restTo, from: field("from").value, to: field("to").value };
}

function narrow({ startMs, endMs, minNano, maxNano }) {
  const windowMs = latest?.answer.window_ms;
  field("range").value = "custom";
  field("from").value = new Date(Math.floor(startMs)).toISOString();
  field("to").value = new Date(Math.ceil(endMs)).toISOString();
  setDurations(minNano, maxNano);
  if (windowMs?.every((ms) => ms < 8.64e15)) rememberRest(windowMs);
  showCustomRange();
  showZone();
  submit();
}

function setDurations(minNano, maxNano) {
  field("min_duration").value = durationField(minNano, Math.floor);
  field("max_duration").value = durationField(maxNano, Math.ceil);
}

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function histogramBar(bin, index, tallest) {
  const height = bin.count ? Math.max(1.5, (bin.count / tallest) * 44) : 0;
  const bar = svg("rect", { x: index * 12, y: 44 - height, width: 10.5, height, rx: 1 });
  const title = svg("title", {});
  title.textContent = `${grouped(bin.count)} × ${formatDuration(bin.low)} – ${formatDuration(bin.high)}`;
  const area = svg("rect", { x: index * 12, y: 0, width: 12, height: 44, class: "area" });
  area.append(title);
  area.addEventListener("click", () => {
    setDurations(bin.low, bin.high);
    submit();
  });
  return [bar, area];
}

function drawHistogram(durations) {
  const node = byId("duration-histogram");
  const bins = logHistogram(durations);
  node.hidden = bins.length === 0;
  if (node.hidden) return;
  const tallest = Math.max(...bins.map((bin) => bin.count));
  const chart = svg("svg", { viewBox: "0 0 216 44", role: "img", "aria-label": "Traces by duration" });
  chart.append(...bins.flatMap((bin, index) => histogramBar(bin, index, tallest)));
  const ends = document.createElement("p");
  ends.textContent = `${formatDuration(bins[0].low)} – ${formatDuration(bins.at(-1).high)}`;
  node.replaceChildren(chart, ends);
}

let latest = null; // the answer last drawn, to draw again in other colours
let asked = null; // the node whose points were asked for: a swap tells of itself often

async function drawPoints() {
  const node = byId("scatter-plot");
  if (!node || node.closest("[hidden]")) return drawHistogram([]);
  if (node === asked) return;
  asked = node;
  try {
    const answer = await fetchJson(node.dataset.pointsUrl);
    if (!node.isConnected) return; // another search came in between
    latest = { node, answer };
    await redraw();
  } catch {
    byId("scatter-note").textContent = "The plot could not be drawn; the table below holds.";
  }
}

async function redraw() {
  if (!latest?.node.isConnected) return;
  const { node, answer } = latest;
  const { points, matched } = answer;
  drawHistogram(points.duration_nano);
  const drawn = points.trace_id.length;
  byId("scatter-note").textContent =
    drawn < matched ? `${grouped(drawn)} of ${grouped(matched)} traces drawn` : "";
  await drawScatter(node, answer, {
    onPick: (traceId, event) => openTrace(node, traceId, event),
    onBrush: narrow,
  });
}

function sayCount() {
  const matched = byId("matched");
  if (matched) byId("announcer").textContent = matched.textContent;
}

function start() {
  document.addEventListener("htmx:configRequest", leaveOutDefaults);
  form.addEventListener("change", searchOnChoice);
  form.addEventListener("keydown", submitBuilderOnEnter);
  byId("builder-add").addEventListener("click", addCondition);
  byId("builder").hidden = false;
  for (const input of form.querySelectorAll("[data-instant]")) addPicker(input);
  showZone();
  startCompletion();
  document.addEventListener("zone-change", () => (showZone(), redraw()));
  document.addEventListener("theme-change", redraw);
  document.addEventListener("htmx:beforeCleanupElement", ({ target }) => {
    if (target.id === "scatter-plot") clear(target);
  });
  // Not after the swap: settling takes away the class that Plotly gives its node.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id !== "results") return;
    drawPoints();
    sayCount();
    offerRest();
  });
  drawPoints();
}

start();
