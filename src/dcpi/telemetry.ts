import { assert } from "../domain/assert.ts";
import type { DeviceDefinition, PointDefinition, PointTable } from "../domain/point.ts";
import { GOOD, isBad, type QualityCode, qualityCode, qualityName } from "../domain/quality.ts";
import type { Round } from "../domain/round.ts";
import { NUMBER_MAX_BYTES, writeNumber } from "./number.ts";
import { utf8Bytes, writeUtf8 } from "../domain/utf8.ts";

/**
 * How a telemetry message carries values: `by-name` as an object by telemetry field; `columns` as
 * an array in the model's order, a third shorter, readable only with the model.
 */
export type TelemetryForm = "by-name" | "columns";

/** Longest text value, UTF-16 units; the rest of a longer one is cut. */
export const TEXT_VALUE_MAX_UNITS = 256;

const NULL = utf8Bytes("null");
const TRUE = utf8Bytes("true");
const FALSE = utf8Bytes("false");
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const MALFORMED = qualityCode("malformed");
const UNKNOWN_CODE = qualityCode("unknown-code");
const BACKFILL_FLAG = utf8Bytes('"bf":true');
/** Longest quality, time or code of one point besides its key, bytes. */
const REMARK_MAX_BYTES = 48;
/** Epoch, seq, time and the names of the members, bytes. */
const FRAME_MAX_BYTES = 256;
/** A control character becomes \u001f. */
const JSON_UNIT_MAX_BYTES = 6;
const WHOLE_NUMBER = /^-?(0|[1-9]\d{0,19})$/;

/** What one point contributes to a message, made once. */
interface PointBytes {
  /** `"active_power_w":` or, in the columns form, `"3":` for the remarks. */
  readonly key: Uint8Array;
  readonly type: PointDefinition["type"];
  /** Texts of an enum in JSON, by index. */
  readonly texts: readonly Uint8Array[];
}

/**
 * Makes the telemetry messages of one device: one JSON object per round.
 *
 * `{"s":stream,"e":epoch,"n":seq,"t":UTC ms,"m":model hash,"v":values,"q":qualities,"dt":times}`.
 * A value that is bad is null, never the last number. `q` holds only what is not good, `dt` the
 * source time minus `t` in ms only where it differs; `c` holds the raw code of a state that is
 * bad/unknown-code; each is left out when empty. In the columns form `p` names the places in the
 * model of the values when the round is not the whole device.
 */
export class TelemetryEncoder {
  readonly #firstPoint: number;
  readonly #points: readonly PointBytes[];
  readonly #form: TelemetryForm;
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  readonly #bytes: Uint8Array;
  #end = 0;

