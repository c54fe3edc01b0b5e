/** The highest and the lowest value of a few seconds, W; null: nothing was known. */
export type TrendSpan = readonly [high: number, low: number] | null;

/**
 * From one sample to the next. Four in a second: a load that swings once a second is met in both of
 * its halves, wherever the samples fall. Sampled once a second it would look constant.
 */
export const TREND_SAMPLE_MS = 250;
/** Length of a span. It holds several swings, so that each shows both of its ends. */
const SPAN_MS = 3_000;
/** A minute. */
export const TREND_SPANS = 20;
/** The ramp is the way between the means of two windows that each hold whole swings. */
const RAMP_WINDOW_MS = 4_000;

/**
 * The last minute of one value. Kept as the highest and the lowest of every three seconds: a
 * column cannot show a swing that is faster than it is wide, but two columns can show how far it
 * goes. A span begins at a fixed moment, so that what has been drawn does not change any more.
 */
export class Trend {
  readonly #spans: { at: number; high: number; low: number }[] = [];
  readonly #recent: { readonly atMs: number; readonly value: number }[] = [];

  add(atMs: number, value: number | null): void {
    const at = Math.floor(atMs / SPAN_MS);
    let span = this.#spans.at(-1);
    if (span?.at !== at) {
      span = { at, high: -Infinity, low: Infinity };
      this.#spans.push(span);
      while ((this.#spans[0]?.at ?? at) <= at - TREND_SPANS) this.#spans.shift();
    }
    if (value === null) return;
    span.high = Math.max(span.high, value);
    span.low = Math.min(span.low, value);
    this.#recent.push({ atMs, value });
    while ((this.#recent[0]?.atMs ?? atMs) <= atMs - 2 * RAMP_WINDOW_MS) this.#recent.shift();
  }

  /** Oldest first; a span in which nobody asked is a gap too. */
  get spans(): readonly TrendSpan[] {
    const first = this.#spans[0]?.at;
    const last = this.#spans.at(-1)?.at;
    if (first === undefined || last === undefined) return [];
    const byTime = new Map(this.#spans.map((span) => [span.at, span]));
    return Array.from({ length: last - first + 1 }, (_, place): TrendSpan => {
      const span = byTime.get(first + place);
      return span === undefined || span.high < span.low ? null : [span.high, span.low];
    });
  }

  /** W/s; null until both windows have values. */
  get rampPerS(): number | null {
    const newest = this.#recent.at(-1)?.atMs;
    if (newest === undefined) return null;
    const border = newest - RAMP_WINDOW_MS;
    const after = this.#recent.filter(({ atMs }) => atMs > border);
    const before = this.#recent.filter(({ atMs }) => atMs <= border);
    const most = RAMP_WINDOW_MS / TREND_SAMPLE_MS;
    if (before.length < most / 2 || after.length < most / 2) return null;
    return (1_000 * (mean(after) - mean(before))) / RAMP_WINDOW_MS;
  }
}

function mean(samples: readonly { readonly value: number }[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0) / samples.length;
}
