import type {
  BoundPoint,
  CompiledProfile,
  Conversion,
  Interlock,
  KeepAlive,
  ModbusFacts,
  ReadBinding,
  SunspecChain,
  WriteBinding,
} from "../../../src/profiles/binding.ts";

/** Profiles made by hand, so that these tests do not depend on the profile compiler. */

export const plain: Conversion = {
  raw: "uint16",
  order: "AB",
  slice: undefined,
  sliceSigned: false,
  scale: 1,
  offset: 0,
  sf: undefined,
  curve: undefined,
  codes: undefined,
  elseCode: undefined,
  absent: new Map(),
  absentWhen: undefined,
  percentOf: undefined,
  isActiveLow: false,
  string: undefined,
};

export function place(
  address: number,
  conversion: Partial<Conversion> = {},
  rest: Partial<ReadBinding> = {},
): ReadBinding {
  return {
    table: "holding",
    address,
    count: 1,
    unit: undefined,
    model: undefined,
    ...rest,
    conversion: { ...plain, ...conversion },
  };
}

export function writeAt(address: number, rest: Partial<WriteBinding> = {}): WriteBinding {
  return {
    ...place(address),
    function: 16,
    mask: undefined,
    copies: 1,
    minimum: { kind: "fixed", value: -1e12 },
    maximum: { kind: "fixed", value: 1e12 },
    exclude: [],
    step: undefined,
    stepRaw: undefined,
    readBack: undefined,
    needs: [],
    before: [],
    after: [],
    pulse: undefined,
    keepAlive: [],
    settleMs: 0,
    danger: "none",
    ...rest,
  };
}

type PointLine = Partial<BoundPoint> & { readonly id: string };

export interface ProfileParts {
  readonly points: readonly PointLine[];
  readonly deviceClass?: string;
  readonly modbus?: Partial<ModbusFacts>;
  readonly keepAlives?: readonly KeepAlive[];
  readonly interlocks?: readonly Interlock[];
  readonly sunspec?: SunspecChain;
}

export function makeProfile(parts: ProfileParts): CompiledProfile {
  return {
    name: "acme/one",
    version: "1.0.0",
    status: "draft",
    deviceClass: parts.deviceClass ?? "meter",
    hash: "0",
    modbus: {
      maxRead: 125,
      maxReadBits: 2000,
      maxWrite: 123,
      maxGap: undefined,
      illegal: new Map(),
      readable: new Map(),
      onePointPerRequest: false,
      pauseMs: 0,
      pauseAfterConnectMs: 0,
      timeoutMs: 500,
      minimumPeriodMs: 10,
      maxConnections: undefined,
      closeAfterRound: false,
      functions: undefined,
      exceptions: new Map(),
      serial: undefined,
      ...parts.modbus,
    },
    groups: [{ name: "all", everyMs: 100, phaseMs: 0 }],
    points: parts.points.map((line, ordinal) => ({
      ordinal,
      field: line.id,
      type: "float",
      unit: undefined,
      texts: undefined,
      range: undefined,
      access: line.write === undefined ? "r" : "rw",
      group: 0,
      read: undefined,
      write: undefined,
      frozenAfterMs: undefined,
      ...line,
    })),
    derived: [],
    alarms: [],
    interlocks: new Map((parts.interlocks ?? []).map((each) => [each.name, each])),
    keepAlives: new Map((parts.keepAlives ?? []).map((each) => [each.name, each])),
    capabilities: [],
    quirks: [],
    missing: new Map(),
    sunspec: parts.sunspec,
  };
}
