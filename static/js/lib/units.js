// Durations, counts and instants as text. Pure; nanoseconds come as Number or BigInt.

const STEPS = [
  [3_600e9, "h"],
  [60e9, "m"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

// Three significant digits at most: 2.07 s, 612 ms, 9.4 µs; minutes as 3m 20s.
export function formatDuration(nano) {
  const value = Number(nano);
  if (value < 0) return `−${formatDuration(-value)}`;
  if (value >= 59.95e9) return formatLong(Math.round(value / 1e9));
  const step = STEPS.slice(2).find(([size]) => roundedTo3(value / size) >= 1);
  return step ? `${digits3(value / step[0])} ${step[1]}` : `${Math.round(value)} ns`;
}

function formatLong(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours) return `${grouped(hours)}h ${minutes}m`;
  return `${minutes}m ${seconds % 60}s`;
}

const roundedTo3 = (value) => Number(value.toPrecision(3));

function digits3(value) {
  if (roundedTo3(value) >= 100) return value.toFixed(0);
  if (roundedTo3(value) >= 10) return trimmed(value.toFixed(1));
  return value.toFixed(2);
}

const trimmed = (text) => text.replace(/\.0$/, "");

const SIZES = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

// Nanoseconds of "10ms", "1.5s", "200us"; a plain number is milliseconds; else null.
export function parseDuration(text) {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|μs|ms|s|m|h)?\s*$/i.exec(text);
  if (!match) return null;
  return Math.round(Number(match[1]) * SIZES[(match[2] ?? "ms").toLowerCase()]);
}

const FIELD_UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "us"],
  [1, "ns"],
];

// Text for a field that `parseDuration` reads: 21.4ms, of three digits, rounded by
// Math.floor for a lower bound and Math.ceil for an upper one.
export function durationField(nano, round = Math.round) {
  const whole = Math.max(0, round(nano));
  const step = 10 ** Math.max(0, String(whole).length - 3);
  const rounded = round(whole / step) * step;
  const [size, unit] = FIELD_UNITS.find(([unitSize]) => rounded >= unitSize) ?? [1, "ns"];
  return `${Number((rounded / size).toPrecision(12))}${unit}`;
}

export function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

// 256 MiB, 1.5 GiB, 900 bytes.
export function formatSize(byteCount) {
  const steps = byteCount < 1 ? 0 : Math.floor(Math.log2(byteCount) / 10);
  const step = Math.min(steps, BYTE_UNITS.length - 1);
  return `${(byteCount / 1024 ** step).toFixed(1).replace(".0", "")} ${BYTE_UNITS[step]}`;
}

const pad = (value, width = 2) => String(value).padStart(width, "0");

// format: "short" (the day only when it is not today), "time", "date-time", all to the
// millisecond, "minute" (as short, of what is known to the minute), or "full" (nanoseconds
// and the zone). `today` is for tests.
export function formatInstant(nano, { utc = true, format = "short", today = new Date() } = {}) {
  const whole = BigInt(nano);
  const parts = partsOf(new Date(Number(whole / 1_000_000n)), utc);
  const time = `${parts.time}.${parts.ms}`;
  if (format === "full") {
    return `${parts.date} ${parts.time}.${pad(whole % 1_000_000_000n, 9)} ${parts.zone}`;
  }
  if (format === "time") return time;
  if (format === "date-time") return `${parts.date} ${time}`;
  const day = dayUnlessToday(parts.date, partsOf(today, utc).date);
  if (format === "minute") return `${day} ${parts.time.slice(0, 5)}`.trim();
  return day ? `${day} ${parts.time}` : time;
}

function dayUnlessToday(date, today) {
  if (date === today) return "";
  return date.slice(0, 4) === today.slice(0, 4) ? date.slice(5) : date;
}

function partsOf(date, utc) {
  const shifted = utc ? date : new Date(date - date.getTimezoneOffset() * 60_000);
  const [day, time] = shifted.toISOString().split("T");
  const zone = utc ? "UTC" : offsetName(-date.getTimezoneOffset());
  return { date: day, time: time.slice(0, 8), ms: time.slice(9, 12), zone };
}

function offsetName(minutes) {
  const sign = minutes < 0 ? "−" : "+";
  const size = Math.abs(minutes);
  return `UTC${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
