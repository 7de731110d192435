// What the critical path knows of one span's time, in a sentence.

import { formatDuration } from "./units.js";

export function slackText({ on, outside, slack }) {
  if (outside) return "Nobody waits for it: it holds nothing up.";
  if (on) return "On the critical path: what it takes longer, the trace takes longer.";
  if (!slack) return "Could not run longer without delaying the trace.";
  return `Could run ${formatDuration(slack)} longer without delaying the trace.`;
}
