import {
  type Command,
  type CommandPromise,
  type CommandStage,
  type CommandStep,
  requestedOf,
} from "../domain/command.ts";
import type { UtcMs } from "../domain/time.ts";

export interface StepFacts {
  readonly stage: CommandStage;
  readonly reason?: string | undefined;
  readonly applied?: number;
  readonly measured?: number | undefined;
  readonly readBack?: CommandStep["readBack"];
  readonly promised?: CommandPromise;
}

const ENDS: ReadonlySet<CommandStage> = new Set([
  "done",
  "refused",
  "expired",
  "superseded",
  "unknown",
]);

/** True for a stage after which nothing more is told of a command. */
export function isEnd(stage: CommandStage): boolean {
  return ENDS.has(stage);
}

/** Tells one step of a command's life. */
export function pushStep(
  steps: CommandStep[],
  command:
    | Command
    | { readonly id: string; readonly asset: string; readonly requestedW: number | undefined },
  at: UtcMs,
  facts: StepFacts,
): void {
  steps.push({
    commandId: command.id,
    stage: facts.stage,
    final: ENDS.has(facts.stage),
    asset: command.asset,
    reason: facts.reason,
    requested: "action" in command ? requestedOf(command.action) : command.requestedW,
    applied: facts.applied,
    measured: facts.measured,
    readBack: facts.readBack,
    ...(facts.promised === undefined ? {} : { promised: facts.promised }),
    at,
  });
}
