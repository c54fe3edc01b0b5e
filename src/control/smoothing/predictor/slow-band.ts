import { numberAt } from "../../../points/number-at.ts";

/**
 * The slow end of the band of the iterations. A load whose line lies above it has little in it, and
 * what little it has repeats nothing: predictions that follow the line there make it larger.
 */
const EDGE_HZ = 1.9;
/** Half of the filter's length: with it the band ends within a hertz. */
const REACH_S = 1;
/** In a prediction's error the slow band counts with this part of what its own size would ask. */
const EMPHASIS = 0.3;
/** Most that it is enlarged by. */
const EMPHASIS_MAX = 50;
/**
 * What is slow in the readings need not be in the load: their samples fold fast lines into it. So
 * weights are found as if there were this much more of it that has nothing to do with what comes.
 */
const UNRELATED = 5;

/** Values without their first and last second, and what of them is slow. */
export interface SlowBand {
  readonly values: Float64Array;
  readonly slow: Float64Array;
}

/**
 * A low pass without any delay, by a window of both sides: so it needs values before and after.
 *
 * @param values with a mean of zero
 */
export function slowBandOf(values: Float64Array, cycleMs: number): SlowBand {
  const reach = Math.round((REACH_S * 1_000) / cycleMs);
  const taps = tapsOf(reach, cycleMs);
  const count = Math.max(values.length - 2 * reach, 0);
  const slow = new Float64Array(count);
  for (let t = 0; t < count; t += 1) {
    let sum = 0;
    for (let place = 0; place < taps.length; place += 1)
      sum += numberAt(taps, place) * numberAt(values, t + place);
    slow[t] = sum;
  }
  return { values: values.subarray(reach, reach + count), slow };
}

/** Of an ideal low pass, under a Hann window; together one. */
function tapsOf(reach: number, cycleMs: number): Float64Array {
  const edge = (2 * EDGE_HZ * cycleMs) / 1_000;
  const taps = new Float64Array(2 * reach + 1);
  let sum = 0;
  for (let place = 0; place < taps.length; place += 1) {
    const from = place - reach;
    const angle = Math.PI * edge * from;
    const ideal = from === 0 ? 1 : Math.sin(angle) / angle;
    const tap = ideal * (0.5 + 0.5 * Math.cos((Math.PI * from) / (reach + 1)));
    taps[place] = tap;
    sum += tap;
  }
  return taps.map((tap) => tap / sum);
}

/** What a regression works on, and what each row adds to its matrix, by distance of lags. */
export interface Emphasis {
  readonly values: Float64Array;
  readonly unrelated: Float64Array;
}

/**
 * The values with their slow band enlarged, where it is small beside the rest; undefined where it
 * is not. A regression on them finds the weights whose error, too, counts more there: what is then
 * predicted from the values themselves does not trade the slow band for the line.
 */
export function emphasis(
  { values, slow }: SlowBand,
  terms: { readonly lags: number; readonly cycleMs: number },
): Emphasis | undefined {
  const share = Math.sqrt(squares(values) / squares(slow));
  const gain = Math.min(EMPHASIS * share, EMPHASIS_MAX);
  // Also for a load that is still, of which nothing is slow or all is.
  if (!(gain > 1)) return undefined;
  const power = (gain * gain * squares(slow)) / slow.length;
  const edge = (2 * Math.PI * EDGE_HZ * terms.cycleMs) / 1_000;
  return {
    values: values.map((value, t) => value + (gain - 1) * numberAt(slow, t)),
    unrelated: Float64Array.from(
      { length: terms.lags },
      (_, apart) => UNRELATED * power * (apart === 0 ? 1 : Math.sin(edge * apart) / (edge * apart)),
    ),
  };
}

/**
 * True where taking the load to be what it was some cycles ago is further from it in the slow band
 * than taking it to be its mean.
 */
export function isSlowHarmed({ slow }: SlowBand, cyclesAgo: number): boolean {
  const whole = Math.floor(cyclesAgo);
  const share = cyclesAgo - whole;
  let error = 0;
  let all = 0;
  for (let t = whole + 1; t < slow.length; t += 1) {
    const near = numberAt(slow, t - whole);
    const wasW = near + share * (numberAt(slow, t - whole - 1) - near);
    error += (numberAt(slow, t) - wasW) ** 2;
    all += numberAt(slow, t) ** 2;
  }
  return error > all;
}

function squares(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
