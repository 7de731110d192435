// Ticks of a logarithmic axis of durations: round numbers of nanoseconds. Pure.

import { formatDuration } from "./units.js";

const ROUND = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 60e9, 600e9, 3600e9, 36000e9, 360000e9];
const PADDING = 0.12; // of a power of ten, so that no point sits on the edge

// 1 s where a duration reads 1.00 s.
export const tickText = (nano) => formatDuration(nano).replace(/\.0+(?= )/, "");

// { values: tick positions, range: [low, high] as powers of ten }.
export function logTicks(durations) {
  const [least, most] = extent(durations);
  let [low, high] = [Math.log10(least), Math.log10(most)];
  if (high - low < 1) {
    const middle = (high + low) / 2;
    [low, high] = [middle - 0.5, middle + 0.5];
  }
  const range = [low - PADDING, high + PADDING];
  const inside = ROUND.filter((v) => within(Math.log10(v), range));
  return { values: inside.length > 1 ? inside : withHalves(range), range };
}

const within = (value, [low, high]) => value >= low && value <= high;

// A narrow axis needs 2 and 5 times the powers of ten as well.
function withHalves(range) {
  const powers = Array.from({ length: 16 }, (_, power) => 10 ** power);
  const all = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  return all.filter((value) => within(Math.log10(value), range));
}

export function extent(durations) {
  let [least, most] = [Infinity, 1];
  for (const nano of durations) {
    const value = Math.max(1, nano);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [Math.min(least, most), most];
}
