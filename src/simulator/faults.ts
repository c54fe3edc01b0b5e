/**
 * What can be wrong with a simulated device. One fault at a time per device.
 *
 * - `silent`: takes requests and never answers.
 * - `slow`: answers `ms` later.
 * - `reset`: connections are reset (RST) at once and on every request.
 * - `exception`: every request is answered with exception `code`.
 * - `frozen`: answers, but its values have stopped moving.
 * - `absent`: points show the pattern by which the device says "no value".
 * - `wrong-transaction-id`, `wrong-unit`, `truncated`: answers that are not what was asked for.
 * - `write-ignored`: writes are acknowledged and not done.
 * - `reboot`: connections are reset, silence for `downMs`, setpoints are lost; heals by itself.
 * - `stopped`: the port is closed: connections are refused.
 * - `blackhole`: nothing is read from the sockets any more and nothing is closed.
 */
export type Fault =
  | { readonly kind: PlainFaultKind }
  | { readonly kind: "absent"; readonly points: readonly string[] | undefined }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "reboot"; readonly downMs: number };

const PLAIN_KINDS = [
  "silent",
  "reset",
  "frozen",
  "wrong-transaction-id",
  "wrong-unit",
  "truncated",
  "write-ignored",
  "stopped",
  "blackhole",
] as const;

type PlainFaultKind = (typeof PLAIN_KINDS)[number];

/** Names of all faults, as `parseFaultOrder` takes them. */
export const FAULT_KINDS: readonly Fault["kind"][] = [
  ...PLAIN_KINDS,
  "absent",
  "slow",
  "exception",
  "reboot",
];

const SLOW_MS_MAX = 600_000;
const REBOOT_MS = 3000;

/** What a control message asks for; `fault` undefined: clear. */
export interface FaultOrder {
  readonly device: string;
  readonly fault: Fault | undefined;
}

/**
 * Reads a control message: `{"device":"bess-1","fault":"slow","ms":500}`, and `"fault":"none"` to
 * clear.
 */
export function parseFaultOrder(message: unknown): FaultOrder | { readonly problem: string } {
  if (!isRecord(message)) return { problem: "a fault order is an object" };
  const { device, fault } = message;
  if (typeof device !== "string") return { problem: "device must be the id of a device" };
  if (typeof fault !== "string") return { problem: "fault must be a name" };
  if (fault === "none") return { device, fault: undefined };
  const parsed = parseFault(fault, message);
  return "problem" in parsed ? parsed : { device, fault: parsed };
}

function parseFault(
  name: string,
  message: Readonly<Record<string, unknown>>,
): Fault | { readonly problem: string } {
  const plain = PLAIN_KINDS.find((kind) => kind === name);
  if (plain !== undefined) return { kind: plain };
  switch (name) {
    case "slow": {
      const ms = numberIn(message["ms"], 1, SLOW_MS_MAX);
      if (ms === undefined) return { problem: `ms must be 1 to ${SLOW_MS_MAX}` };
      return { kind: "slow", ms };
    }
    case "exception": {
      const code = numberIn(message["code"], 1, 255);
      if (code === undefined) return { problem: "code must be 1 to 255" };
      return { kind: "exception", code };
    }
    case "reboot": {
      const downMs = numberIn(message["ms"] ?? REBOOT_MS, 0, SLOW_MS_MAX);
      if (downMs === undefined) return { problem: `ms must be 0 to ${SLOW_MS_MAX}` };
      return { kind: "reboot", downMs };
    }
    case "absent": {
      const points = message["points"];
      if (points === undefined) return { kind: "absent", points: undefined };
      if (!isTextList(points)) return { problem: "points must be a list of point ids" };
      return { kind: "absent", points };
    }
    default:
      return { problem: `unknown fault "${name}"; known: none, ${FAULT_KINDS.join(", ")}` };
  }
}

function numberIn(value: unknown, least: number, most: number): number | undefined {
  const isInside = typeof value === "number" && value >= least && value <= most;
  return isInside ? value : undefined;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
