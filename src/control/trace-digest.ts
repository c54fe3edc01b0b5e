/** Two 32-bit numbers that stand for many: a bit that differs anywhere makes other ones. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

/** Of FNV-1a, and of another hash of its kind: their errors have nothing in common. */
const LOW_SEED = 0x811c9dc5;
const LOW_FACTOR = 0x01000193;
const HIGH_SEED = 0x9e3779b9;
const HIGH_FACTOR = 0x85ebca6b;
/** What NaN counts as: it has more than one bit pattern. */
const NAN_WORD = 0x7ff80000;

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);

/** The digest of a column: −0 is not 0, and one NaN is like the other. */
export function digestOf(column: Float64Array): Digest {
  let low = LOW_SEED;
  let high = HIGH_SEED;
  for (const value of column) {
    number[0] = value;
    const isNaN = Number.isNaN(value);
    const first = isNaN ? 0 : (words[0] ?? 0);
    const second = isNaN ? NAN_WORD : (words[1] ?? 0);
    low = Math.imul(low ^ first, LOW_FACTOR);
    low = Math.imul(low ^ second, LOW_FACTOR);
    high = Math.imul(high ^ second, HIGH_FACTOR);
    high = Math.imul((high >>> 15) ^ high ^ first, HIGH_FACTOR);
  }
  return { low: low >>> 0, high: high >>> 0 };
}
