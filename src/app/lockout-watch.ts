import { type AuthorityState, UNREADABLE } from "../control/authority/authority.ts";
import type { MonotonicMs } from "../domain/time.ts";
import type { WriteDispatch } from "./write-dispatch.ts";

/** A device that somebody has locked out is let go this often, ms: an answer may come late. */
const LET_GO_EVERY_MS = 200;

/**
 * Sees to it that nothing at all is written to a device that somebody has locked out: the envelope
 * refuses what control asks, but what keeps the last setpoint alive at the device, its heartbeat
 * above all, goes on by itself, and so does a write that was under way when it was locked.
 *
 * It does not touch what may be locked out only because the saved lockouts cannot be read: there
 * zero and STOP still go out.
 */
export class LockoutWatch {
  readonly #dispatch: Pick<WriteDispatch, "letGo">;
  #looksAt = -Infinity;

  constructor(dispatch: Pick<WriteDispatch, "letGo">) {
    this.#dispatch = dispatch;
  }

  /** Once a cycle, behind its writes. */
  look({ lockouts }: Pick<AuthorityState, "lockouts">, now: MonotonicMs): void {
    if (lockouts.length === 0 || now < this.#looksAt) return;
    this.#looksAt = now + LET_GO_EVERY_MS;
    for (const { asset, by } of lockouts) if (by !== UNREADABLE) this.#dispatch.letGo(asset);
  }
}
