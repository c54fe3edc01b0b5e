import { GOOD, qualityCode, type QualityCode } from "../../domain/quality.ts";
import { type Reading, type RoundColumns, setBad } from "../../domain/round.ts";
import type { MonotonicMs, UtcMs } from "../../domain/time.ts";
import type { CompiledProfile } from "../../profiles/binding.ts";
import { deriveInto, inputsOf } from "../../profiles/derive.ts";
import { type NodeScalar, takeNodeValue } from "../../profiles/node-value.ts";
import { dataAccessErrorCode } from "../../wire/mms/error-words.ts";
import { gatewayQuality, valueTime } from "../../wire/mms/gateway-quality.ts";
import type { FunctionalConstraint } from "../../wire/mms/names.ts";
import { decodeQuality, type Quality61850 } from "../../wire/mms/quality.ts";
import type { UtcTime } from "../../wire/mms/time.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";
import type { LiveNode, NodeSource, SourcePart } from "./live-node.ts";
import { partOf, scalarOf } from "./scalar.ts";

const NEVER_READ = qualityCode("never-read");
/** @see IEC 61850-7-3, section 7.6 (status settings), section 7.7 (analogue settings) */
const SETTINGS: ReadonlySet<FunctionalConstraint> = new Set(["SP", "SG", "SE", "CF", "DC"]);
const NOT_IMPLEMENTED = qualityCode("not-implemented");
const EXCEPTION = qualityCode("device-exception");
const MALFORMED = qualityCode("malformed");
const ABSENT_CODES: ReadonlySet<number> = new Set([
  dataAccessErrorCode("object-non-existent"),
  dataAccessErrorCode("object-undefined"),
  dataAccessErrorCode("object-access-unsupported"),
]);

/** What the device last said of one node. */
interface Said {
  readonly node: LiveNode;
  scalar: NodeScalar | undefined;
  quality: Quality61850 | undefined;
  time: UtcTime | undefined;
  /** The time came with what was touched. */
  isTimeNew: boolean;
  /** The device could not give it. */
  fault: QualityCode | undefined;
  sourceUtcMs: number;
}

/** When the values of a reading came. */
export interface Arrival {
  readonly receivedAt: MonotonicMs;
  readonly receivedUtc: UtcMs;
  /**
   * When the device noted it, for values of the past: stands for the time of a value that has none
   * of its own, or one that cannot be trusted.
   */
  readonly notedUtc?: UtcMs | undefined;
  /** The device tells what has just happened: its time should be now. */
  readonly isEvent?: boolean;
}

/**
 * The points of a device as its answers and reports bring them, part by part: a report may tell a
 * value without its quality, or the quality alone. What was touched since the last reading is the
 * next one.
 */
