import type { ControlConfig } from "../config/schema.ts";
import type { BatteryUnitPlan } from "../control/plan.ts";
import type { SmoothingSettings } from "../control/smoothing/settings.ts";

/** Way of a command to a converter and its answer, where the site says nothing, ms. */
const ANSWER_MS = 35;
/** A command holds for a cycle, and what it did is read at the end of one: part of the cycle. */
const HOLD_SHARE = 0.25;
/** A deadband of a site that names none, part of the batteries' power. */
const DEADBAND_SHARE = 0.005;
const J_PER_WH = 3_600;
const W_PER_KW = 1_000;
const PERCENT = 100;

/**
 * What smoothing has to know, from the site file; undefined where the site does not smooth.
 *
 * @param feederMs how often the load is read
 */
export function smoothingSettings(
  control: ControlConfig,
  units: readonly BatteryUnitPlan[],
  feederMs: number,
): SmoothingSettings | undefined {
  const { smoothing, grid, periodMs } = control;
  if (smoothing === undefined) return undefined;
  const sum = (of: (unit: BatteryUnitPlan) => number): number =>
    units.reduce((total, unit) => total + of(unit), 0);
  const dischargeRatingW = sum((unit) => unit.dischargeRatingW);
  const chargeRatingW = sum((unit) => unit.chargeRatingW);
  const { meterPeriodMs, delayMaxMs, efficiencyPercent } = smoothing;
  // A value is as old as half of its meter's period, and waits for half of the time between polls.
  const ageMs = smoothing.meterMeans ? meterPeriodMs : meterPeriodMs / 2;
  const waitMs = Math.max(0, feederMs - periodMs) / 2;
  const unseenMs = ageMs + waitMs + HOLD_SHARE * periodMs;
  const delayMs = smoothing.delayMs ?? unseenMs + periodMs + ANSWER_MS;
  return {
    cycleMs: periodMs,
    meterPeriodMs,
    delayMs: Math.min(delayMs, delayMaxMs),
    unseenMs,
    delayMaxMs,
    rampUpWPerS: grid.rampUpKwPerS * W_PER_KW,
    rampDownWPerS: grid.rampDownKwPerS * W_PER_KW,
    lowW: smoothing.loadMinKw * W_PER_KW,
    highW: smoothing.loadMaxKw * W_PER_KW,
    dischargeRatingW,
    chargeRatingW,
    dischargeEfficiency: efficiencyPercent / PERCENT,
    chargeEfficiency: efficiencyPercent / PERCENT,
    // The charge is told in steps: that much it may be wrong.
    energyErrorJ:
      sum(({ capacityWh, soc }) => capacityWh * (soc.resolutionPercent / PERCENT)) * J_PER_WH,
    deadbandW: inW(smoothing.deadbandKw) ?? dischargeRatingW * DEADBAND_SHARE,
    dailyThroughputJ: (inW(smoothing.dailyEnergyKwh) ?? Infinity) * J_PER_WH,
    lineLimitW: inW(smoothing.lineLimitKw) ?? Infinity,
    blindMs: grid.blindMs,
  };
}

function inW(kw: number | undefined): number | undefined {
  return kw === undefined ? undefined : kw * W_PER_KW;
}
