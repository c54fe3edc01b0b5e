import type { GatewayError } from "./errors.ts";
import type { PointIndex } from "./point.ts";

/** What we want a device to hold. In the point's canonical unit; already limited and ramped. */
export interface Setpoint {
  readonly point: PointIndex;
  readonly value: number;
  /**
   * `read-back`: the driver reads the register back and reports what it found. `by-poll`: a cyclic
   * setpoint, whose next poll is its read-back.
   */
  readonly confirm: "read-back" | "by-poll";
}

/** What became of a setpoint, seen by reading it back within the time that the profile gives. */
export type ReadBack =
  | { readonly result: "applied"; readonly value: number }
  | { readonly result: "differs"; readonly value: number }
  | { readonly result: "unconfirmed" };

/**
 * What became of one setpoint. A refusal is an answer, not an exception; a lost reply is not a lost
 * write: then it is `unknown`.
 */
export type WriteOutcome =
  | { readonly result: "accepted"; readonly readBack: ReadBack | undefined }
  | { readonly result: "refused"; readonly error: GatewayError }
  | {
      readonly result: "unknown";
      readonly error: GatewayError;
      /** What a read after the lost reply found, where it could be read. */
      readonly readBack: ReadBack | undefined;
    };
