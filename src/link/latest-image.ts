import { assert } from "../domain/assert.ts";
import { type StreamId, streamId } from "../domain/point.ts";
import { GOOD } from "../domain/quality.ts";
import type { Round } from "../domain/round.ts";
import { monotonicMs, utcMs } from "../domain/time.ts";

const UNKNOWN_TIME = Number.NaN;

/**
 * The latest value of every point, each with the round that brought it, so that who connects late
 * knows at once what everybody knows, and how old it is.
 */
export class LatestImage {
  readonly #values: Float64Array;
  readonly #quality: Uint8Array;
  readonly #sourceTimes: Float64Array;
  readonly #streams: Uint16Array;
  /** 0: no round has brought this point. */
  readonly #seqs: Float64Array;
  readonly #receivedAt: Float64Array;
  readonly #receivedUtc: Float64Array;
  readonly #texts = new Map<number, string>();

  constructor(tableSize: number) {
    this.#values = new Float64Array(tableSize);
    this.#quality = new Uint8Array(tableSize);
    this.#sourceTimes = new Float64Array(tableSize);
    this.#streams = new Uint16Array(tableSize);
    this.#seqs = new Float64Array(tableSize);
    this.#receivedAt = new Float64Array(tableSize);
    this.#receivedUtc = new Float64Array(tableSize);
  }

  take(round: Round): void {
    const { points, values, quality, sourceTimes } = round;
    for (let at = 0; at < points.length; at++) {
      const point = points[at] ?? 0;
      assert(point < this.#values.length, "a round names a point outside the table");
      this.#values[point] = values[at] ?? Number.NaN;
      this.#quality[point] = quality[at] ?? GOOD;
      this.#sourceTimes[point] =
        sourceTimes === undefined ? round.receivedUtc : (sourceTimes[at] ?? UNKNOWN_TIME);
      this.#streams[point] = round.stream;
      this.#seqs[point] = round.seq;
      this.#receivedAt[point] = round.receivedAt;
      this.#receivedUtc[point] = round.receivedUtc;
    }
    this.#takeTexts(round);
  }

  /**
   * What is left of every round: the points that no later round has replaced. Streams in order, of
   * a stream the older round first.
   *
   * @param streams of which; undefined: of all
   */
  *rounds(streams?: ReadonlySet<StreamId>): Generator<Round> {
    const partsByStream = new Map<StreamId, Map<number, number[]>>();
    for (let point = 0; point < this.#seqs.length; point++) {
      const seq = this.#seqs[point] ?? 0;
      if (seq === 0) continue;
      const stream = streamId(this.#streams[point] ?? 0);
      if (streams?.has(stream) === false) continue;
      const parts = entry(partsByStream, stream, () => new Map<number, number[]>());
      entry(parts, seq, () => []).push(point);
    }
    for (const [stream, parts] of [...partsByStream].sort(([a], [b]) => a - b)) {
      for (const [seq, points] of [...parts].sort(([a], [b]) => a - b)) {
        yield this.#round(stream, seq, points);
      }
    }
  }

  #takeTexts({ points, texts }: Round): void {
    if (texts === undefined && this.#texts.size === 0) return;
    for (let at = 0; at < points.length; at++) {
      const text = texts?.get(at);
      const point = points[at] ?? 0;
      if (text === undefined) this.#texts.delete(point);
      else this.#texts.set(point, text);
    }
  }

  #round(stream: StreamId, seq: number, members: readonly number[]): Round {
    const points = Uint32Array.from(members);
    const pick = (column: Float64Array) =>
      Float64Array.from(members, (point) => column[point] ?? 0);
    const [first = 0] = members;
    const receivedUtc = this.#receivedUtc[first] ?? 0;
    const sourceTimes = pick(this.#sourceTimes);
    const texts = new Map<number, string>();
    members.forEach((point, at) => {
      const text = this.#texts.get(point);
      if (text !== undefined) texts.set(at, text);
    });
    return {
      stream,
      seq,
      points,
      values: pick(this.#values),
      quality: Uint8Array.from(members, (point) => this.#quality[point] ?? GOOD),
      sourceTimes: sourceTimes.every((time) => time === receivedUtc) ? undefined : sourceTimes,
      texts: texts.size === 0 ? undefined : texts,
      receivedAt: monotonicMs(this.#receivedAt[first] ?? 0),
      receivedUtc: utcMs(receivedUtc),
    };
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
