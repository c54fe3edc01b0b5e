import { streamId } from "../../src/domain/point.ts";
import type { Round } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";

/** A round of stream `stream` whose points are `first` … `first + values.length − 1`. */
export function makeRound(
  stream: number,
  seq: number,
  first: number,
  values: readonly number[],
): Round {
  return {
    stream: streamId(stream),
    seq,
    points: Uint32Array.from(values, (_, at) => first + at),
    values: Float64Array.from(values),
    quality: new Uint8Array(values.length),
    sourceTimes: undefined,
    texts: undefined,
    receivedAt: monotonicMs(1000 + seq),
    receivedUtc: utcMs(1_767_225_600_000 + seq),
  };
}

/** A copy that outlives the callback in which the round was lent, as plain arrays. */
export function kept(round: Round): unknown {
  return {
    ...round,
    points: [...round.points],
    values: [...round.values],
    quality: [...round.quality],
    sourceTimes: round.sourceTimes === undefined ? undefined : [...round.sourceTimes],
    texts: round.texts === undefined ? undefined : [...round.texts],
  };
}
