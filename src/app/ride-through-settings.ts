import type { ControlConfig } from "../config/schema.ts";
import type { RideThroughConfig } from "../config/schema-levels.ts";
import type { GridFlagPlan, GridVoltagePlan, RideThroughPlan } from "../control/plan.ts";
import { input, invalid, requireInput } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

const PERCENT = 100;
/** What a point without words of its own says. */
const YES_AND_NO = ["false", "true"];

/**
 * How a loss of the grid is known, from the site file.
 *
 * @throws GatewayError CONFIG_INVALID where nothing could say it, or a word is none of its point's
 */
export function rideThroughPlan(
  context: SiteContext,
  { rideThrough, grid }: Pick<ControlConfig, "rideThrough" | "grid">,
): RideThroughPlan | undefined {
  if (rideThrough === undefined) return undefined;
  const { lostBy, returnMs, batteries } = rideThrough;
  const voltage = voltagePlan(context, grid.meter, rideThrough);
  if (voltage === undefined && lostBy.length === 0)
    throw invalid(
      context.site,
      "control/rideThrough needs meters/nominalVoltageV and a voltage at the grid meter, or lostBy",
    );
  const flags = lostBy.map((flag) => flagPlan(context, flag));
  return { flags, voltage, returnMs, carries: batteries === "carry" };
}

function flagPlan(
  context: SiteContext,
  { device, point: name, lostIf }: RideThroughConfig["lostBy"][number],
): GridFlagPlan {
  const { point, maxAgeMs } = requireInput(context, device, name);
  const { type, texts = YES_AND_NO } = context.table.points[point] ?? {};
  const place = texts.indexOf(lostIf);
  if ((type !== "enum" && type !== "bool") || place < 0)
    throw invalid(context.site, `${device}/${name} never says ${lostIf}: ${texts.join(", ")}`);
  const condition = { point, when: { equals: place }, isActiveLow: false };
  return { name: `${device}/${name}`, condition, maxAgeMs };
}

function voltagePlan(
  context: SiteContext,
  meter: string,
  { lostBelowPercent, backAbovePercent, confirmMs }: RideThroughConfig,
): GridVoltagePlan | undefined {
  const nominalV = context.site.meters?.nominalVoltageV;
  const voltage = input(context, meter, "voltage-ll");
  if (nominalV === undefined || voltage === undefined) return undefined;
  if (backAbovePercent <= lostBelowPercent)
    throw invalid(context.site, "control/rideThrough: it is back above where it is lost");
  return {
    input: voltage,
    lostBelowV: (nominalV * lostBelowPercent) / PERCENT,
    backAboveV: (nominalV * backAbovePercent) / PERCENT,
    confirmMs,
  };
}
