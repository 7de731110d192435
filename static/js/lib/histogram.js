// A histogram over buckets of equal ratio: durations spread over powers of ten. Pure.

import { extent } from "./ticks.js";

export const BUCKETS = 18;

// [{ low, high, count }], low inclusive, high exclusive but for the last; nanoseconds.
export function logHistogram(durations, buckets = BUCKETS) {
  if (!durations.length) return [];
  const [least, most] = extent(durations);
  const ratio = Math.max(Math.log(most / least) / buckets, 1e-9);
  const edge = (i) => Math.round(least * Math.exp(ratio * i));
  const bins = Array.from({ length: buckets }, (_, i) => ({
    low: i === 0 ? least : edge(i),
    high: i === buckets - 1 ? most : edge(i + 1),
    count: 0,
  }));
  for (const nano of durations) {
    const place = Math.floor(Math.log(Math.max(1, nano) / least) / ratio);
    bins[Math.min(buckets - 1, Math.max(0, place))].count += 1;
  }
  return bins;
}
