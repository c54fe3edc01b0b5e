import { authorityRefusal } from "../control/authority/authority.ts";
import type { CycleInputs } from "../control/exchange.ts";
import type { ControlPlan } from "../control/plan.ts";
import { pushStep, type StepFacts } from "../control/push-step.ts";
import { createShadow, exchange, shadowCycle, type ShadowState } from "../control/shadow.ts";
import { noTally, type ShadowReport, shadowReport } from "../control/shadow-tally.ts";
import type { ControlState } from "../control/state.ts";
import type { WorkloadNotice } from "../domain/announcement.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";
import { type Desk, SmoothingDesk } from "./smoothing-desk.ts";

/** Point of the gateway's own asset by which a command lets the shadow write: 1, or 0 to end it. */
export const SHADOW_POINT = "x-shadow";
/** Part of the cycle that may have passed when the shadow's begins; later it is left out. */
const LATEST_SHARE = 0.5;
/** Commands and notices of cycles that were left out; one more, and the oldest is forgotten. */
const MISSED_MAX = 256;
/** Longest time for which a person may let the shadow write, ms: a day. */
export const ARMED_MS_MAX = 86_400_000;

/** What a person at the box asks of the shadow. */
export type ShadowOrder =
  | { readonly kind: "report" }
  | { readonly kind: "arm"; readonly forMs: number; readonly by: string }
  | { readonly kind: "disarm"; readonly by: string };

export interface ShadowAnswer {
  readonly result: "done" | "refused";
  readonly reason: string | undefined;
  /** Whether the other settings write; undefined: the site file names none. */
  readonly isWriting: boolean | undefined;
  /** How long a command may still let them write, and they write at most, ms; 0: not at all. */
  readonly allowedMs: number;
  readonly allowedBy: string | undefined;
  /** Of what only looks on against what writes. */
  readonly report: ShadowReport | undefined;
}

export interface ShadowHostParts {
  readonly plan: ControlPlan;
  readonly clock: Clock;
  /** Device of the events, and the asset of the command. */
  readonly device: string;
  readonly onEvent: (event: PlantEvent) => void;
  readonly onStep: (step: CommandStep) => void;
  /** For its own smoothing where the one that writes has none. */
  readonly desk: Desk | undefined;
}

/** Somebody let the other settings write, until a time. */
interface Permission {
  readonly by: string;
  readonly until: number;
}

/**
 * Runs the shadow behind the cycle, in the time that is left, and lets it write where a person at
 * the box and an authorised command both say so. Either of them ends it.
 */
export class ShadowHost {
  readonly #parts: ShadowHostParts;
  readonly #shadow: ShadowState;
  readonly #beside: SmoothingDesk | undefined;
  #missed: { commands: Command[]; workloads: WorkloadNotice[] } = { commands: [], workloads: [] };
  #permission: Permission | undefined;
  #isAsked = false;
  #isWriting = false;
  #asker = "";

  constructor(parts: ShadowHostParts) {
    this.#parts = parts;
    this.#shadow = createShadow(parts.plan, parts.clock.now());
    this.#beside = parts.desk === undefined ? undefined : new SmoothingDesk(parts.desk);
  }

