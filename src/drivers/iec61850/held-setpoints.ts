import type { WriteOutcome } from "../../domain/write.ts";
import type { KeepAlive } from "../../profiles/binding.ts";
import type { Commander, Writable } from "./commander.ts";

/**
 * Setpoints that the device took in this association and that it wants to hear again and again:
 * their giver says them once. One whose fate is unknown is not among them.
 */
export class HeldSetpoints {
  /** By ordinal. */
  readonly #held = new Map<number, { readonly writable: Writable; readonly value: number }>();

  get size(): number {
    return this.#held.size;
  }

  note(writable: Writable, value: number, outcome: WriteOutcome): void {
    const { point, write } = writable;
    if (outcome.result === "accepted" && write.keepAlive.length > 0) {
      this.#held.set(point.ordinal, { writable, value });
    } else if (outcome.result === "unknown") this.#held.delete(point.ordinal);
  }

  clear(): void {
    this.#held.clear();
  }

  /** Sends what the keep-alive repeats; what the device no longer takes is held no longer. */
  async beat(keepAlive: KeepAlive, commander: Commander, signal: AbortSignal): Promise<void> {
    if (keepAlive.action.kind !== "repeat") return;
    const { ordinal } = keepAlive.action;
    const held = this.#held.get(ordinal);
    if (held === undefined || !held.writable.write.keepAlive.includes(keepAlive.name)) return;
    const sent = await commander.send(held.writable, held.value, signal);
    if (sent.result !== "accepted" && this.#held.get(ordinal) === held) this.#held.delete(ordinal);
  }
}
