// The colour number of a service: FNV-1a over its name, folded, modulo the palette.
// traces/pages/colors.py computes the same number; base.css holds the colours.

export const PALETTE_SIZE = 12;
// Chosen so that the services of the demo differ from each other.
const OFFSET_BASIS = 2166136261 ^ 1318;
const PRIME = 16777619;

export function serviceColorNumber(name) {
  let hash = OFFSET_BASIS;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, PRIME);
  }
  return ((hash ^ (hash >>> 15)) >>> 0) % PALETTE_SIZE;
}

export const serviceClass = (name) => `svc-${serviceColorNumber(name)}`;