export class NodeTable {
  /** By ordinal; changes only when a reading is made. */
  readonly columns: RoundColumns;
  /** Values whose clock is more than two seconds off, since the table was made. */
  skewed = 0;
  readonly #profile: CompiledProfile;
  readonly #firstPoint: number;
  readonly #said = new Map<LiveNode, Said>();
  readonly #behaviours = new Map<string, number>();
  readonly #touched = new Set<Said>();
  readonly #sourceTimes: Float64Array;
  readonly #round: {
    readonly points: Uint32Array;
    readonly values: Float64Array;
    readonly quality: Uint8Array;
    readonly sourceTimes: Float64Array;
    readonly texts: Map<number, string>;
  };

  /** @param firstPoint place of the profile's first point in the site's table */
  constructor(profile: CompiledProfile, firstPoint: number) {
    this.#profile = profile;
    this.#firstPoint = firstPoint;
    const count = profile.points.length;
    this.columns = {
      values: new Float64Array(count).fill(Number.NaN),
      quality: new Uint8Array(count).fill(NEVER_READ),
      texts: new Map(),
    };
    this.#sourceTimes = new Float64Array(count).fill(Number.NaN);
    this.#round = {
      points: new Uint32Array(count),
      values: new Float64Array(count),
      quality: new Uint8Array(count),
      sourceTimes: new Float64Array(count),
      texts: new Map(),
    };
  }

  /** The nodes that the device has now; what was known of others is forgotten. */
  follow(nodes: readonly LiveNode[]): void {
    this.#said.clear();
    this.#touched.clear();
    for (const node of nodes) {
      this.#said.set(node, {
        node,
        scalar: undefined,
        quality: undefined,
        time: undefined,
        isTimeNew: false,
        fault: undefined,
        sourceUtcMs: Number.NaN,
      });
    }
  }

  /** Takes in what the device sent of one variable. */
  take(source: NodeSource, value: AccessResult): void {
    for (const part of source.parts) {
      const said = this.#said.get(part.node);
      if (said === undefined) continue;
      this.#touched.add(said);
      if (value.kind === "error") said.fault = faultOf(value.code);
      else takePart(said, part, value);
    }
  }

  /** @param node `LD/LN` */
  setBehaviour(node: string, behaviour: number | undefined): void {
    if (this.#behaviours.get(node) === behaviour) return;
    if (behaviour === undefined) this.#behaviours.delete(node);
    else this.#behaviours.set(node, behaviour);
    for (const said of this.#said.values()) {
      const isKnown = said.scalar !== undefined || said.fault !== undefined;
      if (said.node.node === node && isKnown) this.#touched.add(said);
    }
  }

  /** What was touched since the last reading; undefined when nothing was. Valid until the next. */
  reading(arrival: Arrival): Reading | undefined {
    if (this.#touched.size === 0) return undefined;
    const ordinals: number[] = [];
    for (const said of this.#touched) {
      this.#finish(said, arrival);
      ordinals.push(said.node.point.ordinal);
    }
    this.#touched.clear();
    this.#derive(ordinals, arrival);
    return this.#readingOf(ordinals, arrival);
  }

  /** Points as they are, but with this quality: nobody knows whether they are still the same. */
  doubted(ordinals: readonly number[], quality: QualityCode, arrival: Arrival): Reading {
    const own = ordinals.filter((ordinal) => !Number.isNaN(this.columns.values[ordinal]));
    for (const ordinal of own) this.columns.quality[ordinal] = quality;
    return this.#readingOf(own, arrival);
  }

  /** Points that the device cannot have. */
  refused(ordinals: readonly number[], quality: QualityCode, arrival: Arrival): Reading {
    for (const ordinal of ordinals) setBad(this.columns, ordinal, quality);
    return this.#readingOf(ordinals, arrival);
  }

  #finish(said: Said, arrival: Arrival): void {
    const { node, scalar } = said;
    const { point, conversion, scale } = node;
    const behaviour = this.#behaviours.get(node.node);
    const known = isSetting(node) ? GOOD : gatewayQuality(said.quality, behaviour);
    const quality = said.fault ?? known;
    takeNodeValue({ point, conversion, scale, quality }, scalar, this.columns);
    const { orderUtcMs } = valueTime(said.time, arrival.notedUtc ?? arrival.receivedUtc);
    if (isOff(said, arrival)) this.skewed += 1;
    said.isTimeNew = false;
    this.#sourceTimes[point.ordinal] = orderUtcMs;
  }

  #derive(ordinals: number[], { receivedUtc }: Arrival): void {
    const { derived } = this.#profile;
    if (derived.length === 0) return;
    deriveInto(this.#profile, this.columns);
    const touched = new Set(ordinals);
    for (const { ordinal, operation } of derived) {
      if (!inputsOf(operation).some((input) => touched.has(input))) continue;
      touched.add(ordinal);
      ordinals.push(ordinal);
      this.#sourceTimes[ordinal] = receivedUtc;
    }
  }

  #readingOf(ordinals: readonly number[], arrival: Arrival): Reading {
    const { points, values, quality, sourceTimes, texts } = this.#round;
    const { columns } = this;
    texts.clear();
    for (const [at, ordinal] of ordinals.entries()) {
      points[at] = this.#firstPoint + ordinal;
      values[at] = columns.values[ordinal] ?? Number.NaN;
      quality[at] = columns.quality[ordinal] ?? NEVER_READ;
      sourceTimes[at] = this.#sourceTimes[ordinal] ?? Number.NaN;
      const text = columns.texts.get(ordinal);
      if (text !== undefined) texts.set(at, text);
    }
    const count = ordinals.length;
    return {
      points: points.subarray(0, count),
      values: values.subarray(0, count),
      quality: quality.subarray(0, count),
      sourceTimes: sourceTimes.subarray(0, count),
      texts: texts.size === 0 ? undefined : texts,
      receivedAt: arrival.receivedAt,
      receivedUtc: arrival.receivedUtc,
    };
  }
}

/** A setting measures nothing: the classes of settings have no quality at all. */
function isSetting({ value, quality }: LiveNode): boolean {
  return quality === undefined && value.fc !== undefined && SETTINGS.has(value.fc);
}

function takePart(said: Said, { part, indexes }: SourcePart, value: MmsValue): void {
  const own = partOf(value, indexes);
  if (part === "value") {
    said.scalar = own === undefined ? undefined : scalarOf(own);
    said.fault = said.scalar === undefined ? MALFORMED : undefined;
  } else if (part === "quality") {
    said.quality = own?.kind === "bits" ? decodeQuality(own) : undefined;
  } else {
    said.time = own?.kind === "utc-time" ? own : undefined;
    said.isTimeNew = true;
  }
}

/** A value that stands for long has an old time by right; one of just now, or of later, has not. */
function isOff({ time, isTimeNew }: Said, { receivedUtc, notedUtc, isEvent }: Arrival): boolean {
  if (!isTimeNew || notedUtc !== undefined) return false;
  const { sourceUtcMs = receivedUtc, isSkewed } = valueTime(time, receivedUtc);
  return isSkewed && (isEvent === true || sourceUtcMs > receivedUtc);
}

function faultOf(code: number): QualityCode {
  return ABSENT_CODES.has(code) ? NOT_IMPLEMENTED : EXCEPTION;
}
