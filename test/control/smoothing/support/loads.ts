import { nextNormal, randomState } from "../../../../src/simulator/physics/random.ts";
import { MW } from "./rig.ts";

export const STEP_S = 0.005;
const EDGE_S = 0.04;

export interface SquareLoad {
  readonly seconds: number;
  readonly hz: number;
  readonly lowW?: number;
  readonly highW?: number;
  readonly duty?: number;
  /** Standard deviation of a period and of a level, part of it. */
  readonly jitter?: number;
  readonly levelJitter?: number;
  readonly seed?: number;
}

/** Iterations of a training job: levels with edges of 40 ms, each period a little different. */
export function squareLoad(load: SquareLoad): Float64Array {
  const { seconds, hz, lowW = 200 * MW, highW = 400 * MW, duty = 0.5 } = load;
  const { jitter = 0.01, levelJitter = 0.02, seed = 1 } = load;
  const random = randomState(seed);
  const values = new Float64Array(Math.round(seconds / STEP_S)).fill(lowW);
  for (let startS = 1; startS < seconds;) {
    const periodS = (1 + jitter * nextNormal(random)) / hz;
    const topW = highW * (1 + levelJitter * nextNormal(random));
    const endS = startS + duty * periodS + EDGE_S;
    const last = Math.min(values.length - 1, Math.ceil(endS / STEP_S));
    for (let place = Math.floor(startS / STEP_S); place <= last; place += 1) {
      const atS = place * STEP_S - startS;
      const share = edge(atS) - edge(atS - duty * periodS);
      values[place] = (values[place] ?? 0) + (topW - lowW) * share;
    }
    startS += periodS;
  }
  return values;
}

function edge(sinceS: number): number {
  return Math.min(Math.max(sinceS / EDGE_S, 0), 1);
}

/**
 * Ten minutes: idle at 150 MW, a job of 1 Hz iterations between 200 and 400 MW with a checkpoint of
 * 4 s every minute, and its sudden end.
 */
export function compositeLoad(seed = 9): Float64Array {
  const startS = 60;
  const endS = 480;
  const square = squareLoad({ seconds: 440, hz: 1, seed });
  const raw = new Float64Array(Math.round(600 / STEP_S)).fill(150 * MW);
  const at = (seconds: number): number => Math.round(seconds / STEP_S);
  raw.set(square.subarray(0, at(endS - startS)), at(startS));
  for (let dipS = 120; dipS < endS; dipS += 60) raw.fill(170 * MW, at(dipS), at(dipS + 4));
  return withEdges(raw);
}

/** A load of levels; its edges take 40 ms. */
export function levelLoad(
  seconds: number,
  levels: readonly { readonly fromS: number; readonly powerW: number }[],
): Float64Array {
  const values = new Float64Array(Math.round(seconds / STEP_S));
  for (const { fromS, powerW } of levels) values.fill(powerW, Math.round(fromS / STEP_S));
  return withEdges(values);
}

function withEdges(values: Float64Array): Float64Array {
  const width = Math.round(EDGE_S / STEP_S);
  return values.map((_value, place) => {
    let sum = 0;
    for (let back = 0; back < width; back += 1) sum += values[Math.max(place - back, 0)] ?? 0;
    return sum / width;
  });
}
