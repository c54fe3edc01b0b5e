import type { UtcMs } from "../../domain/time.ts";
import type { JsonValue } from "../../wire/json/reader.ts";
import {
  DCPI_VERSION,
  encodeDocument,
  type JsonObject,
  type Speaker,
  W_PER_MW,
} from "../document.ts";
import { shortNumber } from "../number.ts";
import { formatUtc } from "../timestamp.ts";
import type { ShedMessage } from "./ladder-state.ts";
import { ALL } from "./orders.ts";

/** Why load has to go, in the words of the documents' examples. */
const REASON = "thermal_protection";

/** End of the topic on which a workload is told what it may draw. */
export function controlTopic(workload: string): string {
  return `workload/${workload}/control`;
}

export interface ControlMessageContext {
  readonly speaker: Speaker;
  readonly when: UtcMs;
  /** Undefined: it has none. */
  readonly deadline: UtcMs | undefined;
}

/** An order or its end, in the dialect in which the workload announced itself. */
export function controlMessage(context: ControlMessageContext, message: ShedMessage): Uint8Array {
  const { speaker, when, deadline } = context;
  const { id, workload, zone, sight } = message.kind === "order" ? message.order : message.resume;
  const cause = message.kind === "order" ? message.shed.cause : message.resume.cause;
  const action = message.kind === "order" ? message.order.action : "resume";
  const isPswd = sight.dialect === "pswd";
  const demanded = isPswd
    ? { command_type: action, ...demandOf(message), reason: REASON }
    : { action, parameters: { ...demandOf(message), reason: REASON } };
  return encodeDocument({
    [isPswd ? "PSWD_version" : "dcpi_version"]: DCPI_VERSION,
    message_type: "workload_control",
    timestamp: formatUtc(when),
    facility_id: speaker.facility,
    gateway_id: speaker.gateway,
    correlation_id: id,
    workload_id: workload,
    ...demanded,
    zone_id: zone,
    cause,
    ...(deadline === undefined ? {} : { deadline: formatUtc(deadline) }),
  });
}

function demandOf(message: ShedMessage): JsonObject {
  if (message.kind === "resume") return {};
  const { workload, action, targetW, savesW, sight } = message.order;
  const ramp = known({ ramp_rate_mw_per_sec: megawatts(sight.rampWPerS) });
  if (workload === ALL) return { reduction_mw: shortNumber(savesW / W_PER_MW) };
  if (action === "throttle") return { ...known({ target_power_mw: megawatts(targetW) }), ...ramp };
  const { pauseMaxMs } = sight.flexibility;
  const pauseS = pauseMaxMs === undefined ? undefined : Math.floor(pauseMaxMs / 1_000);
  return { target_power_mw: 0, ...ramp, ...known({ pause_duration_sec: pauseS }) };
}

function megawatts(powerW: number | undefined): number | undefined {
  return powerW === undefined ? undefined : shortNumber(powerW / W_PER_MW);
}

function known(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as JsonObject;
}
