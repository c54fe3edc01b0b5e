import type { GatewayError } from "../domain/errors.ts";
import type { WriteReport } from "../control/exchange.ts";
import { pointIndex } from "../domain/point.ts";
import type { Setpoint, WriteOutcome } from "../domain/write.ts";

/** An outcome as it travels between processes: its error as a code. */
export function writeReport(setpoint: Setpoint | undefined, outcome: WriteOutcome): WriteReport {
  return {
    point: setpoint?.point ?? pointIndex(0),
    value: setpoint?.value ?? Number.NaN,
    result: outcome.result,
    reason: outcome.result === "accepted" ? undefined : reasonOf(outcome.error),
    readBack: outcome.result === "refused" ? undefined : outcome.readBack,
  };
}

/** The code and, where the device says why, its cause in words. */
function reasonOf({ code, context }: GatewayError): string {
  const { cause } = context;
  return typeof cause === "string" ? `${code}: ${cause}` : code;
}

/** What is known of a write whose answer never came back from the other process. */
export function lostReport(setpoint: Setpoint, reason: string): WriteReport {
  const { point, value } = setpoint;
  return { point, value, result: "unknown", reason, readBack: undefined };
}
