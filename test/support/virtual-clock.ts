import { type UtcMs, utcMs } from "../../src/domain/time.ts";
import { SimClock } from "./sim-clock.ts";

/** A test's clock whose time of day somebody sets, as on a real machine; time itself goes on. */
export class VirtualClock extends SimClock {
  #offsetMs = 0;

  override utcNow(): UtcMs {
    return utcMs(super.utcNow() + this.#offsetMs);
  }

  /** The time of day jumps; negative: back. */
  stepUtc(byMs: number): void {
    this.#offsetMs += byMs;
  }
}
