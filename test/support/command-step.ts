import type { CommandStep } from "../../src/domain/command.ts";
import { utcMs } from "../../src/domain/time.ts";

/** A step of a command to bess-1: accepted, and nothing known beyond what is given. */
export function stepOf(given: Partial<CommandStep> = {}): CommandStep {
  return {
    commandId: "c-1",
    stage: "accepted",
    final: false,
    asset: "bess-1",
    reason: undefined,
    requested: undefined,
    applied: undefined,
    measured: undefined,
    readBack: undefined,
    at: utcMs(1),
    ...given,
  };
}
