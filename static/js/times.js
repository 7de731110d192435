// <time data-nano="…" data-format="time|date-time"> shown in the chosen zone.

import { formatInstant } from "./lib/units.js";
import { isUtc } from "./preferences.js";

export function showTimes(root) {
  const utc = isUtc();
  for (const node of root.querySelectorAll("time[data-nano]")) {
    const nano = BigInt(node.dataset.nano);
    node.textContent = formatInstant(nano, { utc, format: node.dataset.format });
    node.title = formatInstant(nano, { utc, format: "full" });
  }
}
