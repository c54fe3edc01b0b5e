/** Buckets per doubling: a percentile is at most 1/16 too high. */
const STEPS_PER_OCTAVE = 16;
const FIRST_MS = 0.001;
const OCTAVES = 24;
const BUCKETS = STEPS_PER_OCTAVE * OCTAVES + 1;

/**
 * How late or how long things were, in fixed buckets from 1 µs to 16 s: recording allocates nothing
 * and costs the same for ever.
 */
export class JitterHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact; 0 when nothing was recorded. */
  get maxMs(): number {
    return this.#maxMs;
  }

  /** Negative times count as 0: early is not late. */
  record(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /**
   * The time that a share of all records did not exceed, ms: rounded up to the bucket's end, never
   * above the maximum. 0 when nothing was recorded.
   *
   * @param share 0.5 for the median, 0.99 for p99
   */
  percentileMs(share: number): number {
    const wanted = Math.ceil(this.#count * share);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= wanted) return Math.min(endOfMs(bucket), this.#maxMs);
    }
    return this.#maxMs;
  }

  /** How many were recorded in each bucket, for somebody who compares two moments. */
  counts(): readonly number[] {
    return [...this.#counts];
  }

  /** Adds what another one has recorded. */
  add(other: JitterHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    this.#count += other.#count;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** Starts anew. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }
}

/**
 * What was recorded between two calls of `counts`: percentiles rounded up to the end of a bucket, 0
 * when nothing was recorded.
 */
export function recordedBetween(
  before: readonly number[],
  after: readonly number[],
): { readonly count: number; readonly percentileMs: (share: number) => number } {
  const grown = after.map((count, bucket) => count - (before[bucket] ?? 0));
  const count = grown.reduce((sum, more) => sum + more, 0);
  const percentileMs = (share: number): number => {
    if (count === 0) return 0;
    const wanted = Math.ceil(count * share);
    let seen = 0;
    return endOfMs(grown.findIndex((more) => (seen += more) >= wanted && more > 0));
  };
  return { count, percentileMs };
}

function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  const bucket = Math.ceil(Math.log2(ms / FIRST_MS) * STEPS_PER_OCTAVE);
  return Math.min(bucket, BUCKETS - 1);
}

/** Upper end of a bucket; nothing lies above it but in the last one. */
function endOfMs(bucket: number): number {
  return FIRST_MS * 2 ** (bucket / STEPS_PER_OCTAVE);
}
