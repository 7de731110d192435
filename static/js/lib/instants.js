// Between instants in UTC and wall-clock text in the zone of the person. Pure.

const offsetMs = (date) => date.getTimezoneOffset() * 60_000;

// Milliseconds to "2026-11-22T14:03:07.412" and back; NaN where the text is no time.
export function toWallClock(ms, utc) {
  const date = new Date(ms);
  const shifted = utc ? date : new Date(date.getTime() - offsetMs(date));
  return shifted.toISOString().slice(0, 23);
}

export function fromWallClock(text, utc) {
  const iso = text.replace(" ", "T");
  const dayAlone = iso.length === 10 ? `${iso}T00:00` : iso;
  return new Date(utc ? `${dayAlone}Z` : dayAlone).getTime();
}

// The same for the texts of <input type="datetime-local">; "" where there is no time.
export function toLocalInput(iso, utc) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? "" : toWallClock(date.getTime(), utc);
}

export function fromLocalInput(text, utc) {
  const ms = fromWallClock(text, utc);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}
