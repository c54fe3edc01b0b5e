import type { Reading } from "../domain/round.ts";
import type { Setpoint, WriteOutcome } from "../domain/write.ts";

/**
 * Takes a reading.
 * @returns the number of its round, which names it until it is stored
 */
export type EmitReading = (reading: Reading) => number;

/**
 * A connection to one device, whatever its protocol. Everything else (retry, backoff, quality
 * marking, numbering of rounds, counters, shutdown order) belongs to the supervisor and is written
 * only once.
 */
export interface Driver {
  /**
   * Connects and emits readings until `signal` aborts or the link fails.
   * Resolves only after `signal` has aborted and every resource is released.
   * @throws GatewayError when the link fails; the supervisor decides when to run again
   */
  run(emit: EmitReading, signal: AbortSignal): Promise<void>;

  /**
   * Sends setpoints while `run` is active; overtakes polls. One outcome per setpoint, in the same
   * order; rejects only on our own bugs.
   */
  write(setpoints: readonly Setpoint[], signal: AbortSignal): Promise<readonly WriteOutcome[]>;
}
