import type { StandingShed } from "../../domain/shed.ts";
import { type MonotonicMs, type UtcMs, utcMs } from "../../domain/time.ts";
import type { ZoneRun } from "./zone-run.ts";

/** The zones whose racks have to lose load; one that is only observed asks nobody. */
export function standingSheds(
  zones: readonly ZoneRun[],
  at: { readonly now: MonotonicMs; readonly utc: UtcMs },
): readonly StandingShed[] {
  const standing: StandingShed[] = [];
  for (const { plan, inputs, state } of zones) {
    const { isAsked, powerW, cause, isLatched } = state.shed.out;
    if (!isAsked || cause === undefined || inputs.mode === "observe") continue;
    const { since } = state.shed.causes[cause];
    const sinceUtc = since === -Infinity ? undefined : utcMs(at.utc - at.now + since);
    standing.push({ zone: plan.asset, powerW, cause, sinceUtc, isLatched });
  }
  return standing;
}
