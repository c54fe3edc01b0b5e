import type {
  BoundPoint,
  CompiledProfile,
  Conversion,
  Interlock,
  KeepAlive,
  ModbusFacts,
  PollGroup,
  ReadBinding,
  ScaleFactor,
  SunspecChain,
  WriteBinding,
} from "../../src/profiles/binding.ts";

/** Profiles made by hand, so that tests of drivers and devices do not depend on the compiler. */

const FACTS: ModbusFacts = {
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
};

export function facts(changes: Partial<ModbusFacts> = {}): ModbusFacts {
  return { ...FACTS, ...changes };
}

export function conversion(changes: Partial<Conversion> = {}): Conversion {
  return {
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
    ...changes,
  };
}

export function readAt(address: number, changes: Partial<ReadBinding> = {}): ReadBinding {
  return {
    table: "holding",
    address,
    count: 1,
    unit: undefined,
    model: undefined,
    conversion: conversion(),
    ...changes,
  };
}

/** As `readAt`, for places that differ in their conversion mostly. */
export function place(
  address: number,
  changes: Partial<Conversion> = {},
  rest: Partial<ReadBinding> = {},
): ReadBinding {
  return readAt(address, { ...rest, conversion: conversion(changes) });
}

export function writeAt(address: number, changes: Partial<WriteBinding> = {}): WriteBinding {
  return {
    table: "holding",
    address,
    count: 1,
    unit: undefined,
    model: undefined,
    function: 6,
    mask: undefined,
    copies: 1,
    conversion: conversion(),
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
    ...changes,
  };
}

/** A point of the first group, read as one unsigned register, unless `changes` say otherwise. */
export function point(ordinal: number, changes: Partial<BoundPoint> = {}): BoundPoint {
  return {
    ordinal,
    id: `x-point-${ordinal}`,
    field: `x_point_${ordinal}`,
    type: "float",
    unit: undefined,
    texts: undefined,
    range: undefined,
    access: "r",
    group: 0,
    read: readAt(ordinal),
    write: undefined,
    frozenAfterMs: undefined,
    ...changes,
  };
}

export function scaleFactorAt(address: number, changes: Partial<ScaleFactor> = {}): ScaleFactor {
  const place = { table: "holding" as const, address, count: 1, unit: undefined, model: undefined };
  return { place, exponent: undefined, isStatic: false, ...changes };
}

const GROUP: PollGroup = { name: "fast", everyMs: 100, phaseMs: 0 };

export function profile(
  points: readonly BoundPoint[],
  changes: Partial<CompiledProfile> = {},
): CompiledProfile {
  return {
    name: "test/device",
    version: "1.0.0",
    status: "draft",
    deviceClass: "meter",
    hash: "0",
    modbus: FACTS,
    groups: [GROUP],
    points,
    derived: [],
    alarms: [],
    interlocks: new Map(),
    keepAlives: new Map(),
    capabilities: [],
    quirks: [],
    missing: new Map(),
    sunspec: undefined,
    iec61850: undefined,
    ...changes,
  };
}

export interface ProfileParts {
  readonly points: readonly (Partial<BoundPoint> & { readonly id: string })[];
  readonly deviceClass?: string;
  readonly modbus?: Partial<ModbusFacts>;
  readonly keepAlives?: readonly KeepAlive[];
  readonly interlocks?: readonly Interlock[];
  readonly sunspec?: SunspecChain;
}

/** A profile of named points, which are read and written only where the line says so. */
export function makeProfile(parts: ProfileParts): CompiledProfile {
  const points = parts.points.map((line, ordinal) =>
    point(ordinal, {
      field: line.id,
      access: line.write === undefined ? "r" : "rw",
      read: undefined,
      ...line,
    }),
  );
  return profile(points, {
    name: "acme/one",
    deviceClass: parts.deviceClass ?? "meter",
    modbus: facts(parts.modbus),
    keepAlives: new Map((parts.keepAlives ?? []).map((each) => [each.name, each])),
    interlocks: new Map((parts.interlocks ?? []).map((each) => [each.name, each])),
    sunspec: parts.sunspec,
  });
}
