import assert from "node:assert/strict";
import { test } from "node:test";

import { durationField, formatDuration, formatInstant, formatSize, grouped, parseDuration } from "../../static/js/lib/units.js";

test("a duration is read at a glance, as the server writes it", () => {
  const expected = [
    [0, "0 ns"], [999, "999 ns"], [9_400, "9.40 µs"], [28_000_000, "28 ms"],
    [28_400_000, "28.4 ms"], [999_600_000, "1.00 s"], [2_070_000_000, "2.07 s"],
    [200_000_000_000, "3m 20s"], [7_260_000_000_000, "2h 1m"], [-5_000_000, "−5.00 ms"],
  ];
  for (const [nano, text] of expected) assert.equal(formatDuration(nano), text);
  assert.equal(formatDuration(2_070_000_000n), "2.07 s");
});

test("a typed duration is nanoseconds, a plain number milliseconds", () => {
  assert.equal(parseDuration("1.5s"), 1_500_000_000);
  assert.equal(parseDuration("200us"), 200_000);
  assert.equal(parseDuration("200 µs"), 200_000);
  assert.equal(parseDuration("15"), 15_000_000);
  for (const text of ["", "soon", "-1ms", "1 1"]) assert.equal(parseDuration(text), null);
});

test("bounds for a field round outward and read back", () => {
  assert.equal(durationField(21_404_341, Math.floor), "21.4ms");
  assert.equal(durationField(2_874_817_045, Math.ceil), "2.88s");
  assert.equal(durationField(0, Math.floor), "0ns");
  for (const nano of [7, 999, 1_001, 123_456, 5_432_109_876, 86_400e9]) {
    assert.ok(parseDuration(durationField(nano, Math.floor)) <= nano);
    assert.ok(parseDuration(durationField(nano, Math.ceil)) >= nano);
  }
});

test("an instant keeps its nanoseconds and leaves the day out only today", () => {
  const nano = 1_790_000_000_123_456_789n;
  const today = new Date("2026-09-21T20:00:00Z");
  assert.equal(formatInstant(nano, { format: "full" }), "2026-09-21 14:13:20.123456789 UTC");
  assert.equal(formatInstant(nano, { format: "short", today }), "14:13:20.123");
  assert.equal(formatInstant(nano, { format: "minute", today }), "14:13");
  const tomorrow = new Date("2026-09-22T20:00:00Z");
  assert.equal(formatInstant(nano, { format: "minute", today: tomorrow }), "09-21 14:13");
  assert.equal(formatInstant(nano, { format: "short", today: tomorrow }), "09-21 14:13:20");
  const later = new Date("2027-01-01T00:00:00Z");
  assert.equal(formatInstant(nano, { format: "short", today: later }), "2026-09-21 14:13:20");
});

test("counts are grouped by thousands", () => {
  assert.equal(grouped(1234567), "1,234,567");
  assert.equal(grouped(999), "999");
});

test("a size has the unit that makes it short, as the server writes it", () => {
  const expected = [
    [0, "0 bytes"], [900, "900 bytes"], [1536, "1.5 KiB"], [268_435_456, "256 MiB"],
    [1024 ** 3, "1 GiB"], [3 * 1024 ** 5, "3072 TiB"],
  ];
  for (const [bytes, text] of expected) assert.equal(formatSize(bytes), text);
});
