import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { AddressRange, ModbusFacts } from "./binding.ts";
import type { Profile } from "./schema.ts";

const TIMEOUT_MS = 1000;
const BAUD = 9600;

/** Facts and limits of the Modbus side, with defaults for what the profile does not say. */
export function factsOf(profile: Profile): ModbusFacts {
  const modbus = profile.modbus ?? {};
  const { serial } = modbus;
  return {
    maxRead: modbus.maxRead ?? 125,
    maxReadBits: modbus.maxReadBits ?? 2000,
    maxWrite: modbus.maxWrite ?? 123,
    maxGap: modbus.maxGap,
    illegal: rangesOf(modbus.illegal),
    readable: rangesOf(modbus.readable),
    ...behaviourOf(modbus),
    functions: modbus.functions === undefined ? undefined : new Set(modbus.functions),
    exceptions: new Map(
      Object.entries(modbus.exceptions ?? {}).map(([code, means]) => [Number(code), means]),
    ),
    serial:
      serial === undefined
        ? undefined
        : {
            baud: serial.baud ?? BAUD,
            format: serial.format ?? "8N1",
            turnaroundMs: serial.turnaroundMs ?? 0,
          },
  };
}

type Behaviour =
  | "onePointPerRequest"
  | "pauseMs"
  | "pauseAfterConnectMs"
  | "timeoutMs"
  | "minimumPeriodMs"
  | "maxConnections"
  | "closeAfterRound";

function behaviourOf(modbus: NonNullable<Profile["modbus"]>): Pick<ModbusFacts, Behaviour> {
  return {
    onePointPerRequest: modbus.onePointPerRequest ?? false,
    pauseMs: modbus.pauseMs ?? 0,
    pauseAfterConnectMs: modbus.pauseAfterConnectMs ?? 0,
    timeoutMs: modbus.timeoutMs ?? TIMEOUT_MS,
    minimumPeriodMs: modbus.minimumPeriodMs ?? 0,
    maxConnections: modbus.maxConnections,
    closeAfterRound: modbus.closeAfterRound ?? false,
  };
}

type Ranges = NonNullable<NonNullable<Profile["modbus"]>["illegal"]>;

function rangesOf(ranges: Ranges | undefined): ReadonlyMap<RegisterTable, readonly AddressRange[]> {
  const tables = ["holding", "input", "coil", "discrete"] as const;
  return new Map(
    tables.flatMap((table) => {
      const list = ranges?.[table];
      return list === undefined ? [] : [[table, list] as const];
    }),
  );
}
