import { assert } from "../../domain/assert.ts";
import type { QualityCode } from "../../domain/quality.ts";
import { type Reading, type RoundColumns, setBad } from "../../domain/round.ts";
import type { MonotonicMs, UtcMs } from "../../domain/time.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import { decodeBit, decodePoint, finishPoint, needsFinish, slotOf } from "../../profiles/decode.ts";
import type { PointSlot } from "../../profiles/decode.ts";
import { inputsOf } from "../../profiles/derive.ts";
import { replyBytes } from "../../wire/modbus/client-codec.ts";
import { readBit } from "../../wire/modbus/codec.ts";
import { isBitTable } from "../../wire/modbus/registers.ts";
import type { LinkRead, LinkTerms } from "./link.ts";
import type { PlannedPlace, PlannedPoint, PlannedRead, ReadPlan } from "./planner.ts";

/** One request of a round with its place in the round's answer buffer. */
export interface RoundRead extends PlannedRead, LinkRead {
  readonly byteOffset: number;
}

/** Registers that gave no value in this round. */
export interface FailedSpan {
  readonly read: RoundRead;
  readonly first: number;
  readonly last: number;
  readonly quality: QualityCode;
}

interface BitSlot {
  readonly point: BoundPoint;
  readonly bit: number;
}

/** How to run and decode one kind of round: made once, used for every round; keeps its arrays. */
export interface RoundPlan {
  readonly reads: readonly RoundRead[];
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly slots: readonly PointSlot[];
  readonly bits: readonly BitSlot[];
  /** Slots whose scale factor comes with the answer. */
  readonly scaled: readonly PointSlot[];
  readonly finishes: readonly BoundPoint[];
  readonly points: readonly PlannedPoint[];
  /** Ordinals in a reading of this plan: what is read, then what is derived from it. */
  readonly ordinals: Uint32Array;
  /** Position in a reading by ordinal; -1 for a point that is not in it. */
  readonly positions: Int32Array;
  readonly columns: {
    readonly points: Uint32Array;
    readonly values: Float64Array;
    readonly quality: Uint8Array;
    readonly texts: Map<number, string>;
  };
}

export interface RoundPlanInput {
  readonly plan: ReadPlan;
  readonly profile: CompiledProfile;
  /** Place of the profile's first point in the site's table. */
  readonly firstPoint: number;
  readonly terms: LinkTerms;
  /** Power of ten by ordinal, as last read; NaN while not known. */
  readonly exponents: Float64Array;
}

export function makeRoundPlan(input: RoundPlanInput): RoundPlan {
  const { plan, profile, firstPoint } = input;
  const reads: RoundRead[] = [];
  let byteOffset = 0;
  for (const read of plan.reads) {
    reads.push({ ...read, ...input.terms, byteOffset });
    byteOffset += replyBytes(read);
  }
  const bytes = new Uint8Array(byteOffset);
  const { slots, bits } = slotsOf(plan, reads, input.exponents);
  const ordinals = ordinalsOf(plan, profile);
  const positions = new Int32Array(profile.points.length).fill(-1);
  ordinals.forEach((ordinal, position) => (positions[ordinal] = position));
  return {
    reads,
    bytes,
    view: new DataView(bytes.buffer),
    slots,
    bits,
    scaled: slots.filter((slot) => slot.sfByteOffset !== undefined),
    finishes: plan.points.map(({ point }) => point).filter(needsFinish),
    points: plan.points,
    ordinals,
    positions,
    columns: {
      points: ordinals.map((ordinal) => firstPoint + ordinal),
      values: new Float64Array(ordinals.length),
      quality: new Uint8Array(ordinals.length),
      texts: new Map(),
    },
  };
}

/**
 * Decodes the answers of a round into the columns of the device.
 *
 * @param device columns of all points of the device, by ordinal
 */
