import { assert } from "./assert.ts";
import type { StreamId } from "./point.ts";
import type { QualityCode } from "./quality.ts";
import type { MonotonicMs, UtcMs } from "./time.ts";

/**
 * What one poll, report or notification burst of one device brought: columns of equal length.
 *
 * Whoever receives one may read the arrays until it returns and keeps none of them: the giver fills
 * them again for the next reading.
 */
export interface Reading {
  /** Places in the site's point table. */
  readonly points: Uint32Array;
  /** In the canonical unit of each point; NaN when quality is bad, and for texts. */
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  /**
   * When the device measured, UTC ms, where it differs from `receivedUtc`; for a value that is bad
   * or stale: when it was last good; NaN where not known. Undefined: all equal `receivedUtc`.
   */
  readonly sourceTimes: Float64Array | undefined;
  /**
   * By position in the columns: texts; whole numbers beyond 2^53, in decimal; the raw code, in
   * decimal, of a state that is bad/unknown-code.
   */
  readonly texts: ReadonlyMap<number, string> | undefined;
  readonly receivedAt: MonotonicMs;
  readonly receivedUtc: UtcMs;
  /**
   * True: it tells of the past, out of the device's own buffer. It is stored and goes north, and
   * nothing is judged or controlled by it.
   */
  readonly isHistory?: true;
}

/** A reading with its identity. Epoch (of the producer), stream and seq name it for ever. */
export interface Round extends Reading {
  readonly stream: StreamId;
  /** Gap-free per stream within one epoch of the producer; the first is 1. */
  readonly seq: number;
}

/** A point's value while a round is being made. */
export interface RoundColumns {
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  readonly texts: Map<number, string>;
}

/** The value at a position that the columns have. */
export function valueAt({ values }: RoundColumns, at: number): number {
  const value = values[at];
  assert(value !== undefined, "a position beyond the end of its columns");
  return value;
}

/** The quality at a position that the columns have. */
export function qualityAt({ quality }: RoundColumns, at: number): QualityCode {
  const code = quality[at];
  assert(code !== undefined, "a position beyond the end of its columns");
  return code;
}

/** Marks position `at` as having no value. */
export function setBad(columns: RoundColumns, at: number, quality: QualityCode): void {
  columns.values[at] = Number.NaN;
  columns.quality[at] = quality;
  columns.texts.delete(at);
}
