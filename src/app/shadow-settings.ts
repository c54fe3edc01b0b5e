import type { ControlConfig } from "../config/schema.ts";
import type { ControlPlan } from "../control/plan.ts";
import { controlPlan } from "./control-settings.ts";
import { invalid } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

/**
 * What the shadow works with: the control section with the changes that `control.shadow` names.
 * Devices, limits, envelope and trips are the same by its form. Undefined where there is none.
 *
 * @throws GatewayError CONFIG_INVALID when it takes away what a promise to the grid needs
 */
export function shadowPlan(context: SiteContext): ControlPlan | undefined {
  const { control } = context.site;
  if (control?.shadow === undefined) return undefined;
  const changed = withShadow(control, control.shadow);
  if (changed.frequency !== undefined && changed.smoothing === undefined)
    throw invalid(
      context.site,
      "control.shadow is without smoothing, which control.frequency cannot do without",
    );
  return controlPlan({ ...context, site: { ...context.site, control: changed } });
}

function withShadow(
  { smoothing, ...control }: ControlConfig,
  changes: NonNullable<ControlConfig["shadow"]>,
): ControlConfig {
  const { without, peakCapKw, rampUpKwPerS, rampDownKwPerS } = changes;
  const { peakCapKw: capKw, ...grid } = control.grid;
  const nextCapKw = without.includes("peakCapKw") ? undefined : (peakCapKw ?? capKw);
  const next = without.includes("smoothing") ? undefined : (changes.smoothing ?? smoothing);
  return {
    ...control,
    ...(next === undefined ? {} : { smoothing: next }),
    grid: {
      ...grid,
      ...(nextCapKw === undefined ? {} : { peakCapKw: nextCapKw }),
      rampUpKwPerS: rampUpKwPerS ?? grid.rampUpKwPerS,
      rampDownKwPerS: rampDownKwPerS ?? grid.rampDownKwPerS,
    },
  };
}
