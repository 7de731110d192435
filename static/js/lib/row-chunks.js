// Rows in chunks of a fixed size, the least recently used dropped first. Pure.

export const CHUNK = 100;
const MAX_CHUNKS = 60;

export class RowChunks {
  constructor() {
    this.chunks = new Map();
  }

  clear() {
    this.chunks.clear();
  }

  row(place) {
    return this.chunks.get(Math.floor(place / CHUNK))?.[place % CHUNK];
  }

  // `from` must be a multiple of CHUNK.
  put(from, rows) {
    for (let at = 0; at < rows.length; at += CHUNK) {
      const number = (from + at) / CHUNK;
      this.chunks.delete(number);
      this.chunks.set(number, rows.slice(at, at + CHUNK));
    }
    for (const number of this.chunks.keys()) {
      if (this.chunks.size <= MAX_CHUNKS) break;
      this.chunks.delete(number);
    }
  }

  // Chunk numbers that cover rows [first, last) and are not held.
  missing(first, last) {
    const numbers = [];
    for (let n = Math.floor(first / CHUNK); n * CHUNK < last; n++) {
      if (this.chunks.has(n)) this.#touch(n);
      else numbers.push(n);
    }
    return numbers;
  }

  #touch(number) {
    const rows = this.chunks.get(number);
    this.chunks.delete(number);
    this.chunks.set(number, rows);
  }
}
