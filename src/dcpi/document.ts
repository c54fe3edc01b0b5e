import type { DeviceDefinition, PointIndex, PointTable } from "../domain/point.ts";
import { isGood, qualityName } from "../domain/quality.ts";
import type { UtcMs } from "../domain/time.ts";
import { utf8Bytes } from "../domain/utf8.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import { shortNumber } from "./number.ts";
import { formatUtc } from "./timestamp.ts";

/** The dialect in which the gateway speaks when nobody has asked in another. */
export const DCPI_VERSION = "1.0";
export const W_PER_MW = 1_000_000;
export const KPA_PER_BAR = 100;

/** What is known of the plant now, by place in the point table. Values are NaN where bad. */
export interface PlantColumns {
  readonly values: Float64Array;
  readonly quality: Uint8Array;
}

/** Who speaks, for every document. */
export interface Speaker {
  /** The site, as `facility_id`. */
  readonly facility: string;
  readonly gateway: string;
}

export type JsonObject = Readonly<Record<string, JsonValue>>;

/** Members that every document begins with. */
export function documentHead(
  speaker: Speaker,
  type: string,
  at: UtcMs,
  correlation: string,
): JsonObject {
  return {
    dcpi_version: DCPI_VERSION,
    message_type: type,
    timestamp: formatUtc(at),
    facility_id: speaker.facility,
    gateway_id: speaker.gateway,
    correlation_id: correlation,
  };
}

export function encodeDocument(document: JsonObject): Uint8Array {
  return utf8Bytes(JSON.stringify(document));
}

/** One value of a document: a number only where it is good. */
export interface Reported {
  readonly value: number | undefined;
  /** Why there is no value; undefined when there is one. */
  readonly reason: string | undefined;
}

export const reported = (value: number): Reported => ({ value, reason: undefined });
export const unreported = (reason: string): Reported => ({ value: undefined, reason });

/** Reads points of one device out of the columns by canonical name. */
export class DevicePoints {
  readonly id: string;
  readonly deviceClass: string;
  readonly #indexByName = new Map<string, PointIndex>();

  constructor(table: PointTable, device: DeviceDefinition) {
    this.id = device.id;
    this.deviceClass = device.deviceClass;
    const end = device.firstPoint + device.pointCount;
    for (const point of table.points.slice(device.firstPoint, end)) {
      this.#indexByName.set(point.name, point.index);
    }
  }

  has(name: string): boolean {
    return this.#indexByName.has(name);
  }

  /** The value where it is good; else the reason. */
  read(plant: PlantColumns, name: string): Reported {
    const index = this.#indexByName.get(name);
    if (index === undefined) return unreported("not-measured");
    const quality = plant.quality[index] ?? Number.NaN;
    if (!isGood(quality)) return unreported(qualityName(quality));
    const value = plant.values[index] ?? Number.NaN;
    return Number.isFinite(value) ? reported(value) : unreported("bad/malformed");
  }
}

export function devicesOfClass(table: PointTable, classes: ReadonlySet<string>): DevicePoints[] {
  return table.devices
    .filter(({ deviceClass, isSecondSight }) => classes.has(deviceClass) && isSecondSight !== true)
    .map((device) => new DevicePoints(table, device));
}

/** A sum that is known only when every part is; the reason is that of the first unknown part. */
export function sumOf(parts: readonly Reported[]): Reported {
  if (parts.length === 0) return unreported("not-measured");
  let sum = 0;
  for (const part of parts) {
    if (part.value === undefined) return part;
    sum += part.value;
  }
  return reported(sum);
}

/** The largest, known only when every part is. */
export function largestOf(parts: readonly Reported[]): Reported {
  const unknown = parts.find((part) => part.value === undefined);
  if (unknown !== undefined) return unknown;
  if (parts.length === 0) return unreported("not-measured");
  return reported(Math.max(...parts.map((part) => part.value ?? Number.NEGATIVE_INFINITY)));
}

export function scaled(part: Reported, factor: number): Reported {
  return part.value === undefined ? part : reported(part.value * factor);
}

/** Watts as megawatts, without the noise of the division. */
export function megawatts(part: Reported): Reported {
  return part.value === undefined ? part : reported(part.value / W_PER_MW);
}

/**
 * Members of a document out of reported values: null where there is none, with the reason under the
 * same name in `quality`, which is there only when something is missing.
 *
 * @param reasons of members that the document says in words
 */
export function members(
  values: Readonly<Record<string, Reported>>,
  reasons: Readonly<Record<string, string>> = {},
): JsonObject {
  const document: Record<string, JsonValue> = {};
  const quality: Record<string, string> = { ...reasons };
  for (const [name, { value, reason }] of Object.entries(values)) {
    document[name] = value === undefined ? null : shortNumber(value);
    if (reason !== undefined) quality[name] = reason;
  }
  return Object.keys(quality).length === 0 ? document : { ...document, quality };
}
