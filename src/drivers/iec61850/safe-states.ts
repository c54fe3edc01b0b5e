import { GatewayError } from "../../domain/errors.ts";
import type { WriteOutcome } from "../../domain/write.ts";
import type { Commander, Writable } from "./commander.ts";

interface Wanted {
  readonly writable: Writable;
  readonly value: number;
}

/**
 * Commands of safety whose outcome nobody knows. A setpoint is never sent twice; a stop is, until
 * the device shows that it stands, or somebody commands something else. They outlive associations.
 */
export class SafeStates {
  /** By ordinal. */
  readonly #wanted = new Map<number, Wanted>();

  get size(): number {
    return this.#wanted.size;
  }

  /** Another command for the point was given: what it says counts now. */
  supersede(ordinal: number): void {
    this.#wanted.delete(ordinal);
  }

  note(writable: Writable, value: number, outcome: WriteOutcome): void {
    if (!writable.write.reassert.has(value)) return;
    const isSeen = outcome.result !== "refused" && outcome.readBack?.result === "applied";
    if (!isSeen && isWorthAnother(outcome)) {
      this.#wanted.set(writable.point.ordinal, { writable, value });
    }
  }

  /** Looks whether they stand, and sends again those that do not. */
  async assertAgain(commander: Commander, signal: AbortSignal): Promise<void> {
    for (const [ordinal, wanted] of this.#wanted) {
      const { writable, value } = wanted;
      const tolerance = writable.write.feedback?.tolerance ?? 0;
      const shown = await commander.shown(writable, signal);
      const isThere = shown !== undefined && Math.abs(shown - value) <= tolerance;
      // Meanwhile somebody may have commanded something else.
      if (this.#wanted.get(ordinal) !== wanted) continue;
      if (isThere) this.#wanted.delete(ordinal);
      else await commander.send(writable, value, signal);
    }
  }
}

/** A refusal by a rule of ours stays one however often it is asked; a lost link does not. */
function isWorthAnother(outcome: WriteOutcome): boolean {
  if (outcome.result !== "refused") return true;
  const { error } = outcome;
  return error instanceof GatewayError && error.code !== "REQUEST_REFUSED";
}
