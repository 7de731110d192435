// One condition of the filter box as text, from what a person picked. Pure.

const PLAIN_KEY = /^[A-Za-z0-9_][A-Za-z0-9_.:/@-]*$/;
const BARE_VALUE = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^(true|false)$/i;
const ALONE = new Set(["exists", "absent"]);
const PATTERNS = new Set(["=~", "!~"]);
export const SCOPES = ["span", "resource", "event", "instrumentation"];

const ESCAPES = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

export const quoted = (text) =>
  `"${text.replace(/[\\"\n\r\t\0]/g, (character) => ESCAPES[character])}"`;

// `scope` is one of SCOPES or "" for span and resource alike.
export function keyText(scope, key) {
  return `${scope}.${PLAIN_KEY.test(key) ? key : quoted(key)}`;
}

// `type` is what the server said the value is; without it numbers are numbers.
export function conditionText({ scope = "", key, operator, value = "", type = null }) {
  const subject = keyText(scope, key);
  if (ALONE.has(operator)) return `${subject} ${operator}`;
  const bare = type ? type !== "string" : BARE_VALUE.test(value);
  const text = bare && !PATTERNS.has(operator) ? value : quoted(value);
  return `${subject} ${operator} ${text}`;
}

// Both must hold; an OR in what is already there needs parentheses.
export function joined(before, condition) {
  const text = before.trim();
  if (!text) return condition;
  const alternatives = /\bor\b|\|\|/i.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""));
  return `${alternatives ? `(${text})` : text} AND ${condition}`;
}
