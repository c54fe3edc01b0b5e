import { UNIT_DELAY } from "../config/point-table.ts";
import type { ControlStatus } from "../control/exchange.ts";
import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";

/** Of each battery, s. */
type UnitDelays = Readonly<Record<`${typeof UNIT_DELAY}${string}`, number | undefined>>;

/** The gateway's own points that control knows; undefined: not known. */
export type ControlFigures = {
  readonly "gateway-mode": number;
  readonly "x-battery-setpoint": number | undefined;
  readonly "x-site-load": number | undefined;
  readonly "x-leases": number;
  readonly "x-trips": number;
  readonly "x-loop-delay": number | undefined;
  readonly "x-workload-steps": number | undefined;
} & UnitDelays;

/** @param status undefined: the site has no control section */
export function controlFigures(status: ControlStatus | undefined): ControlFigures {
  const modes = ENUM_TEXTS.get("gateway-mode") ?? [];
  const isHeard = status?.units.some(({ powerW }) => powerW !== undefined) === true;
  return {
    "gateway-mode": modes.indexOf(status?.source === "none" ? "fail-safe" : "normal"),
    "x-battery-setpoint": isHeard ? status.totalW : undefined,
    "x-site-load": status?.loadW,
    "x-leases": status?.leases.length ?? 0,
    "x-trips": status?.trips.length ?? 0,
    ...smoothingFigures(status),
  };
}

/** Only where the load is smoothed there are points for these. */
function smoothingFigures(
  status: ControlStatus | undefined,
): Pick<ControlFigures, "x-loop-delay" | "x-workload-steps"> & UnitDelays {
  const units = status?.units ?? [];
  return {
    "x-loop-delay": inSeconds(status?.smoothing?.delayMs),
    "x-workload-steps": status?.workloads.waiting,
    ...Object.fromEntries(
      units.map(({ asset, delayMs }) => [`${UNIT_DELAY}${asset}`, inSeconds(delayMs)]),
    ),
  };
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
