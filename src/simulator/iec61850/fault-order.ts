import type { MmsFault } from "./fault.ts";

/** What can be wrong with a simulated station, as somebody says it. */
export type StationFault = MmsFault | { readonly kind: "frozen" };

const PLAIN_KINDS = [
  "refuse-association",
  "missing-termination",
  "occupied-block",
  "configuration-changed",
  "buffer-overflow",
  "blackhole",
  "cut-after-operate",
  "frozen",
] as const;
const CAUSE_MAX = 27;
const LATE_MS_MAX = 600_000;
const DEFAULT_CAUSE = 10;
const DEFAULT_LATE_MS = 5_000;

/** Names of all faults of a station. */
export const STATION_FAULT_KINDS: readonly StationFault["kind"][] = [
  ...PLAIN_KINDS,
  "refuse-control",
  "fail-control",
  "late-termination",
];

/**
 * Reads what a message says is wrong with a station: `{"fault":"refuse-control","stage":"select",
 * "code":10}`, where the code is an additional cause; `{"fault":"late-termination","ms":2000}`.
 */
export function parseStationFault(
  message: Readonly<Record<string, unknown>>,
): StationFault | { readonly problem: string } {
  const { fault, code = DEFAULT_CAUSE, ms = DEFAULT_LATE_MS, stage = "operate" } = message;
  const plain = PLAIN_KINDS.find((kind) => kind === fault);
  if (plain !== undefined) return { kind: plain };
  const isCause = typeof code === "number" && Number.isInteger(code) && code >= 0;
  switch (fault) {
    case "refuse-control":
      if (stage !== "select" && stage !== "operate" && stage !== "cancel") {
        return { problem: "stage is select, operate or cancel" };
      }
      if (!isCause || code > CAUSE_MAX) return { problem: `code must be 0 to ${CAUSE_MAX}` };
      return { kind: fault, stage, additionalCause: code };
    case "fail-control":
      if (!isCause || code > CAUSE_MAX) return { problem: `code must be 0 to ${CAUSE_MAX}` };
      return { kind: fault, additionalCause: code };
    case "late-termination": {
      const isTime = typeof ms === "number" && ms >= 1 && ms <= LATE_MS_MAX;
      return isTime ? { kind: fault, ms } : { problem: `ms must be 1 to ${LATE_MS_MAX}` };
    }
    default:
      return {
        problem: `unknown fault "${String(fault)}"; known: none, ${STATION_FAULT_KINDS.join(", ")}`,
      };
  }
}

/** True for a fault that a station can have, said as it should be. */
export function isStationFault(message: Readonly<Record<string, unknown>>): boolean {
  return !("problem" in parseStationFault(message));
}
