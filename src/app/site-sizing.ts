import type { BatteryUnitPlan, ControlPlan } from "../control/plan.ts";
import { sizing, sizingText } from "../control/sizing.ts";

const J_PER_WH = 3_600;
const PERCENT = 100;

/**
 * What the site's battery guarantees at its ramp limits, what it would need, and what nothing can,
 * in sentences; none where the load is not smoothed.
 */
export function sizingLines({ smoothing, grid, units }: ControlPlan): readonly string[] {
  if (smoothing === undefined) return [];
  const sum = (percentOf: (unit: BatteryUnitPlan) => number): number =>
    units.reduce(
      (sumJ, unit) => sumJ + (percentOf(unit) / PERCENT) * unit.capacityWh * J_PER_WH,
      0,
    );
  const floorOf = ({ soc }: BatteryUnitPlan): number =>
    Math.max(soc.reservePercent, soc.minPercent);
  const report = sizing({
    settings: smoothing,
    usableJ: sum((unit) => unit.soc.maxPercent - floorOf(unit)),
    reserveJ: sum(floorOf),
    capacityJ: sum(() => PERCENT),
    // Nobody says what the reserve is for: it is told for the highest load.
    rideThroughW: smoothing.highW,
    peakCapW: grid.peakCapW,
  });
  return sizingText(report);
}
