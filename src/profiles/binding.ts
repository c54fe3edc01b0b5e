import type { Condition } from "../domain/condition.ts";
import type { PointType } from "../domain/point.ts";
import type { QualityCode } from "../domain/quality.ts";
import type { Severity } from "../domain/event.ts";
import type { ByteOrder, NumberType, RegisterTable } from "../wire/modbus/registers.ts";
import type { Iec61850Facts } from "./binding-iec61850.ts";
import type { Bound } from "./bound.ts";

/**
 * A device profile, resolved and compiled: what drivers, the simulator and the point table use.
 * Everything here is data; addresses are 0-based wire addresses; numbers are canonical units
 * unless the name says raw.
 */
export interface CompiledProfile {
  /** `<manufacturer>/<model>`: the file's place under device-profiles/. */
  readonly name: string;
  readonly version: string;
  readonly status: "draft" | "checked" | "proven";
  readonly deviceClass: string;
  /** SHA-256 of the resolved profile, hex. */
  readonly hash: string;
  readonly modbus: ModbusFacts;
  readonly groups: readonly PollGroup[];
  /** Bound and derived points, in the order of the profile. The index is the point's ordinal. */
  readonly points: readonly BoundPoint[];
  readonly derived: readonly DerivedPoint[];
  readonly alarms: readonly AlarmRule[];
  readonly interlocks: ReadonlyMap<string, Interlock>;
  readonly keepAlives: ReadonlyMap<string, KeepAlive>;
  readonly capabilities: readonly Capability[];
  readonly quirks: readonly Quirk[];
  readonly missing: ReadonlyMap<string, string>;
  /** Where the SunSpec models stand if this profile is for a SunSpec device. */
  readonly sunspec: SunspecChain | undefined;
  /**
   * Present for a device that speaks IEC 61850: where its points are. Their `read` and `write`,
   * which are registers, are then undefined.
   */
  readonly iec61850: Iec61850Facts | undefined;
}

/** Inclusive range of wire addresses. */
export type AddressRange = readonly [first: number, last: number];

export interface ModbusFacts {
  /** Registers in one read. */
  readonly maxRead: number;
  /** Coils or discrete inputs in one read. */
  readonly maxReadBits: number;
  /** Registers in one write. */
  readonly maxWrite: number;
  /**
   * Registers between bound points that are worth reading along; undefined: learned from the round
   * trip.
   */
  readonly maxGap: number | undefined;
  /** Never touched; split around. */
  readonly illegal: ReadonlyMap<RegisterTable, readonly AddressRange[]>;
  /** Where unbound registers may be read to save a request. */
  readonly readable: ReadonlyMap<RegisterTable, readonly AddressRange[]>;
  readonly onePointPerRequest: boolean;
  readonly pauseMs: number;
  readonly pauseAfterConnectMs: number;
  readonly timeoutMs: number;
  readonly minimumPeriodMs: number;
  readonly maxConnections: number | undefined;
  readonly closeAfterRound: boolean;
  /** Function codes the device knows; undefined: all of 1–6, 15, 16. */
  readonly functions: ReadonlySet<number> | undefined;
  /** What an exception code means for the points asked for; others are bad/device-exception. */
  readonly exceptions: ReadonlyMap<number, "absent" | "retry-later">;
  readonly serial: SerialFacts | undefined;
}

export interface SerialFacts {
  readonly baud: number;
  readonly format: "8N1" | "8E1" | "8O1" | "8N2";
  readonly turnaroundMs: number;
}

export interface PollGroup {
  readonly name: string;
  /** 0: once per connection. */
  readonly everyMs: number;
  readonly phaseMs: number;
}

export interface BoundPoint {
  readonly ordinal: number;
  /** Canonical id or `x-name`. */
  readonly id: string;
  readonly field: string;
  readonly type: PointType;
  readonly unit: string | undefined;
  readonly texts: readonly string[] | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly access: "r" | "rw" | "w";
  /** Index in `groups`; undefined for derived and write-only points. */
  readonly group: number | undefined;
  /** Undefined for derived and write-only points. */
  readonly read: ReadBinding | undefined;
  readonly write: WriteBinding | undefined;
  /** A value unchanged this long is uncertain/stale although the device answers. */
  readonly frozenAfterMs: number | undefined;
}

export interface RegisterPlace {
  readonly table: RegisterTable;
  readonly address: number;
  /** Registers, or bits in the bit tables. */
  readonly count: number;
  /** Other unit id behind the same link. */
  readonly unit: number | undefined;
  /** SunSpec model that the place belongs to, for relocation. */
  readonly model: number | undefined;
}

export interface ReadBinding extends RegisterPlace {
  readonly conversion: Conversion;
}

