process.env.TZ = "Europe/Berlin";

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromLocalInput, fromWallClock, toLocalInput, toWallClock } from "../../static/js/lib/instants.js";

const SUMMER = Date.parse("2026-07-01T12:00:00.250Z");

test("wall-clock text is of the person's zone, and leads back", () => {
  assert.equal(toWallClock(SUMMER, false), "2026-07-01T14:00:00.250");
  assert.equal(toWallClock(SUMMER, true), "2026-07-01T12:00:00.250");
  for (const utc of [true, false]) assert.equal(fromWallClock(toWallClock(SUMMER, utc), utc), SUMMER);
  assert.equal(fromWallClock("2026-07-01 14:00:00.2500", false), SUMMER);
  assert.equal(fromWallClock("2026-07-01", true), Date.parse("2026-07-01T00:00:00Z"));
});

test("a picker's text becomes UTC, and what is no time becomes empty", () => {
  assert.equal(fromLocalInput("2026-01-01T01:00", false), "2026-01-01T00:00:00.000Z");
  assert.equal(toLocalInput("2026-01-01T00:00:00Z", false), "2026-01-01T01:00:00.000");
  assert.equal(fromLocalInput("", true), "");
  assert.equal(toLocalInput("yesterday", true), "");
});
