// Which rows are open: a level and the rows that are the other way round. The same
// text form as traces/pages/collapse.py: steps between rows in base 36. Pure.

export const MAX_TOGGLED = 2000;

export function parseRows(text) {
  const rows = new Set();
  let row = 0;
  for (const step of text ? text.split(".") : []) {
    row += parseInt(step, 36);
    rows.add(row);
  }
  return rows;
}

export function printRows(rows) {
  const sorted = [...rows].sort((a, b) => a - b);
  return sorted.map((row, i) => (row - (sorted[i - 1] ?? 0)).toString(36)).join(".");
}

// A new state with one row the other way round; null when there are too many already.
export function toggle(state, row) {
  const toggled = new Set(state.toggled);
  if (!toggled.delete(row)) toggled.add(row);
  return toggled.size > MAX_TOGGLED ? null : { level: state.level, toggled };
}

export const stateOf = ({ level, toggled }) => ({ level, toggled: parseRows(toggled) });
export const paramsOf = ({ level, toggled }) => ({ level, toggled: printRows(toggled) });
