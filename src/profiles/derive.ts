import { GOOD, isBad, qualityCode, worstQuality } from "../domain/quality.ts";
import type { QualityCode } from "../domain/quality.ts";
import { qualityAt, setBad, valueAt } from "../domain/round.ts";
import type { RoundColumns } from "../domain/round.ts";
import type { CompiledProfile, DerivedPoint } from "./binding.ts";
import { isOutside } from "./conversion.ts";

type Operation = DerivedPoint["operation"];

type ListOperation = Exclude<
  Extract<Operation, { readonly of: readonly number[] }>,
  { readonly kind: "difference" | "ratio" }
>;

const NEVER_READ = qualityCode("never-read");
const OUT_OF_RANGE = qualityCode("out-of-range");
const UNKNOWN_CODE = qualityCode("unknown-code");

/**
 * Heat that a litre of warm water takes up, J per litre and kelvin: 0.994 kg/L · 4.18 kJ/(kg·K) at
 * 35 °C. A profile states another figure for a loop with glycol.
 */
const WATER_J_PER_L_K = 4150;
const SECONDS_PER_MINUTE = 60;
const WORD = 0x1_0000;

/** Constants of the Magnus formula over water, Alduchov and Eskridge 1996: −40 to 50 °C. */
const MAGNUS_A = 17.625;
const MAGNUS_B_C = 243.04;

/**
 * Computes the derived points of a device from the points that it gave.
 *
 * The quality of a derived point is that of its worst input. A result that is no number (division
 * by zero) or outside the point's range is bad/out-of-range; a selection that has no case for its
 * selector is bad/unknown-code.
 *
 * @param columns of all points of the device, by ordinal
 */
export function deriveInto(profile: CompiledProfile, columns: RoundColumns): void {
  for (const derived of profile.derived) {
    const { ordinal, operation } = derived;
    const quality = qualityOfInputs(operation, columns);
    if (isBad(quality)) {
      setBad(columns, ordinal, quality);
      continue;
    }
    const value = resultOf(operation, columns);
    const range = profile.points[ordinal]?.range;
    if (value === undefined) {
      setBad(columns, ordinal, UNKNOWN_CODE);
    } else if (!Number.isFinite(value) || isOutside(range, value)) {
      setBad(columns, ordinal, OUT_OF_RANGE);
    } else {
      columns.values[ordinal] = value;
      columns.quality[ordinal] = quality;
    }
  }
}

/** Ordinals of the points that an operation reads. */
export function inputsOf(operation: Operation): readonly number[] {
  switch (operation.kind) {
    case "heat":
      return [operation.flow, operation.warm, operation.cold];
    case "dew-point":
      return [operation.temperature, operation.humidity];
    case "select":
      return [operation.by, ...operation.cases.values()];
    case "splice":
      return [operation.high, operation.low];
    case "scale":
      return [operation.of];
    default:
      return operation.of;
  }
}

function qualityOfInputs(operation: Operation, columns: RoundColumns): QualityCode {
  if (operation.kind === "select") return qualityOfSelection(operation, columns);
  let worst = GOOD;
  for (const ordinal of inputsOf(operation)) {
    const quality = qualityAt(columns, ordinal);
    // "Never read" says least of all reasons: any other bad input explains more.
    worst = worst === NEVER_READ && isBad(quality) ? quality : worstQuality(worst, quality);
  }
  return worst;
}

/** A case that is not selected may be bad: only the selector and the chosen point count. */
function qualityOfSelection(
  operation: Extract<Operation, { kind: "select" }>,
  columns: RoundColumns,
): QualityCode {
  const quality = qualityAt(columns, operation.by);
  const chosen = operation.cases.get(valueAt(columns, operation.by));
  if (isBad(quality) || chosen === undefined) return quality;
  return worstQuality(quality, qualityAt(columns, chosen));
}

/** Undefined when a selection has no case for the value. */
function resultOf(operation: Operation, columns: RoundColumns): number | undefined {
  switch (operation.kind) {
    case "difference":
      return valueAt(columns, operation.of[0]) - valueAt(columns, operation.of[1]);
    case "ratio":
      return valueAt(columns, operation.of[0]) / valueAt(columns, operation.of[1]);
    case "scale":
      return valueAt(columns, operation.of) * operation.factor + operation.offset;
    case "heat":
      return heatW(operation, columns);
    case "dew-point":
      return dewPointC(
        valueAt(columns, operation.temperature),
        valueAt(columns, operation.humidity),
      );
    case "select": {
      const chosen = operation.cases.get(valueAt(columns, operation.by));
      return chosen === undefined ? undefined : valueAt(columns, chosen);
    }
    case "splice":
      return valueAt(columns, operation.high) * WORD + valueAt(columns, operation.low);
    default:
      return fold(operation, columns);
  }
}

function fold(operation: ListOperation, columns: RoundColumns): number {
  const values = operation.of.map((ordinal) => valueAt(columns, ordinal));
  switch (operation.kind) {
    case "sum":
      return sumOf(values);
    case "mean":
      return sumOf(values) / values.length;
    case "maximum":
      return Math.max(...values);
    case "minimum":
      return Math.min(...values);
    case "product":
      return values.reduce((product, value) => product * value, 1);
    case "any":
      return values.some((value) => value !== 0) ? 1 : 0;
    case "all":
      return values.every((value) => value !== 0) ? 1 : 0;
    case "count":
      return values.filter((value) => value !== 0).length;
  }
}

/** Heat carried from the warm to the cold side, W; flow in L/min, temperatures in °C. */
function heatW(operation: Extract<Operation, { kind: "heat" }>, columns: RoundColumns): number {
  const flowLPerS = valueAt(columns, operation.flow) / SECONDS_PER_MINUTE;
  const spreadK = valueAt(columns, operation.warm) - valueAt(columns, operation.cold);
  return flowLPerS * spreadK * (operation.capacityJPerLK ?? WATER_J_PER_L_K);
}

/** Temperature at which air of this temperature and relative humidity would be saturated, °C. */
function dewPointC(temperatureC: number, humidityPct: number): number {
  const gamma =
    Math.log(humidityPct / 100) + (MAGNUS_A * temperatureC) / (MAGNUS_B_C + temperatureC);
  return (MAGNUS_B_C * gamma) / (MAGNUS_A - gamma);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
