import type { Flexibility } from "../../../src/dcpi/flexibility.ts";
import type { WorkloadSight } from "../../../src/dcpi/shed/orders.ts";

export const MW = 1e6;

/** A workload that can do nothing but what a test says. */
export function sightOf(
  workload: string,
  powerMw: number,
  ways: Partial<Flexibility> & Partial<Pick<WorkloadSight, "dialect" | "rampWPerS">> = {},
): WorkloadSight {
  const { dialect = "dcpi", rampWPerS, ...flexibility } = ways;
  return {
    workload,
    dialect,
    rampWPerS,
    powerW: powerMw * MW,
    flexibility: {
      priority: "normal",
      throttleToW: undefined,
      canPause: false,
      pauseMaxMs: undefined,
      ...flexibility,
    },
  };
}