/** From raw to canonical: raw · scale · 10^sf + offset, then unit, sign, curve or texts. */
export interface Conversion {
  readonly raw: NumberType | "bool" | "string" | "bits";
  readonly order: ByteOrder;
  /** First bit and number of bits of a larger integer. */
  readonly slice: readonly [first: number, count: number] | undefined;
  readonly sliceSigned: boolean;
  /** Canonical unit and sign are already in: value = raw · scale · 10^sf + offset. */
  readonly scale: number;
  readonly offset: number;
  /** Register of the power of ten; read in the same request unless `isStatic`. */
  readonly sf: ScaleFactor | undefined;
  readonly curve: readonly (readonly [raw: number, value: number])[] | undefined;
  /** Raw code → index in `texts` (enum) or 0/1 (bool). */
  readonly codes: ReadonlyMap<number, number> | undefined;
  /** Used for a raw code that is not in `codes`; undefined: quality bad/unknown-code. */
  readonly elseCode: number | undefined;
  /** Raw pattern after ordering, as lower-case hex without 0x → quality. */
  readonly absent: ReadonlyMap<string, QualityCode>;
  /** Another point of the device invalidates this one while it has this value. */
  readonly absentWhen: { readonly ordinal: number; readonly equals: number } | undefined;
  /** Value is percent of this point of the device. */
  readonly percentOf: number | undefined;
  /** A discrete or bit that is true when 0. */
  readonly isActiveLow: boolean;
  readonly string: { readonly pad: "nul" | "space"; readonly byteOrder: "AB" | "BA" } | undefined;
}

export interface ScaleFactor {
  readonly place: RegisterPlace | undefined;
  /** Fixed power of ten, where the profile states it. */
  readonly exponent: number | undefined;
  /** Read once per connection instead of in each request. */
  readonly isStatic: boolean;
}

export interface WriteBinding extends RegisterPlace {
  readonly function: 5 | 6 | 15 | 16 | 22;
  readonly mask: number | undefined;
  /** The same value in this many places one after the other. */
  readonly copies: number;
  readonly conversion: Conversion;
  readonly minimum: Bound;
  readonly maximum: Bound;
  readonly exclude: readonly (readonly [number, number])[];
  /** Steps of the value; rounded towards zero. */
  readonly step: number | undefined;
  readonly stepRaw: number | undefined;
  readonly readBack: ReadBackRule | undefined;
  /** Names in `interlocks` that must hold, on values that are not too old. */
  readonly needs: readonly string[];
  readonly before: readonly WriteStep[];
  readonly after: readonly WriteStep[];
  readonly pulse: { readonly release: number; readonly afterMs: number } | undefined;
  /** Names in `keepAlives` that run while a setpoint is held. */
  readonly keepAlive: readonly string[];
  readonly settleMs: number;
  readonly danger: "none" | "power" | "cooling" | "interrupts-load" | "permanent";
}

export interface ReadBackRule {
  /** Undefined: where the point is read. */
  readonly place: RegisterPlace | undefined;
  readonly withinMs: number;
  /** In the point's canonical unit. */
  readonly tolerance: number;
}

/** A raw write around a setpoint: unlock, select, arm. */
export interface WriteStep extends RegisterPlace {
  readonly raw: readonly number[];
  /** `session`: once per connection, before the first write; `each`: around every write. */
  readonly when: "session" | "each";
}

/** What keeps a held setpoint alive at the device. */
export interface KeepAlive {
  readonly name: string;
  readonly action:
    | { readonly kind: "raw"; readonly place: RegisterPlace; readonly raw: number }
    | { readonly kind: "counter"; readonly place: RegisterPlace; readonly raw: NumberType }
    | { readonly kind: "toggle"; readonly place: RegisterPlace }
    | { readonly kind: "repeat"; readonly ordinal: number };
  readonly everyMs: number;
  readonly deviceTimeoutMs: number | undefined;
  readonly onLoss: string;
}

export interface Interlock {
  readonly name: string;
  readonly ordinal: number | undefined;
  readonly place: RegisterPlace | undefined;
  readonly equals: number;
}

export interface Capability {
  readonly can: string;
  readonly reversion: string | undefined;
  readonly responseMs: number | undefined;
  readonly rampWPerS: number | undefined;
}

export interface Quirk {
  readonly quirk: string;
  readonly why: string;
}

/** One alarm of the device: active while the bit or value is there. */
export interface AlarmRule extends Condition {
  readonly id: string;
  readonly severity: Severity;
  readonly text: string;
  readonly ordinal: number;
}

/** A point computed from others of the same device; quality is the worst of its inputs. */
export interface DerivedPoint {
  readonly ordinal: number;
  readonly operation:
    | {
        readonly kind: "sum" | "mean" | "maximum" | "minimum" | "product";
        readonly of: readonly number[];
      }
    | { readonly kind: "any" | "all" | "count"; readonly of: readonly number[] }
    | { readonly kind: "difference" | "ratio"; readonly of: readonly [number, number] }
    | {
        readonly kind: "scale";
        readonly of: number;
        readonly factor: number;
        readonly offset: number;
      }
    | {
        readonly kind: "heat";
        readonly flow: number;
        readonly warm: number;
        readonly cold: number;
        /** Heat capacity of the fluid, J per litre and kelvin; undefined: warm water. */
        readonly capacityJPerLK?: number | undefined;
      }
    | { readonly kind: "dew-point"; readonly temperature: number; readonly humidity: number }
    | { readonly kind: "select"; readonly by: number; readonly cases: ReadonlyMap<number, number> }
    | { readonly kind: "splice"; readonly high: number; readonly low: number };
}

export interface SunspecChain {
  /** Where "SunS" may stand. */
  readonly bases: readonly number[];
  /** Base for which the addresses of this compilation hold. */
  readonly base: number;
  readonly models: readonly SunspecModelPlace[];
}

export interface SunspecModelPlace {
  readonly model: number;
  /** Wire address of the model's ID register. */
  readonly address: number;
  /** As in the device's length register: without ID and length. */
  readonly length: number;
}

/** Where the models really stand in one device, as the driver found them at connect. */
export type RelocateResult = { readonly profile: CompiledProfile } | { readonly problem: string };
