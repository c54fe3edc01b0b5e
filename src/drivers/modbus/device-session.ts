import type { RoundColumns } from "../../domain/round.ts";
import type { Clock } from "../../domain/time.ts";
import type { BoundPoint, CompiledProfile, WriteStep } from "../../profiles/binding.ts";
import type { WriteRequest } from "../../wire/modbus/client-codec.ts";
import type { LinkTerms, ModbusLink } from "./link.ts";

/**
 * A setpoint that was accepted since the connection began, and that we keep: its giver says it
 * once.
 */
export interface HeldSetpoint {
  readonly requests: readonly WriteRequest[];
  readonly writtenAt: number;
}

/** What one connection to a device knows; a new connection begins with a new one. */
export interface DeviceSession {
  readonly profile: CompiledProfile;
  readonly unit: number;
  readonly link: ModbusLink;
  readonly clock: Clock;
  /** How writes, and the reads that belong to them, stand in the queue. */
  readonly terms: LinkTerms;
  /** All points of the device as last read, by ordinal. */
  readonly columns: RoundColumns;
  /** When each group was last read, on the monotonic clock; NaN: never. */
  readonly groupReadAt: Float64Array;
  /** How often each group is read, ms; 0: once. */
  readonly periodsMs: readonly number[];
  /** Power of ten of each point's scale factor, by ordinal; NaN while not known. */
  readonly exponents: Float64Array;
  /** Steps of `when: session` that were done. */
  readonly doneSteps: Set<WriteStep>;
  readonly held: Map<number, HeldSetpoint>;
  /** Reads points now, ahead of the polls, into columns of their own. */
  readonly readNow: (points: readonly BoundPoint[], signal: AbortSignal) => Promise<RoundColumns>;
  /** Runs what needs the connection; opens it first where it is closed between rounds. */
  readonly whileOpen: <T>(use: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}
