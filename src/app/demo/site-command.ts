import type { UtcMs } from "../../domain/time.ts";

/** Where the gateway of the demonstration takes commands. */
export const DEMO_COMMAND_TOPIC = "dcpi/v1/hall-1/gw-1/cmd/power/control";

const W_PER_MW = 1e6;

/** A DCPI message that asks all batteries to discharge for a while. */
export function dischargeMessage(terms: {
  readonly dischargeW: number;
  readonly leaseS: number;
  readonly utcMs: UtcMs;
}): string {
  const { dischargeW, leaseS, utcMs } = terms;
  return JSON.stringify({
    dcpi_version: "1.0",
    message_type: "power_control",
    timestamp: new Date(utcMs).toISOString(),
    command_id: `demo-${utcMs}`,
    commands: [
      {
        target: "battery",
        action: "discharge",
        power_mw: dischargeW / W_PER_MW,
        duration_sec: leaseS,
      },
    ],
  });
}
