import { W_PER_L_PER_MIN_K } from "./coolant-flow.ts";

/**
 * The electro-thermal guard: whether something that somebody wants to do with load or cooling
 * keeps the coolant inside its limits. It forecasts where the loop would settle and answers in
 * numbers; it never does anything itself.
 *
 * Safe direction: what cannot be forecast is refused.
 */
export interface CoolantGuardSettings {
  /** The coolant has to stay so far below its limits, K. */
  readonly marginK: number;
  readonly supplyLimitCel: number;
  readonly returnLimitCel: number;
  /** Rise over the racks above which no chip is promised its coolant, K; §6: 8 to 12. */
  readonly riseMaximumK: number;
}

/** Limits of the demo site's alarms (§2): supply warm at 42, return warm at 52. */
export const COOLANT_GUARD_DEFAULTS: CoolantGuardSettings = {
  marginK: 1,
  supplyLimitCel: 45,
  returnLimitCel: 60,
  riseMaximumK: 20,
};

export type CoolantAsk =
  /** More heat into the loop: a shed is released, a job starts. */
  | { readonly kind: "raise-heat"; readonly byW: number }
  /** Pre-cooling: colder coolant than now. */
  | { readonly kind: "supply-setpoint"; readonly setpointCel: number }
  /** Another speed of the pumps. */
  | { readonly kind: "pump-speed"; readonly percent: number };

/** What is known of the loop; NaN: not known. */
export interface CoolantSight {
  readonly heatW: number;
  readonly flowLPerMin: number;
  readonly supplyCel: number;
  readonly speedPercent: number;
  /** Coldest that may be asked for, Cel. */
  readonly floorCel: number;
  /** A cause to shed load stands, or is not known to be gone. */
  readonly isCauseThere: boolean;
  /** A leak holds the zone shut. */
  readonly isIsolated: boolean;
}

export type CoolantVerdict =
  | { readonly result: "allowed"; readonly returnCel: number }
  | { readonly result: "refused"; readonly reason: "cause-present" }
  | { readonly result: "refused"; readonly reason: "coolant-unknown" }
  | {
      readonly result: "refused";
      readonly reason: "below-dew-point";
      readonly askedCel: number;
      readonly lowestCel: number;
    }
  | {
      readonly result: "refused";
      readonly reason: "coolant-limit";
      /** Where the loop would settle, and where it may at most, Cel. */
      readonly forecastCel: number;
      readonly highestCel: number;
    };

export type CoolantRefusal = Extract<CoolantVerdict, { readonly result: "refused" }>["reason"];

/** Whether the coolant allows it. */
export function judgeCoolant(
  ask: CoolantAsk,
  sight: CoolantSight,
  settings: CoolantGuardSettings,
): CoolantVerdict {
  switch (ask.kind) {
    case "raise-heat": {
      if (ask.byW > 0 && sight.isCauseThere) return { result: "refused", reason: "cause-present" };
      return judgeReturn(sight, sight.heatW + ask.byW, sight.flowLPerMin, settings);
    }
    case "supply-setpoint":
      return judgeSetpoint(ask.setpointCel, sight, settings);
    case "pump-speed": {
      if (sight.isIsolated && ask.percent > 0)
        return { result: "refused", reason: "cause-present" };
      // More flow than now never does harm; less is like more heat.
      if (ask.percent >= sight.speedPercent) return allowed(sight, sight.heatW, sight.flowLPerMin);
      if (sight.isCauseThere) return { result: "refused", reason: "cause-present" };
      const flow = (sight.flowLPerMin * Math.max(0, ask.percent)) / sight.speedPercent;
      return judgeReturn(sight, sight.heatW, flow, settings);
    }
  }
}

/** One sentence for people. */
export function coolantWords(verdict: CoolantVerdict): string {
  if (verdict.result === "allowed") return "the coolant allows it";
  switch (verdict.reason) {
    case "cause-present":
      return "what load was asked to go for is not known to be gone";
    case "coolant-unknown":
      return "where the coolant would settle cannot be told from what is known of it";
    case "below-dew-point":
      return (
        `${verdict.askedCel.toFixed(1)} °C is colder than the dew point allows, ` +
        `${verdict.lowestCel.toFixed(1)} °C`
      );
    case "coolant-limit":
      return (
        `the coolant would settle at ${verdict.forecastCel.toFixed(1)} °C, ` +
        `${verdict.highestCel.toFixed(1)} °C is the most`
      );
  }
}

function judgeReturn(
  sight: CoolantSight,
  heatW: number,
  flowLPerMin: number,
  settings: CoolantGuardSettings,
): CoolantVerdict {
  const { marginK, supplyLimitCel, returnLimitCel, riseMaximumK } = settings;
  const { supplyCel } = sight;
  const forecastCel = supplyCel + riseOf(heatW, flowLPerMin);
  // Nor is there a place to settle at without a flow.
  if (!Number.isFinite(forecastCel + flowLPerMin))
    return { result: "refused", reason: "coolant-unknown" };
  const supplyMostCel = supplyLimitCel - marginK;
  if (supplyCel > supplyMostCel)
    return {
      result: "refused",
      reason: "coolant-limit",
      forecastCel: supplyCel,
      highestCel: supplyMostCel,
    };
  const highestCel = Math.min(returnLimitCel - marginK, supplyCel + riseMaximumK);
  if (forecastCel > highestCel)
    return { result: "refused", reason: "coolant-limit", forecastCel, highestCel };
  return { result: "allowed", returnCel: forecastCel };
}

function judgeSetpoint(
  setpointCel: number,
  sight: CoolantSight,
  { supplyLimitCel, marginK }: CoolantGuardSettings,
): CoolantVerdict {
  if (!Number.isFinite(setpointCel) || Number.isNaN(sight.floorCel))
    return { result: "refused", reason: "coolant-unknown" };
  if (setpointCel < sight.floorCel)
    return {
      result: "refused",
      reason: "below-dew-point",
      askedCel: setpointCel,
      lowestCel: sight.floorCel,
    };
  const highestCel = supplyLimitCel - marginK;
  if (setpointCel > highestCel)
    return { result: "refused", reason: "coolant-limit", forecastCel: setpointCel, highestCel };
  return allowed({ ...sight, supplyCel: setpointCel }, sight.heatW, sight.flowLPerMin);
}

function allowed(sight: CoolantSight, heatW: number, flowLPerMin: number): CoolantVerdict {
  return { result: "allowed", returnCel: sight.supplyCel + riseOf(heatW, flowLPerMin) };
}

/** Infinite where coolant stands still under load; none where there is no load. */
function riseOf(heatW: number, flowLPerMin: number): number {
  if (heatW <= 0) return 0;
  if (Number.isNaN(heatW) || Number.isNaN(flowLPerMin)) return Number.NaN;
  return flowLPerMin > 0 ? heatW / (W_PER_L_PER_MIN_K * flowLPerMin) : Infinity;
}