export function decodeRound(
  plan: RoundPlan,
  failed: readonly FailedSpan[],
  device: RoundColumns,
): void {
  for (const slot of plan.slots) decodePoint(slot, plan.view, device, slot.point.ordinal);
  for (const { point, bit } of plan.bits) {
    decodeBit(point, readBit(plan.bytes, bit), device, point.ordinal);
  }
  if (failed.length > 0) spoil(plan, failed, device);
  for (const point of plan.finishes) finishPoint(point, device);
}

/** Copies the plan's points out of the device's columns; the arrays are the plan's own. */
export function readingOf(
  plan: RoundPlan,
  device: RoundColumns,
  at: { readonly receivedAt: MonotonicMs; readonly receivedUtc: UtcMs },
): Reading {
  const { ordinals, columns } = plan;
  const { points, values, quality, texts } = columns;
  for (let position = 0; position < ordinals.length; position += 1) {
    const ordinal = ordinals[position] ?? 0;
    values[position] = device.values[ordinal] ?? Number.NaN;
    quality[position] = device.quality[ordinal] ?? 0;
  }
  texts.clear();
  for (const [ordinal, text] of device.texts) {
    const position = plan.positions[ordinal] ?? -1;
    if (position >= 0) texts.set(position, text);
  }
  return {
    points,
    values,
    quality,
    sourceTimes: undefined,
    texts: texts.size === 0 ? undefined : texts,
    receivedAt: at.receivedAt,
    receivedUtc: at.receivedUtc,
  };
}

function slotsOf(
  plan: ReadPlan,
  reads: readonly RoundRead[],
  exponents: Float64Array,
): { readonly slots: PointSlot[]; readonly bits: BitSlot[] } {
  const slots: PointSlot[] = [];
  const bits: BitSlot[] = [];
  for (const { point, place, scaleFactor } of plan.points) {
    const read = readAt(reads, place);
    if (isBitTable(read.table)) {
      bits.push({ point, bit: read.byteOffset * 8 + place.offset });
      continue;
    }
    const factorAt = scaleFactor === undefined ? undefined : byteAt(reads, scaleFactor);
    const slot = slotOf(point, byteAt(reads, place), factorAt);
    if (Number.isNaN(slot.exponent)) slot.exponent = exponents[point.ordinal] ?? Number.NaN;
    slots.push(slot);
  }
  return { slots, bits };
}

function ordinalsOf(plan: ReadPlan, profile: CompiledProfile): Uint32Array {
  const inRound = new Set(plan.points.map(({ point }) => point.ordinal));
  const ordinals = [...inRound];
  for (const { ordinal, operation } of profile.derived) {
    if (!inputsOf(operation).some((input) => inRound.has(input))) continue;
    inRound.add(ordinal);
    ordinals.push(ordinal);
  }
  return Uint32Array.from(ordinals);
}

/** Points whose registers, or whose scale factor, were refused or garbled in this round. */
function spoil(plan: RoundPlan, failed: readonly FailedSpan[], device: RoundColumns): void {
  for (const { point, place, scaleFactor } of plan.points) {
    assert(point.read !== undefined, "planned points are read");
    const reason =
      failureOf(plan.reads, failed, place, point.read.count) ??
      (scaleFactor === undefined ? undefined : failureOf(plan.reads, failed, scaleFactor, 1));
    if (reason === undefined) continue;
    setBad(device, point.ordinal, reason);
    // What stands in the buffer is no scale factor.
    const slot = plan.scaled.find((scaled) => scaled.point === point);
    if (slot !== undefined) slot.exponent = Number.NaN;
  }
}

function failureOf(
  reads: readonly RoundRead[],
  failed: readonly FailedSpan[],
  place: PlannedPlace,
  count: number,
): QualityCode | undefined {
  const read = readAt(reads, place);
  const first = read.address + place.offset;
  return failed.find(
    (span) => span.read === read && span.first < first + count && span.last >= first,
  )?.quality;
}

function byteAt(reads: readonly RoundRead[], place: PlannedPlace): number {
  return readAt(reads, place).byteOffset + place.offset * 2;
}

function readAt(reads: readonly RoundRead[], place: PlannedPlace): RoundRead {
  const read = reads[place.read];
  assert(read !== undefined, "a planned place is in one of the plan's reads");
  return read;
}
