import type { ControlConfig } from "../config/schema.ts";
import type { BatteryUnitPlan, ReactivePlan, ReactiveUnitPlan } from "../control/plan.ts";
import { REACTIVE_DEFAULTS } from "../control/reactive.ts";
import { conversionTo } from "../domain/vocabulary/vocabulary.ts";
import { boundOf, envelopeOf, input, invalid, pointOf } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

const POINT = "reactive-power-setpoint";
/** Smallest change worth a write where the profile says nothing, VAr. */
const STEP_VAR = 1_000;
const VAR_PER_KVAR = 1_000;
const PERCENT = 100;

/**
 * What the batteries do with reactive power, from the site file.
 *
 * @throws GatewayError CONFIG_INVALID where it is asked for and nothing could be done
 */
export function reactivePlan(
  context: SiteContext,
  { reactive, grid, batteries }: ControlConfig,
  units: readonly BatteryUnitPlan[],
): ReactivePlan | undefined {
  if (reactive === undefined) return undefined;
  const nominalV = context.site.meters?.nominalVoltageV;
  if (nominalV === undefined)
    throw invalid(context.site, "control/reactive needs meters/nominalVoltageV");
  const voltage = input(context, grid.meter, "voltage-ll");
  if (voltage === undefined) throw invalid(context.site, `${grid.meter} has no point voltage-ll`);
  const apparentKva = new Map(
    batteries.flatMap((battery) => battery.units.map((unit) => [unit, battery.unitApparentKva])),
  );
  const own = units.map((unit) => unitPlan(context, unit, apparentKva.get(unit.asset)));
  if (own.every((unit) => unit === undefined))
    throw invalid(context.site, `no battery has a ${POINT} that may be written`);
  return {
    settings: {
      ...REACTIVE_DEFAULTS,
      lowPu: reactive.lowPercent / PERCENT,
      highPu: reactive.highPercent / PERCENT,
    },
    voltage,
    nominalV,
    askedVar: reactive.powerKvar * VAR_PER_KVAR,
    eventVar: reactive.eventKvar === undefined ? undefined : reactive.eventKvar * VAR_PER_KVAR,
    units: own,
  };
}

/** Undefined for a unit whose profile cannot write the point, or that the envelope leaves out. */
function unitPlan(
  context: SiteContext,
  { asset, dischargeRatingW, chargeRatingW }: BatteryUnitPlan,
  apparentKva: number | undefined,
): ReactiveUnitPlan | undefined {
  const setpoint = pointOf(context, asset, POINT);
  const write = boundOf(context, asset, POINT)?.write;
  const range = envelopeOf(context, asset, POINT);
  if (setpoint === undefined || write === undefined || range === undefined) return undefined;
  if (conversionTo("var", range.unit) === undefined)
    throw invalid(context.site, `the envelope of ${asset}/${POINT} is not in var or kvar`);
  return {
    setpoint,
    apparentVa:
      apparentKva === undefined
        ? Math.max(dischargeRatingW, chargeRatingW)
        : apparentKva * VAR_PER_KVAR,
    stepVar: Math.max(write.step ?? STEP_VAR, 1),
  };
}
