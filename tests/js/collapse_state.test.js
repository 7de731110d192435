import assert from "node:assert/strict";
import test from "node:test";

import { MAX_TOGGLED, paramsOf, parseRows, printRows, stateOf, toggle } from "../../static/js/lib/collapse-state.js";

test("rows are steps in base 36", () => {
  assert.equal(printRows(new Set([16, 5, 6])), "5.1.a");
  assert.deepEqual([...parseRows("5.1.a")], [5, 6, 16]);
  assert.deepEqual([...parseRows("")], []);
});

test("toggling twice is not toggling", () => {
  const state = stateOf({ level: "2", toggled: "" });
  assert.deepEqual(paramsOf(toggle(state, 7)), { level: "2", toggled: "7" });
  assert.deepEqual(paramsOf(toggle(toggle(state, 7), 7)), { level: "2", toggled: "" });
});

test("a state too large for an address is refused", () => {
  const toggled = new Set(Array.from({ length: MAX_TOGGLED }, (_, i) => i));
  assert.equal(toggle({ level: "", toggled }, MAX_TOGGLED), null);
  assert.ok(toggle({ level: "", toggled }, 0));
});
