import type { UtcMs } from "./time.ts";

export type Severity = "info" | "warning" | "critical" | "trip";

/** Something that happened, for people and for the record. Made by control, field or services. */
export interface PlantEvent {
  /** Stable kind: `no-communication`, `setpoint-differs`, `lease-expired`. */
  readonly id: string;
  readonly severity: Severity;
  /** `raised` and `cleared` bracket a state; `once` has no end. */
  readonly phase: "raised" | "cleared" | "once";
  /** Device or asset, undefined for the gateway itself. */
  readonly device: string | undefined;
  /** Point name where one is concerned. */
  readonly point: string | undefined;
  /** One plain sentence for the operator. */
  readonly text: string;
  readonly at: UtcMs;
}