  constructor(
    table: PointTable,
    device: DeviceDefinition,
    options: { readonly modelHash: string; readonly form: TelemetryForm },
  ) {
    const definitions = table.points.slice(
      device.firstPoint,
      device.firstPoint + device.pointCount,
    );
    this.#firstPoint = device.firstPoint;
    this.#form = options.form;
    this.#points = definitions.map((point, ordinal) => pointBytes(point, ordinal, options.form));
    this.#head = utf8Bytes(`{"s":${JSON.stringify(device.id)},"e":`);
    this.#tail = utf8Bytes(`,"m":${JSON.stringify(options.modelHash)},"v":`);
    this.#bytes = new Uint8Array(
      this.#points.reduce(
        (sum, point) => sum + pointMaxBytes(point),
        this.#head.length + this.#tail.length + FRAME_MAX_BYTES,
      ),
    );
  }

  /**
   * One message. The bytes belong to the caller.
   * @param epoch of the producer that numbered the round
   */
  encode(epoch: number, round: Round): Uint8Array {
    const isBounded = round.points.length <= this.#points.length;
    assert(isBounded, "a round has more points than its device");
    this.#end = 0;
    this.#append(this.#head);
    this.#number(epoch);
    this.#ascii(',"n":');
    this.#number(round.seq);
    this.#ascii(',"t":');
    this.#number(round.receivedUtc);
    this.#append(this.#tail);
    const hasRemarks = this.#form === "columns" ? this.#column(round) : this.#object(round);
    if (hasRemarks) this.#qualities(round);
    if (hasRemarks && round.texts !== undefined) this.#codes(round, round.texts);
    if (round.sourceTimes !== undefined) this.#times(round, round.sourceTimes);
    this.#bytes[this.#end++] = BRACE_CLOSE;
    return this.#bytes.slice(0, this.#end);
  }

  /** Values by name. True when some point needs a remark. */
  #object(round: Round): boolean {
    const { points } = round;
    let hasRemarks = false;
    this.#bytes[this.#end++] = BRACE_OPEN;
    for (let at = 0; at < points.length; at++) {
      if (at > 0) this.#bytes[this.#end++] = COMMA;
      const point = this.#pointOf(points[at]);
      this.#append(point.key);
      if (!this.#value(point, round, at)) hasRemarks = true;
    }
    this.#bytes[this.#end++] = BRACE_CLOSE;
    return hasRemarks;
  }

  /** Values in the order of the round. True when some point needs a remark. */
  #column(round: Round): boolean {
    const { points } = round;
    let hasRemarks = false;
    let isWhole = points.length === this.#points.length;
    this.#bytes[this.#end++] = BRACKET_OPEN;
    for (let at = 0; at < points.length; at++) {
      if (at > 0) this.#bytes[this.#end++] = COMMA;
      if (!this.#value(this.#pointOf(points[at]), round, at)) hasRemarks = true;
      if (points[at] !== this.#firstPoint + at) isWhole = false;
    }
    this.#bytes[this.#end++] = BRACKET_CLOSE;
    if (!isWhole) this.#places(points);
    return hasRemarks;
  }

  #places(points: Uint32Array): void {
    this.#ascii(',"p":[');
    for (let at = 0; at < points.length; at++) {
      if (at > 0) this.#bytes[this.#end++] = COMMA;
      this.#number((points[at] ?? 0) - this.#firstPoint);
    }
    this.#bytes[this.#end++] = BRACKET_CLOSE;
  }

  /** True when the value says all: it is there and good. */
  #value(point: PointBytes, round: Round, at: number): boolean {
    const quality = effectiveQuality(point, round, at);
    if (isBad(quality)) {
      this.#append(NULL);
      return false;
    }
    const value = round.values[at] ?? Number.NaN;
    if (point.type === "float" || point.type === "bits") this.#number(value);
    else if (point.type === "enum") this.#append(point.texts[value] ?? NULL);
    else if (point.type === "bool") this.#append(value === 0 ? FALSE : TRUE);
    else this.#wholeOrText(point, value, round.texts?.get(at));
    return quality === GOOD;
  }

  #wholeOrText(point: PointBytes, value: number, text: string | undefined): void {
    // Beyond 2^53 only the decimal text is exact; JSON has no limit of its own for whole numbers.
    if (point.type === "text")
      this.#ascii(JSON.stringify((text ?? "").slice(0, TEXT_VALUE_MAX_UNITS)));
    else if (text !== undefined && WHOLE_NUMBER.test(text)) this.#ascii(text);
    else this.#number(value);
  }

  #qualities(round: Round): void {
    let separator = ',"q":{';
    for (let at = 0; at < round.points.length; at++) {
      const point = this.#pointOf(round.points[at]);
      const code = effectiveQuality(point, round, at);
      if (code === GOOD) continue;
      this.#ascii(separator);
      separator = ",";
      this.#append(point.key);
      this.#ascii(`"${qualityName(code)}"`);
    }
    if (separator === ",") this.#bytes[this.#end++] = BRACE_CLOSE;
  }

  /** What the device said where the profile has no word for it: somebody has to look it up. */
  #codes(round: Round, texts: ReadonlyMap<number, string>): void {
    let separator = ',"c":{';
    for (const [at, code] of texts) {
      if (round.quality[at] !== UNKNOWN_CODE || !WHOLE_NUMBER.test(code)) continue;
      this.#ascii(separator);
      separator = ",";
      this.#append(this.#pointOf(round.points[at]).key);
      this.#ascii(code);
    }
    if (separator === ",") this.#bytes[this.#end++] = BRACE_CLOSE;
  }

  #times(round: Round, sourceTimes: Float64Array): void {
    let separator = ',"dt":{';
    for (let at = 0; at < round.points.length; at++) {
      const difference = Math.round((sourceTimes[at] ?? Number.NaN) - round.receivedUtc);
      if (difference === 0) continue;
      const isUnknown = !Number.isFinite(difference);
      // No value, no time of a value. A value of unknown time says so by null.
      if (isUnknown && isBad(round.quality[at] ?? MALFORMED)) continue;
      this.#ascii(separator);
      separator = ",";
      this.#append(this.#pointOf(round.points[at]).key);
      if (isUnknown) this.#append(NULL);
      else this.#number(difference);
    }
    if (separator === ",") this.#bytes[this.#end++] = BRACE_CLOSE;
  }

  #pointOf(place: number | undefined): PointBytes {
    const point = this.#points[(place ?? -1) - this.#firstPoint];
    assert(point !== undefined, "a round names a point that its device does not have");
    return point;
  }

  #number(value: number): void {
    this.#end = writeNumber(this.#bytes, this.#end, value);
  }

  #append(part: Uint8Array): void {
    this.#bytes.set(part, this.#end);
    this.#end += part.length;
  }

  #ascii(text: string): void {
    this.#end = writeUtf8(this.#bytes, this.#end, text);
  }
}

