import assert from "node:assert/strict";
import test from "node:test";

import { CHUNK, RowChunks } from "../../static/js/lib/row-chunks.js";

const rows = (from, count) => Array.from({ length: count }, (_, i) => ({ row: from + i }));

test("rows are found by their place", () => {
  const chunks = new RowChunks();
  chunks.put(CHUNK, rows(CHUNK, 150));
  assert.equal(chunks.row(CHUNK + 149).row, CHUNK + 149);
  assert.equal(chunks.row(CHUNK + 150), undefined);
  assert.equal(chunks.row(0), undefined);
});

test("what is missing is told by chunk", () => {
  const chunks = new RowChunks();
  chunks.put(0, rows(0, CHUNK));
  assert.deepEqual(chunks.missing(CHUNK - 1, 3 * CHUNK), [1, 2]);
  assert.deepEqual(chunks.missing(0, CHUNK), []);
});

test("what was looked at longest ago goes first", () => {
  const chunks = new RowChunks();
  chunks.put(0, rows(0, CHUNK));
  chunks.put(CHUNK, rows(CHUNK, CHUNK));
  for (let n = 2; n < 61; n++) {
    chunks.missing(0, 1);
    chunks.put(n * CHUNK, rows(n * CHUNK, CHUNK));
  }
  assert.ok(chunks.row(0));
  assert.equal(chunks.row(CHUNK), undefined);
});
