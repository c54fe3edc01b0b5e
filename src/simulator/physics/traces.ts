import { nextNormal, type RandomState, randomState } from "./random.ts";

/**
 * A recorded job of the training hall as corners of a line: between two of them the power runs
 * straight. After the last corner it stays.
 */
export interface Trace {
  readonly timeS: Float64Array;
  readonly powerW: Float64Array;
}

const EDGE_S = 0.04;
const MW = 1e6;

/**
 * A job of ten minutes: idle, 1 Hz iterations from the first minute on with a checkpoint in each
 * minute, and its end at eight minutes.
 */
function compositeJob(): Trace {
  const job = new Corners(7.5);
  const random = randomState(9);
  const endS = 480;
  const checkpointS = 4;
  let checkpointAtS = 120;
  for (let atS = 60; atS < endS;) {
    if (atS >= checkpointAtS) {
      job.step(atS, 8.5);
      atS += checkpointS;
      checkpointAtS += 60;
      continue;
    }
    const periodS = 1 + 0.01 * boundedNormal(random);
    job.step(atS, 20 * (1 + 0.02 * boundedNormal(random)));
    job.step(atS + periodS / 2, 10 * (1 + 0.02 * boundedNormal(random)));
    atS += periodS;
  }
  job.step(endS + 1, 7.5);
  return job.trace(600);
}

/** From 10 to 20 MW for 200 s and back. */
function step(): Trace {
  const job = new Corners(10);
  job.step(60, 20);
  job.step(260, 10);
  return job.trace(400);
}

/** The shape that empties a battery which follows only the slow mean: down slowly, up at once. */
function sawtooth(): Trace {
  const job = new Corners(20);
  for (let atS = 0; atS < 1200; atS += 200) {
    if (atS > 0) job.step(atS, 20);
    job.corner(atS + 199.9, 10);
  }
  return job.trace(1200);
}

/** `hz` iterations a second between 10 and 20 MW, for a minute. */
function square(hz: number): Trace {
  const job = new Corners(20);
  const iterations = Math.floor(60 * hz);
  for (let iteration = 0; iteration < iterations; iteration += 1) {
    if (iteration > 0) job.step(iteration / hz, 20);
    job.step((iteration + 0.5) / hz, 10);
  }
  return job.trace(60);
}

const TRACES: ReadonlyMap<string, () => Trace> = new Map([
  ["composite-job", compositeJob],
  ["step", step],
  ["sawtooth", sawtooth],
  ["square-0.2hz", () => square(0.2)],
  ["square-1hz", () => square(1)],
  ["square-2.5hz", () => square(2.5)],
]);

/** Names of the traces that a plant can replay. */
export const TRACE_NAMES: readonly string[] = [...TRACES.keys()];

/** The trace with this name; the same on every machine. Undefined: there is none. */
export function traceOf(name: string): Trace | undefined {
  return TRACES.get(name)?.();
}

/**
 * Mean power of the `dtS` that end at `at.elapsedS`, W, and the corner to begin the next search at.
 * `at.corner` is a corner before the span.
 */
export function meanOf(
  trace: Trace,
  at: { readonly elapsedS: number; readonly corner: number },
  dtS: number,
): readonly [powerW: number, corner: number] {
  const { timeS } = trace;
  const fromS = at.elapsedS - dtS;
  let { corner } = at;
  while ((timeS[corner + 1] ?? Infinity) <= fromS) corner += 1;
  let energyJ = 0;
  let sinceS = fromS;
  for (let index = corner; sinceS < at.elapsedS; index += 1) {
    const untilS = Math.min(timeS[index + 1] ?? Infinity, at.elapsedS);
    const middleW = powerBetween(trace, index, (sinceS + untilS) / 2);
    energyJ += middleW * (untilS - sinceS);
    sinceS = untilS;
  }
  return [energyJ / dtS, corner];
}

/** Power between the corner `index` and the next one. */
function powerBetween(trace: Trace, index: number, timeS: number): number {
  const fromW = trace.powerW[index] ?? 0;
  const toW = trace.powerW[index + 1] ?? fromW;
  const fromS = trace.timeS[index] ?? 0;
  const toS = trace.timeS[index + 1] ?? fromS;
  if (toS <= fromS) return fromW;
  const part = Math.min(Math.max((timeS - fromS) / (toS - fromS), 0), 1);
  return fromW + (toW - fromW) * part;
}

/** Three sigma at most: a period or a power never becomes nothing. */
function boundedNormal(random: RandomState): number {
  return Math.min(Math.max(nextNormal(random), -3), 3);
}

class Corners {
  readonly #times: number[] = [0];
  readonly #powers: number[];
  #lastMw: number;

  constructor(startMw: number) {
    this.#powers = [startMw * MW];
    this.#lastMw = startMw;
  }

  /** An edge that begins at `atS`. */
  step(atS: number, toMw: number): void {
    this.corner(atS, this.#lastMw);
    this.corner(atS + EDGE_S, toMw);
  }

  corner(atS: number, powerMw: number): void {
    this.#times.push(atS);
    this.#powers.push(powerMw * MW);
    this.#lastMw = powerMw;
  }

  trace(endS: number): Trace {
    this.corner(endS, this.#lastMw);
    return { timeS: Float64Array.from(this.#times), powerW: Float64Array.from(this.#powers) };
  }
}
