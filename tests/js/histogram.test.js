import assert from "node:assert/strict";
import { test } from "node:test";

import { logHistogram } from "../../static/js/lib/histogram.js";
import { logTicks, tickText } from "../../static/js/lib/ticks.js";

const sum = (bins) => bins.reduce((total, bin) => total + bin.count, 0);

test("every duration falls into one bucket, the ends included", () => {
  const durations = [1e6, 2e6, 5e6, 1e7, 1e8, 1e9];
  const bins = logHistogram(durations);
  assert.equal(sum(bins), durations.length);
  assert.equal(bins[0].low, 1e6);
  assert.equal(bins.at(-1).high, 1e9);
  assert.ok(bins[0].count >= 1 && bins.at(-1).count >= 1);
});

test("buckets follow each other without a gap", () => {
  const bins = logHistogram([3, 70_000, 12e9]);
  for (let i = 1; i < bins.length; i += 1) assert.equal(bins[i].low, bins[i - 1].high);
});

test("equal, zero and negative durations are counted; none is no histogram", () => {
  assert.equal(sum(logHistogram([5e6, 5e6])), 2);
  assert.equal(sum(logHistogram([0, -5, 10])), 3);
  assert.deepEqual(logHistogram([]), []);
});

test("ticks are round, inside the range, and never fewer than two", () => {
  for (const durations of [[1e6, 1e9], [120e6, 130e6], [1], [], [5e3, 7200e9]]) {
    const { values, range } = logTicks(durations);
    assert.ok(values.length >= 2, `${durations}: ${values}`);
    for (const value of values) {
      assert.ok(Math.log10(value) >= range[0] && Math.log10(value) <= range[1]);
    }
  }
  assert.equal(tickText(1e9), "1 s");
  assert.equal(tickText(5e7), "50 ms");
});