  /** After a cycle of `real`: returns what writes from the next one on. */
  afterCycle(real: ControlState, inputs: CycleInputs): ControlState {
    const { clock, plan } = this.#parts;
    if (clock.now() - inputs.now > LATEST_SHARE * plan.periodMs) {
      this.#leaveOut(inputs);
      return real;
    }
    shadowCycle(this.#shadow, real, this.#inputsOf(real, inputs));
    this.#askDesk(real, inputs.now);
    if (this.#permission !== undefined && clock.now() >= this.#permission.until)
      this.#permission = undefined;
    if (this.#permission === undefined || authorityRefusal(real.authority, "") !== undefined)
      this.#isAsked = false;
    return this.#isAsked === this.#isWriting ? real : this.#exchange(real, inputs.now);
  }

  /** A command to the gateway itself, verified. */
  take(command: Command, real: ControlState): void {
    const steps: CommandStep[] = [];
    const { clock, onStep } = this.#parts;
    const tell = (facts: StepFacts): void => {
      pushStep(steps, command, clock.utcNow(), facts);
    };
    tell({ stage: "received" });
    const refusal = this.#refusalOf(command, real);
    if (refusal !== undefined) tell({ stage: "refused", reason: refusal });
    else {
      this.#isAsked = command.action.kind === "set-point" && command.action.value === 1;
      this.#asker = command.holder;
      tell({ stage: "accepted", applied: this.#isAsked ? 1 : 0 });
      tell({ stage: "done", applied: this.#isAsked ? 1 : 0 });
    }
    for (const step of steps) onStep(step);
  }

  /** What a person at the box asks; in force from the next cycle on. */
  order(order: ShadowOrder): ShadowAnswer {
    const { clock } = this.#parts;
    if (order.kind === "arm") {
      if (order.by === "") return this.#answer("refused", "name-needed");
      if (!(order.forMs > 0) || order.forMs > ARMED_MS_MAX)
        return this.#answer("refused", "not-that-long");
      this.#permission = { by: order.by, until: clock.now() + order.forMs };
      const minutes = Math.round(order.forMs / 60_000);
      this.#tell(`${order.by} lets a command put the shadow in force, for ${minutes} min`);
    }
    if (order.kind === "disarm") {
      this.#permission = undefined;
      this.#isAsked = false;
      this.#tell(`${order.by} keeps the shadow from writing`);
    }
    return this.#answer("done", undefined);
  }

  #answer(result: ShadowAnswer["result"], reason: string | undefined): ShadowAnswer {
    const { clock, plan } = this.#parts;
    const assets = plan.units.map(({ asset }) => asset);
    return {
      result,
      reason,
      isWriting: this.#isWriting,
      allowedMs: Math.max(0, (this.#permission?.until ?? 0) - clock.now()),
      allowedBy: this.#permission?.by,
      report: shadowReport(this.#shadow.tally, assets),
    };
  }

  #refusalOf({ action, notAfter }: Command, real: ControlState): string | undefined {
    if (this.#parts.clock.now() > notAfter) return "too-late";
    const local = authorityRefusal(real.authority, this.#parts.device);
    if (local !== undefined) return local;
    if (action.kind !== "set-point" || action.point !== SHADOW_POINT) return "read-only";
    if (action.value !== 0 && action.value !== 1) return "out-of-envelope";
    return action.value === 1 && this.#permission === undefined
      ? "not-armed-at-the-box"
      : undefined;
  }

  /** With what came in cycles that were left out, and what was found for its own smoothing. */
  #inputsOf(real: ControlState, inputs: CycleInputs): CycleInputs {
    const { commands, workloads } = this.#missed;
    this.#missed = { commands: [], workloads: [] };
    // What is found beside the cycle is of the load, and of the one loop that there is.
    const refit = real.smoothing === undefined ? this.#beside?.take()?.refit : undefined;
    return {
      ...inputs,
      commands: [...commands, ...inputs.commands],
      workloads: [...workloads, ...(inputs.workloads ?? [])],
      ...(refit === undefined ? {} : { news: { refit } }),
    };
  }

  #askDesk(real: ControlState, now: MonotonicMs): void {
    const { smoothing } = this.#shadow.control;
    if (real.smoothing === undefined && smoothing !== undefined)
      this.#beside?.after(smoothing, now);
  }

  #leaveOut({ commands, workloads = [] }: CycleInputs): void {
    this.#shadow.tally.skipped += 1;
    const missed = this.#missed;
    missed.commands = [...missed.commands, ...commands].slice(-MISSED_MAX);
    missed.workloads = [...missed.workloads, ...workloads].slice(-MISSED_MAX);
  }

  #exchange(real: ControlState, now: MonotonicMs): ControlState {
    const { plan } = this.#parts;
    const next = exchange(real, this.#shadow.control);
    this.#shadow.control = next.shadow;
    this.#shadow.tally = noTally(plan.units.length, plan.periodMs, now);
    this.#isWriting = this.#isAsked;
    this.#raise(
      this.#isWriting
        ? `the shadow's settings write, asked by ${this.#asker} and ${this.#permission?.by ?? ""}`
        : "the configured settings write again",
    );
    return next.real;
  }

  #raise(text: string): void {
    const { onEvent, device, clock } = this.#parts;
    const phase = this.#isWriting ? "raised" : "cleared";
    onEvent({
      id: "shadow-writes",
      severity: "warning",
      phase,
      device,
      point: SHADOW_POINT,
      text,
      at: clock.utcNow(),
    });
  }

  #tell(text: string): void {
    const { onEvent, device, clock } = this.#parts;
    onEvent({
      id: "local-order",
      severity: "info",
      phase: "once",
      device,
      point: SHADOW_POINT,
      text,
      at: clock.utcNow(),
    });
  }
}