/**
 * Marks a finished message as one that comes late, without reading it: `"bf":true` becomes its
 * first member. For any JSON object; one that is marked stays as it is.
 */
export function asBackfill(payload: Uint8Array): Uint8Array {
  assert(payload[0] === BRACE_OPEN, "only a JSON object can be flagged as backfill");
  if (BACKFILL_FLAG.every((byte, at) => payload[1 + at] === byte)) return payload;
  const isEmpty = payload[1] === BRACE_CLOSE;
  const flagged = new Uint8Array(payload.length + BACKFILL_FLAG.length + (isEmpty ? 0 : 1));
  flagged[0] = BRACE_OPEN;
  flagged.set(BACKFILL_FLAG, 1);
  let end = 1 + BACKFILL_FLAG.length;
  if (!isEmpty) flagged[end++] = COMMA;
  flagged.set(payload.subarray(1), end);
  return flagged;
}

function pointBytes(definition: PointDefinition, ordinal: number, form: TelemetryForm): PointBytes {
  const name = form === "columns" ? String(ordinal) : definition.field;
  return {
    key: utf8Bytes(`${JSON.stringify(name)}:`),
    type: definition.type,
    texts: (definition.texts ?? []).map((text) => utf8Bytes(JSON.stringify(text))),
  };
}

/** A value that is missing without a reason is a fault of whoever made the round: malformed. */
function effectiveQuality(point: PointBytes, round: Round, at: number): QualityCode {
  const code = round.quality[at] ?? MALFORMED;
  if (isBad(code)) return code;
  const value = round.values[at];
  if (point.type === "text") return round.texts?.has(at) === true ? code : MALFORMED;
  if (point.type === "enum") return point.texts[value ?? -1] === undefined ? MALFORMED : code;
  return Number.isFinite(value) ? code : MALFORMED;
}

/** Key, value and all remarks of one point at their longest, bytes. */
function pointMaxBytes(point: PointBytes): number {
  const texts = point.texts.map((text) => text.length);
  const text = point.type === "text" ? TEXT_VALUE_MAX_UNITS * JSON_UNIT_MAX_BYTES : 0;
  const value = Math.max(NUMBER_MAX_BYTES, text, ...texts);
  return 4 * (point.key.length + 1) + value + 3 * REMARK_MAX_BYTES;
}
