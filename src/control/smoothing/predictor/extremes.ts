import { numberAt } from "../../../points/number-at.ts";

/**
 * Smallest and largest of the last values, each in constant time on average: a queue of the values
 * that can still become the extreme. Plain data; never grows.
 */
export interface Extremes {
  readonly low: ExtremeQueue;
  readonly high: ExtremeQueue;
  /** Values that count. */
  readonly window: number;
  /** Values seen so far. */
  seen: number;
}

interface ExtremeQueue {
  readonly values: Float64Array;
  readonly seenAt: Float64Array;
  head: number;
  count: number;
  /** 1 for the largest, −1 for the smallest. */
  readonly sign: number;
}

export function emptyExtremes(window: number): Extremes {
  return { low: emptyQueue(window, -1), high: emptyQueue(window, 1), window, seen: 0 };
}

export function clearExtremes(extremes: Extremes): void {
  extremes.low.count = 0;
  extremes.high.count = 0;
}

export function addExtreme(extremes: Extremes, value: number): void {
  extremes.seen += 1;
  add(extremes.low, extremes, value);
  add(extremes.high, extremes, value);
}

/** NaN before the first value. */
export function lowestOf({ low }: Extremes): number {
  return low.count === 0 ? Number.NaN : numberAt(low.values, low.head);
}

/** NaN before the first value. */
export function highestOf({ high }: Extremes): number {
  return high.count === 0 ? Number.NaN : numberAt(high.values, high.head);
}

function emptyQueue(window: number, sign: number): ExtremeQueue {
  const values = new Float64Array(window);
  return { values, seenAt: new Float64Array(window), head: 0, count: 0, sign };
}

function add(queue: ExtremeQueue, { seen, window }: Extremes, value: number): void {
  const { values, seenAt, sign } = queue;
  const capacity = values.length;
  if (queue.count > 0 && numberAt(seenAt, queue.head) <= seen - window) {
    queue.head = (queue.head + 1) % capacity;
    queue.count -= 1;
  }
  while (queue.count > 0) {
    const last = (queue.head + queue.count - 1) % capacity;
    if (sign * numberAt(values, last) > sign * value) break;
    queue.count -= 1;
  }
  const place = (queue.head + queue.count) % capacity;
  values[place] = value;
  seenAt[place] = seen;
  queue.count += 1;
}
