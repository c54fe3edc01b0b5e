/** Times are ms of the monotonic clock, powers W; battery positive when it discharges. */

/** How the meter and the battery of a response bench behave. */
export interface LoopModel {
  /** The meter shows a new reading this often; in between the one before. */
  readonly meterMs: number;
  /** Beginning of some reading, after the start. */
  readonly meterPhaseMs: number;
  /** How much the meter's clock is fast: 50e-6 is a cheap crystal. */
  readonly meterDrift: number;
  /** Between a write and its first effect. */
  readonly deadMs: number;
  /** Time constant of the battery's power. */
  readonly tauMs: number;
  /** Readings differ from the truth by up to this. */
  readonly noiseW: number;
}

export interface Step {
  readonly atMs: number;
  readonly loadW: number;
}

export interface StepTerms {
  readonly count: number;
  readonly startMs: number;
  /** Least time between two steps, and by how much it may be longer. */
  readonly leastGapMs: number;
  readonly spreadMs: number;
  readonly lowW: number;
  readonly highW: number;
  /** Smallest step. */
  readonly leastW: number;
}

/** Steps of the load at random moments to random levels. */
export function makeSteps(terms: StepTerms, random: () => number): readonly Step[] {
  const { count, startMs, leastGapMs, spreadMs, lowW, highW, leastW } = terms;
  const steps: Step[] = [];
  let atMs = startMs;
  let loadW = lowW;
  while (steps.length < count) {
    atMs += leastGapMs + random() * spreadMs;
    const nextW = lowW + random() * (highW - lowW);
    const isFar = Math.abs(nextW - loadW) >= leastW;
    // Too near: as far to the other side, where there is room.
    loadW = isFar ? nextW : loadW > (lowW + highW) / 2 ? loadW - leastW : loadW + leastW;
    steps.push({ atMs, loadW });
  }
  return steps;
}

interface Segment {
  readonly fromMs: number;
  readonly startW: number;
  readonly targetW: number;
}

interface Write {
  readonly atMs: number;
  readonly valueW: number;
}

/**
 * A load behind a meter and beside a battery: all of it a function of time, worked out when
 * somebody reads, so that no timer of this process is part of what is measured.
 */
export class LoopPlant {
  readonly #model: LoopModel;
  readonly #random: () => number;
  readonly #originMs: number;
  readonly #segments: Segment[];
  readonly writes: Write[] = [];
  #steps: readonly Step[] = [];
  #readingAt = Number.NEGATIVE_INFINITY;
  #readingW = 0;
  /** Load before the first step. */
  readonly #firstW: number;

  constructor(model: LoopModel, firstW: number, startMs: number, random: () => number) {
    this.#model = model;
    this.#random = random;
    this.#firstW = firstW;
    this.#originMs = startMs + model.meterPhaseMs;
    this.#segments = [{ fromMs: Number.NEGATIVE_INFINITY, startW: 0, targetW: 0 }];
  }

  follow(steps: readonly Step[]): void {
    this.#steps = steps;
    this.writes.length = 0;
  }

  write(atMs: number, valueW: number): void {
    const fromMs = atMs + this.#model.deadMs;
    this.#segments.push({ fromMs, startW: this.batteryW(fromMs), targetW: valueW });
    this.writes.push({ atMs, valueW });
  }

  batteryW(atMs: number): number {
    const { tauMs } = this.#model;
    const segment = this.#segments[placeOfLast(this.#segments, ({ fromMs }) => fromMs <= atMs)];
    if (segment === undefined) return 0;
    const { fromMs, startW, targetW } = segment;
    if (fromMs === Number.NEGATIVE_INFINITY) return targetW;
    return targetW + (startW - targetW) * Math.exp(-(atMs - fromMs) / tauMs);
  }

  loadW(atMs: number): number {
    const at = placeOfLast(this.#steps, (step) => step.atMs <= atMs);
    return this.#steps[at]?.loadW ?? this.#firstW;
  }

  /** What the meter shows: the truth of when it last took a reading. */
  meterW(atMs: number): number {
    const { meterMs, meterDrift, noiseW } = this.#model;
    const periodMs = meterMs * (1 - meterDrift);
    const readAt = this.#originMs + Math.floor((atMs - this.#originMs) / periodMs) * periodMs;
    if (readAt !== this.#readingAt) {
      this.#readingAt = readAt;
      const noise = noiseW * (2 * this.#random() - 1);
      this.#readingW = this.loadW(readAt) - this.batteryW(readAt) + noise;
    }
    return this.#readingW;
  }

  /** How each of the steps was answered. */
  answers(): readonly Answer[] {
    return this.#steps.map((step, at) => {
      const beforeW = this.#steps[at - 1]?.loadW ?? this.#firstW;
      const endMs = this.#steps[at + 1]?.atMs ?? step.atMs + LAST_MS;
      return this.#answer(step, { moveW: step.loadW - beforeW, endMs });
    });
  }

  #answer(
    { atMs }: Step,
    { moveW, endMs }: { readonly moveW: number; readonly endMs: number },
  ): Answer {
    const before = placeOfLast(this.writes, (write) => write.atMs <= atMs);
    const beforeW = this.writes[before]?.valueW ?? 0;
    const isPast = (powerW: number, share: number): boolean =>
      (powerW - beforeW) * Math.sign(moveW) >= share * Math.abs(moveW);
    const last = placeOfLast(this.writes, (write) => write.atMs < endMs);
    const writes = this.writes.slice(before + 1, last + 1);
    const answer = writes.find((write) => isPast(write.valueW, ANSWERED));
    if (answer === undefined) {
      const askedW = writes.map(({ valueW }) => valueW - beforeW);
      return { atMs, moveW, askedW, writeMs: undefined, powerMs: undefined };
    }
    const share = (ACTED * (answer.valueW - beforeW)) / moveW;
    let powerMs: number | undefined;
    for (let ms = answer.atMs; ms < endMs && powerMs === undefined; ms += RESOLUTION_MS)
      if (isPast(this.batteryW(ms), share)) powerMs = ms - atMs;
    return { atMs, moveW, askedW: [], writeMs: answer.atMs - atMs, powerMs };
  }
}

/** Undefined: not before the next step. */
export interface Answer {
  readonly atMs: number;
  /** How far the load stepped. */
  readonly moveW: number;
  /** Where there is no answer: what was asked for from then on, beyond before. */
  readonly askedW: readonly number[];
  /** From the step of the load to the first write that asks the battery for half of it or more. */
  readonly writeMs: number | undefined;
  /** From the step to nine tenths of what that write asked for in the battery's power. */
  readonly powerMs: number | undefined;
}

const ANSWERED = 0.5;
const ACTED = 0.9;
const RESOLUTION_MS = 0.25;
/** The last step has no next one: this long an answer counts. */
const LAST_MS = 1_000;

/** Place of the last item that is so, of items of which the first are so and the others not. */
function placeOfLast<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && isSo(item)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
