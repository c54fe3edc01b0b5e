import { numberAt } from "../points/number-at.ts";

/**
 * How much battery power a deviation of the grid frequency asks for: a straight line between the
 * points, and beyond the first and the last the value of that point. Ascending deviations.
 */
export type FrequencyShape = readonly ShapePoint[];

export interface ShapePoint {
  /** Frequency − nominal, Hz: negative where power is missing. */
  readonly deviationHz: number;
  /** Part of the power that is kept for it: 1 full discharge, −1 full charge. */
  readonly powerShare: number;
}

export interface Droop {
  /** Nothing is asked inside it, Hz. */
  readonly deadBandHz: number;
  /** Full power from this deviation on, Hz. */
  readonly fullAtHz: number;
  /** `low` answers low frequency only, by discharge; `high` high frequency only, by charge. */
  readonly direction: "both" | "low" | "high";
}

/** Linear from the edge of the dead band to full power. */
export function droopShape({ deadBandHz, fullAtHz, direction }: Droop): FrequencyShape {
  const low = [
    { deviationHz: -fullAtHz, powerShare: 1 },
    { deviationHz: -deadBandHz, powerShare: 0 },
  ];
  const high = [
    { deviationHz: deadBandHz, powerShare: 0 },
    { deviationHz: fullAtHz, powerShare: -1 },
  ];
  if (direction === "low") return low;
  if (direction === "high") return high;
  return deadBandHz > 0 ? [...low, ...high] : [...low, ...high.slice(1)];
}

/** What is wrong with a shape, for whoever configured it; undefined: nothing. */
export function shapeProblem(shape: FrequencyShape): string | undefined {
  if (shape.length < 2) return "a shape has at least two points";
  for (const [place, { deviationHz, powerShare }] of shape.entries()) {
    if (!Number.isFinite(deviationHz) || !(Math.abs(powerShare) <= 1))
      return `point ${place + 1} is not a deviation with a share from -1 to 1`;
    const next = shape[place + 1];
    if (next === undefined) continue;
    if (!(next.deviationHz > deviationHz)) return "deviations do not ascend";
    if (next.powerShare > powerShare) return "a higher frequency asks for more discharge";
  }
  return shareOfPoints(shape, 0) === 0 ? undefined : "at nominal frequency power is asked for";
}

/** A shape as columns: read in every cycle. */
export interface ShapeTable {
  readonly deviationsHz: Float64Array;
  readonly powerShares: Float64Array;
}

export function shapeTable(shape: FrequencyShape): ShapeTable {
  return {
    deviationsHz: Float64Array.from(shape, ({ deviationHz }) => deviationHz),
    powerShares: Float64Array.from(shape, ({ powerShare }) => powerShare),
  };
}

/** The part of the power that a deviation asks for: positive is discharge. */
export function powerShareAt(table: ShapeTable, deviationHz: number): number {
  const { deviationsHz, powerShares } = table;
  let above = 0;
  while (above < deviationsHz.length && numberAt(deviationsHz, above) < deviationHz) above += 1;
  if (above === 0) return numberAt(powerShares, 0);
  const beforeShare = numberAt(powerShares, above - 1);
  if (above === deviationsHz.length) return beforeShare;
  const beforeHz = numberAt(deviationsHz, above - 1);
  const done = (deviationHz - beforeHz) / (numberAt(deviationsHz, above) - beforeHz);
  return beforeShare + done * (numberAt(powerShares, above) - beforeShare);
}

function shareOfPoints(shape: FrequencyShape, deviationHz: number): number {
  return powerShareAt(shapeTable(shape), deviationHz);
}
