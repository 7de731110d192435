import assert from "node:assert/strict";
import test from "node:test";

import {
  axisTicks,
  barLayout,
  brushedZoom,
  clampZoom,
  indent,
  isWhole,
  parseZoom,
  printZoom,
  rowsInSight,
  scaleZoom,
  wholeTrace,
  zoomAround,
} from "../../static/js/lib/waterfall-layout.js";

const zoom = { from: 0, to: 1000 };

test("only the rows in sight and a few more are held", () => {
  assert.deepEqual(rowsInSight(2600, 260, 100_000, 2), { first: 98, last: 112 });
});

test("rows in sight stay within the trace", () => {
  assert.deepEqual(rowsInSight(0, 260, 3), { first: 0, last: 3 });
  assert.deepEqual(rowsInSight(9e9, 260, 50), { first: 50, last: 50 });
});

test("a wide bar holds its label", () => {
  assert.deepEqual(barLayout(0, 500, zoom, 800, 6), { x: 0, size: 400, label: "inside", labelX: 400 });
});

test("a narrow bar has its label after it, or before it at the right edge", () => {
  assert.equal(barLayout(10, 20, zoom, 800, 6).label, "after");
  assert.equal(barLayout(980, 990, zoom, 800, 6).label, "before");
});

test("an instant is still drawn", () => {
  const at = barLayout(1000, 1000, zoom, 800, 6);
  assert.deepEqual([at.x, at.size], [798, 2]);
});

test("a bar out of the zoom is not drawn", () => {
  assert.equal(barLayout(10, 20, { from: 500, to: 600 }, 800, 6), null);
  assert.equal(barLayout(700, 720, { from: 500, to: 600 }, 800, 6), null);
});

test("a bar wider than the zoom fills the column", () => {
  const at = barLayout(0, 1000, { from: 500, to: 510 }, 800, 6);
  assert.deepEqual([at.x, at.size], [0, 800]);
});

test("indents stop growing", () => {
  assert.equal(indent(2), 32);
  assert.equal(indent(99_999), indent(50));
  assert.ok(indent(99_999) < 200);
});

test("zooming in and out about the middle comes back", () => {
  const closer = scaleZoom(zoom, 0.5, 1000);
  assert.deepEqual(closer, { from: 250, to: 750 });
  assert.ok(isWhole(scaleZoom(closer, 2, 1000), 1000));
});

test("a zoom stays within the trace and never vanishes", () => {
  assert.deepEqual(clampZoom({ from: -50, to: 50 }, 1000), { from: 0, to: 100 });
  assert.deepEqual(clampZoom({ from: 950, to: 1050 }, 1000), { from: 900, to: 1000 });
  assert.equal(clampZoom({ from: 5, to: 5 }, 1000).to, 15);
  assert.deepEqual(clampZoom({ from: 0, to: 9 }, 3), { from: 0, to: 3 });
});

test("a brush works in both directions", () => {
  assert.deepEqual(brushedZoom(0.8, 0.2, 1000), { from: 200, to: 800 });
  assert.deepEqual(brushedZoom(-1, 2, 1000), wholeTrace(1000));
});

test("a span is shown with a little room around it", () => {
  const around = zoomAround(400, 500, 1000);
  assert.deepEqual(around, { from: 395, to: 505 });
});

test("a zoom survives the address", () => {
  assert.deepEqual(parseZoom(printZoom({ from: 200, to: 800 }), 1000), { from: 200, to: 800 });
  for (const bad of [null, "", "5", "8-5", "-1-5", "a-b", "5-5"]) assert.equal(parseZoom(bad, 1000), null);
});

test("ticks divide what is seen", () => {
  assert.deepEqual(axisTicks({ from: 100, to: 600 }).map((tick) => tick.nano), [100, 200, 300, 400, 500]);
});
