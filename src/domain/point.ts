import type { Brand } from "./time.ts";

/** Name of a device in the site file: `bess-1`. */
export type DeviceId = Brand<string, "DeviceId">;
/** `<device>/<point>`, for example `pcc-meter/active-power`. Unique in a site. */
export type PointId = Brand<string, "PointId">;
/** Place of a point in the site's point table. The same in every process of one configuration. */
export type PointIndex = Brand<number, "PointIndex">;
/** Place of a device in the site's point table; it names the stream of its rounds. */
export type StreamId = Brand<number, "StreamId">;

export const deviceId = (id: string): DeviceId => id as DeviceId;
export const pointId = (id: string): PointId => id as PointId;
export const pointIndex = (index: number): PointIndex => index as PointIndex;
export const streamId = (index: number): StreamId => index as StreamId;

/** A process that reads devices, and therefore numbers their rounds. */
export type Producer = "control" | "field";

/** A process of the gateway. Services reads no device; it numbers the rounds of its own points. */
export type RoleName = Producer | "services";

/**
 * How a value lies in a round: `float` and `int` as the number, `bool` 0 or 1, `enum` the index in
 * `texts`, `bits` the unsigned integer, `text` in the round's side table.
 */
export type PointType = "float" | "int" | "bool" | "enum" | "bits" | "text";

export interface PointDefinition {
  readonly index: PointIndex;
  readonly id: PointId;
  readonly device: DeviceId;
  /** Canonical id or `x-name`: the part of `id` behind the slash. */
  readonly name: string;
  /** Name in telemetry: `active_power_w`. Unique in a device. */
  readonly field: string;
  readonly type: PointType;
  /** Canonical unit; undefined for states, flags and texts. */
  readonly unit: string | undefined;
  /** Texts of an `enum`, by index. */
  readonly texts: readonly string[] | undefined;
  /** Physical plausibility, in `unit`. Outside: quality bad/out-of-range. Not a control limit. */
  readonly range: readonly [number, number] | undefined;
  readonly writable: boolean;
  /** False for a pure command: it has no value that could be good or bad. */
  readonly readable: boolean;
  /** Longest time between two readings by plan, ms; undefined when read once per connection. */
  readonly everyMs: number | undefined;
}

export interface DeviceDefinition {
  readonly stream: StreamId;
  readonly id: DeviceId;
  /** Equipment class of the plant vocabulary: `bess`, `chiller`. */
  readonly deviceClass: string;
  /** `<manufacturer>/<model>`, or `gateway` for the points that the gateway makes itself. */
  readonly profile: string;
  /** Who numbers its rounds. */
  readonly producer: RoleName;
  /** Others show the same equipment: what this one measures is not counted again. */
  readonly isSecondSight?: true;
  /** Points `firstPoint` … `firstPoint + pointCount − 1` of the table. */
  readonly firstPoint: number;
  readonly pointCount: number;
}

/** Every point of the site in one order. Built from the site file; never changes at run time. */
export interface PointTable {
  /** Names the table: two processes with the same hash agree on every index. */
  readonly hash: string;
  readonly devices: readonly DeviceDefinition[];
  readonly points: readonly PointDefinition[];
  readonly indexById: ReadonlyMap<string, PointIndex>;
}
