import { Type } from "@sinclair/typebox";
import { Ajv, type ValidateFunction } from "ajv";
import type { Static } from "@sinclair/typebox";
import type { UtcMs } from "../domain/time.ts";
import type { Dialect } from "./command-request.ts";
import { POWER_MAX_MW } from "./command-schema.ts";
import { W_PER_MW } from "./document.ts";
import { WORKLOAD_STATES, type WorkloadState } from "./shed/orders.ts";
import {
  instant,
  mustBeHere,
  mustFit,
  readWorkloadMessage,
  type WorkloadUnread,
} from "./workload-reading.ts";

/** End of the topic on which workloads say how they do. */
export const WORKLOAD_STATUS_TOPIC = "cmd/workload/status";

/** What a workload says of itself; nothing is judged yet. */
export interface WorkloadStatus {
  readonly workload: string;
  readonly dialect: Dialect;
  readonly timestamp: UtcMs;
  readonly state: WorkloadState;
  /** W; undefined: it does not say. */
  readonly powerW: number | undefined;
}

/** Members that are not known here, such as temperature and progress, are passed over. */
const Status = Type.Object({
  dcpi_version: Type.Optional(Type.Literal("1.0")),
  PSWD_version: Type.Optional(Type.Literal("1.0")),
  message_type: Type.Optional(Type.Literal("workload_status")),
  timestamp: Type.String({ minLength: 20, maxLength: 40 }),
  facility_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  workload_id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$" }),
  current_status: Type.Union(WORKLOAD_STATES.map((state) => Type.Literal(state))),
  current_power_mw: Type.Optional(Type.Number({ minimum: 0, maximum: POWER_MAX_MW })),
});

const isStatus: ValidateFunction<Static<typeof Status>> = new Ajv({
  strict: true,
  allErrors: false,
}).compile(Status);

/** Reads what a workload says of its state; what does not fit is refused with its place. */
export function parseWorkloadStatus(
  bytes: Uint8Array,
  { facility }: { readonly facility: string },
): WorkloadStatus | WorkloadUnread {
  return readWorkloadMessage(bytes, (value, dialect) => {
    const message = mustFit(isStatus, value);
    mustBeHere(message, facility);
    const { current_power_mw: powerMw } = message;
    return {
      workload: message.workload_id,
      dialect,
      timestamp: instant(message.timestamp, "/timestamp"),
      state: message.current_status,
      powerW: powerMw === undefined ? undefined : powerMw * W_PER_MW,
    };
  });
}
