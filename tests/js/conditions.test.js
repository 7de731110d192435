import assert from "node:assert/strict";
import { test } from "node:test";

import { conditionText, joined, keyText } from "../../static/js/lib/conditions.js";

test("numbers and booleans stand bare, text in quotes", () => {
  const text = (value, more = {}) => conditionText({ scope: "span", key: "a", operator: "=", value, ...more });
  assert.equal(text("500"), "span.a = 500");
  assert.equal(text("true"), "span.a = true");
  assert.equal(text("payment"), 'span.a = "payment"');
  assert.equal(text("500", { type: "string" }), 'span.a = "500"');
  assert.equal(text('say "hi"\\'), 'span.a = "say \\"hi\\"\\\\"');
  assert.equal(text("5..", { operator: "=~" }), 'span.a =~ "5.."');
  assert.equal(text("500", { operator: "=~" }), 'span.a =~ "500"');
});

test("exists and absent take no value", () => {
  assert.equal(conditionText({ key: "a", operator: "exists", value: "x" }), ".a exists");
});

test("an odd key is quoted", () => {
  assert.equal(keyText("event", "odd key"), 'event."odd key"');
  assert.equal(keyText("", "http.route"), ".http.route");
});

test("a condition is added with AND, around an OR go parentheses", () => {
  assert.equal(joined("  ", "b exists"), "b exists");
  assert.equal(joined("a = 1", "b exists"), "a = 1 AND b exists");
  assert.equal(joined("a = 1 OR c = 2", "b exists"), "(a = 1 OR c = 2) AND b exists");
  assert.equal(joined('a = "this or that"', "b exists"), 'a = "this or that" AND b exists');
});
