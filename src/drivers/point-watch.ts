import { maxAgeMs } from "../domain/age.ts";
import type { PointDefinition } from "../domain/point.ts";
import { GOOD, isBad, type QualityCode } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";

/** A point is silent after so many of its periods, if its maximum age is not shorter … */
const PERIODS = 2;
/** … and so much longer, because a poll that comes on time takes some time itself. */
const SLACK_SHARE = 0.1;
const SLACK_MAX_MS = 100;
const SLACK_MIN_MS = 5;

/** Points with the same period; most devices have two or three. */
interface PeriodClass {
  readonly silentAfterMs: number;
  /** Positions of its points. */
  readonly members: Uint32Array;
  /** No member can be silent before this. */
  checkAt: number;
}

/**
 * When each point of a device was last heard and last good, and which are marked bad by us. Knows
 * neither drivers nor clocks: it is told the time.
 */
export class PointWatch {
  readonly #points: Uint32Array;
  readonly #firstPoint: number;
  readonly #heardAt: Float64Array;
  readonly #lastGoodUtc: Float64Array;
  /** The mark that stands; 0 for a point that is heard. */
  readonly #marks: Uint8Array;
  /** 1 for a point that is read, as far as is known: it is polled, or it was heard once. */
  readonly #isRead: Uint8Array;
  readonly #classes: readonly PeriodClass[];
  readonly #sourceTimes: Float64Array;
  #silentCount = 0;
  #lastMarkedAt = Number.NEGATIVE_INFINITY;

  /** @param limitMs maximum age of the device's points by the site's word, see `maxAgeMs` */
  constructor(points: readonly PointDefinition[], now: MonotonicMs, limitMs?: number) {
    this.#points = Uint32Array.from(points, ({ index }) => index);
    this.#firstPoint = points[0]?.index ?? 0;
    this.#heardAt = new Float64Array(points.length).fill(now);
    this.#lastGoodUtc = new Float64Array(points.length).fill(Number.NaN);
    this.#marks = new Uint8Array(points.length);
    this.#isRead = Uint8Array.from(points, ({ everyMs }) => (everyMs === undefined ? 0 : 1));
    this.#sourceTimes = new Float64Array(points.length);
    this.#classes = classesOf(points, now, limitMs);
  }

  /** Points that are marked now. */
  get silentCount(): number {
    return this.#silentCount;
  }

  /** When marks were last given out. */
  get lastMarkedAt(): number {
    return this.#lastMarkedAt;
  }

  /**
   * Takes note of a reading.
   * @returns source times for it: what is not good gets the time when it was; undefined when all
   *   equal the time of receipt. Valid until the next call.
   */
  note(reading: Reading): Float64Array | undefined {
    const { points, quality, receivedAt, receivedUtc } = reading;
    let isAllGood = true;
    for (let at = 0; at < points.length; at += 1) {
      const position = (points[at] ?? 0) - this.#firstPoint;
      this.#heardAt[position] = receivedAt;
      this.#isRead[position] = 1;
      if (this.#marks[position] !== 0) this.#unmark(position);
      if (quality[at] === GOOD) {
        this.#lastGoodUtc[position] = reading.sourceTimes?.[at] ?? receivedUtc;
      } else isAllGood = false;
    }
    return isAllGood ? reading.sourceTimes : this.#timesOf(reading);
  }

  /** The earliest time at which a point can be silent. */
  nextDeadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { checkAt } of this.#classes) earliest = Math.min(earliest, checkAt);
    return earliest;
  }

  /** @returns a reading of the points that became silent; undefined when none did */
  markSilent(quality: QualityCode, now: MonotonicMs, utcNow: UtcMs): Reading | undefined {
    const silent: number[] = [];
    for (const period of this.#classes) {
      if (period.checkAt > now) continue;
      let oldest: number = now;
      for (const position of period.members) {
        if (this.#marks[position] !== 0) continue;
        const heardAt = this.#heardAt[position] ?? now;
        if (now - heardAt >= period.silentAfterMs) silent.push(position);
        else oldest = Math.min(oldest, heardAt);
      }
      period.checkAt = oldest + period.silentAfterMs;
    }
    if (silent.length === 0) return undefined;
    for (const position of silent) this.#mark(position, quality);
    return this.#marked(silent, now, utcNow);
  }

  /**
   * All points that are read: the device is lost. One that is only written has no value to lose.
   */
  markAll(quality: QualityCode, now: MonotonicMs, utcNow: UtcMs): Reading {
    this.#isRead.forEach((isRead, position) => {
      if (isRead === 1) this.#mark(position, quality);
    });
    return this.repeatMarks(now, utcNow);
  }

  /** What is marked, once more. */
  repeatMarks(now: MonotonicMs, utcNow: UtcMs): Reading {
    const marked: number[] = [];
    this.#marks.forEach((mark, position) => {
      if (mark !== 0) marked.push(position);
    });
    return this.#marked(marked, now, utcNow);
  }

  #marked(positions: readonly number[], now: MonotonicMs, utcNow: UtcMs): Reading {
    this.#lastMarkedAt = now;
    return {
      points: Uint32Array.from(positions, (position) => this.#points[position] ?? 0),
      values: new Float64Array(positions.length).fill(Number.NaN),
      quality: Uint8Array.from(positions, (position) => this.#marks[position] ?? 0),
      sourceTimes: Float64Array.from(
        positions,
        (position) => this.#lastGoodUtc[position] ?? Number.NaN,
      ),
      texts: undefined,
      receivedAt: now,
      receivedUtc: utcNow,
    };
  }

  #timesOf(reading: Reading): Float64Array {
    const { points, quality, receivedUtc } = reading;
    const times = this.#sourceTimes.subarray(0, points.length);
    for (let at = 0; at < points.length; at += 1) {
      const code = quality[at] ?? GOOD;
      const measured = reading.sourceTimes?.[at] ?? receivedUtc;
      const lastGood = this.#lastGoodUtc[(points[at] ?? 0) - this.#firstPoint] ?? Number.NaN;
      // An uncertain value was measured now; a bad one says when it was last good.
      times[at] = isBad(code) ? lastGood : measured;
    }
    return times;
  }

  #mark(position: number, quality: QualityCode): void {
    if (this.#marks[position] === 0) this.#silentCount += 1;
    this.#marks[position] = quality;
  }

  #unmark(position: number): void {
    this.#marks[position] = GOOD;
    this.#silentCount -= 1;
  }
}

function classesOf(
  points: readonly PointDefinition[],
  now: MonotonicMs,
  limitMs: number | undefined,
): PeriodClass[] {
  const members = new Map<number, number[]>();
  points.forEach(({ everyMs }, position) => {
    if (everyMs === undefined) return;
    const known = members.get(everyMs);
    if (known === undefined) members.set(everyMs, [position]);
    else known.push(position);
  });
  return [...members].map(([everyMs, positions]) => {
    const slackMs = Math.min(Math.max(everyMs * SLACK_SHARE, SLACK_MIN_MS), SLACK_MAX_MS);
    const silentAfterMs = Math.min(PERIODS * everyMs + slackMs, maxAgeMs(everyMs, limitMs));
    return { silentAfterMs, members: Uint32Array.from(positions), checkAt: now + silentAfterMs };
  });
}
