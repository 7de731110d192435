import assert from "node:assert/strict";
import test from "node:test";

import { slackText } from "../../static/js/lib/slack-text.js";

test("slack is told as how much longer a span could run", () => {
  const text = slackText({ on: false, outside: false, slack: 35_000_000 });
  assert.equal(text, "Could run 35 ms longer without delaying the trace.");
});

test("on the path, beside a twin as long, and outside there is none to tell", () => {
  assert.match(slackText({ on: true, outside: false, slack: 0 }), /^On the critical path/);
  assert.match(slackText({ on: false, outside: false, slack: 0 }), /^Could not run longer/);
  assert.match(slackText({ on: false, outside: true, slack: -1 }), /^Nobody waits/);
});
