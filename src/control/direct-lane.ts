import type { Command, CommandStep } from "../domain/command.ts";
import type { PointIndex } from "../domain/point.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import type { Setpoint } from "../domain/write.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { authorityRefusal, type AuthorityState } from "./authority/authority.ts";
import { type Envelope, judgeWrite, recordWrite } from "./envelope.ts";
import type { WriteReport } from "./exchange.ts";
import { pushStep, type StepFacts } from "./push-step.ts";
import type { EnvelopeEntry } from "./plan.ts";

/** A write of somebody that no controller stands in front of. */
export interface DirectWrite {
  readonly command: Command;
  readonly setpoint: Setpoint;
  readonly requested: number;
  readonly entry: EnvelopeEntry;
}

export type DirectVerdict =
  | { readonly kind: "write"; readonly write: DirectWrite; readonly steps: readonly CommandStep[] }
  | { readonly kind: "refused"; readonly steps: readonly CommandStep[] };

export interface DirectSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  /** Why somebody who knows the plant does not let this command through; undefined: nobody. */
  readonly refusalOf?: ((command: Command) => string | undefined) | undefined;
}

/**
 * Writes that no controller decides about. They pass the same envelope as the cycle's, at once, and
 * overtake polls. What control drives itself is not written here.
 */
export class DirectLane {
  readonly #envelope: Envelope;
  readonly #owned: ReadonlySet<PointIndex>;
  readonly #authority: AuthorityState;
  readonly #entries = new Map<string, EnvelopeEntry>();

  /**
   * @param owned points that only the cycle writes, see `ownedPoints`
   * @param authority what people at the box have decided
   */
  constructor(envelope: Envelope, owned: ReadonlySet<PointIndex>, authority: AuthorityState) {
    this.#envelope = envelope;
    this.#owned = owned;
    this.#authority = authority;
    for (const entry of envelope.entries)
      this.#entries.set(`${entry.asset}/${entry.pointName}`, entry);
  }

  /**
   * Judges a command. A write that comes back is on its way: the envelope counts it as sent.
   * `received` and what was decided are told at once, the rest by `outcomeSteps` and `effectSteps`.
   */
  judge(command: Command, sight: DirectSight): DirectVerdict {
    const { now, utc, view } = sight;
    const steps: CommandStep[] = [];
    const tell = (facts: StepFacts): void => {
      pushStep(steps, command, utc, facts);
    };
    tell({ stage: "received" });
    const { action } = command;
    if (now > command.notAfter) {
      tell({ stage: "expired", reason: "too-late" });
      return { kind: "refused", steps };
    }
    const held = authorityRefusal(this.#authority, command.asset);
    if (held !== undefined) {
      tell({ stage: "refused", reason: held });
      return { kind: "refused", steps };
    }
    const entry =
      action.kind === "set-point"
        ? this.#entries.get(`${command.asset}/${action.point}`)
        : undefined;
    if (action.kind !== "set-point" || entry === undefined || this.#owned.has(entry.point)) {
      tell({ stage: "refused", reason: this.#whyNot(command, entry) });
      return { kind: "refused", steps };
    }
    const objection = sight.refusalOf?.(command);
    if (objection !== undefined) {
      tell({ stage: "refused", reason: objection });
      return { kind: "refused", steps };
    }
    const request = { point: entry.point, value: action.value, isProtective: false };
    const verdict = judgeWrite(this.#envelope, request, view, now);
    if (verdict.result === "refused") {
      tell({ stage: "refused", reason: verdict.reason });
      return { kind: "refused", steps };
    }
    const { value, limitedBy } = verdict;
    if (limitedBy === undefined) tell({ stage: "accepted", applied: value });
    else tell({ stage: "clamped", reason: limitedBy, applied: value });
    recordWrite(this.#envelope, entry.point, value, now);
    const setpoint = { point: entry.point, value, confirm: entry.confirm };
    return { kind: "write", write: { command, setpoint, requested: action.value, entry }, steps };
  }

  /**
   * What the driver's answer means for the command. Without a point that shows the effect the
   * read-back is its end; else `effectSteps` tells it `entry.settleMs` later.
   */
  outcomeSteps(write: DirectWrite, report: WriteReport, utc: UtcMs): readonly CommandStep[] {
    const steps: CommandStep[] = [];
    const applied = write.setpoint.value;
    const tell = (facts: StepFacts): void => {
      pushStep(steps, write.command, utc, { applied, ...facts });
    };
    if (report.result === "refused") {
      tell({ stage: "refused", reason: report.reason ?? "device-refused" });
      return steps;
    }
    const readBack = report.readBack?.result ?? "unconfirmed";
    if (report.result === "unknown" && readBack === "unconfirmed") {
      tell({ stage: "unknown", reason: report.reason ?? "no-answer", readBack });
      return steps;
    }
    tell({ stage: "written" });
    const measured = valueOf(report);
    if (readBack !== "unconfirmed") tell({ stage: "read-back", readBack, measured });
    if (readBack === "differs")
      tell({ stage: "refused", reason: "read-back-differs", readBack, measured });
    else if (write.entry.effect === undefined)
      tell(
        readBack === "applied"
          ? { stage: "done", readBack, measured }
          : { stage: "unknown", reason: "unconfirmed", readBack },
      );
    return steps;
  }

  /** The measured effect of a write that was accepted, `entry.settleMs` after it. */
  effectSteps(write: DirectWrite, sight: DirectSight): readonly CommandStep[] {
    const { effect } = write.entry;
    if (effect === undefined) return [];
    const steps: CommandStep[] = [];
    const applied = write.setpoint.value;
    const measured = freshValue(sight.view, effect.point, sight.now, effect.maxAgeMs);
    if (measured === undefined) {
      const reason = "effect-not-measured";
      pushStep(steps, write.command, sight.utc, { stage: "unknown", reason, applied });
      return steps;
    }
    pushStep(steps, write.command, sight.utc, { stage: "effect", measured, applied });
    pushStep(steps, write.command, sight.utc, { stage: "done", measured, applied });
    return steps;
  }

  #whyNot(command: Command, entry: EnvelopeEntry | undefined): string {
    if (command.action.kind !== "set-point") return "not-driven-by-control";
    return entry === undefined ? "read-only" : "owned-by-control";
  }
}

function valueOf(report: WriteReport): number | undefined {
  return report.readBack === undefined || report.readBack.result === "unconfirmed"
    ? undefined
    : report.readBack.value;
}
