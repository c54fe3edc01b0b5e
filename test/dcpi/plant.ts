import {
  type DeviceDefinition,
  deviceId,
  type PointDefinition,
  pointId,
  pointIndex,
  type PointTable,
  type PointType,
  streamId,
} from "../../src/domain/point.ts";
import { GOOD } from "../../src/domain/quality.ts";
import { CANONICAL_POINTS, ENUM_TEXTS } from "../../src/domain/vocabulary/vocabulary.ts";

export interface PlantDevice {
  readonly id: string;
  readonly deviceClass: string;
  /** Canonical ids, or `x-name:type`. */
  readonly points: readonly string[];
}

/** A point table as the site file makes one, for tests. */
export function plantTable(given: readonly PlantDevice[]): PointTable {
  const devices: DeviceDefinition[] = [];
  const points: PointDefinition[] = [];
  for (const { id, deviceClass, points: names } of given) {
    devices.push({
      stream: streamId(devices.length),
      id: deviceId(id),
      deviceClass,
      profile: "test/test",
      producer: "field",
      firstPoint: points.length,
      pointCount: names.length,
    });
    for (const name of names) points.push(plantPoint(id, name, points.length));
  }
  return {
    hash: "table",
    devices,
    points,
    indexById: new Map(points.map((point) => [point.id, point.index])),
  };
}

function plantPoint(device: string, given: string, index: number): PointDefinition {
  const [name = "", type] = given.split(":");
  const canonical = CANONICAL_POINTS.get(name);
  return {
    index: pointIndex(index),
    id: pointId(`${device}/${name}`),
    device: deviceId(device),
    name,
    field: canonical?.telemetryField ?? name.replaceAll("-", "_"),
    type: canonical?.type ?? (type as PointType | undefined) ?? "float",
    unit: canonical?.unit,
    texts: canonical?.enumName === undefined ? undefined : ENUM_TEXTS.get(canonical.enumName),
    range: canonical?.range,
    writable: canonical?.access === "rw",
    readable: true,
    everyMs: 1_000,
  };
}

/** Columns of a plant: values by `<device>/<point>`, all good; NaN and never-read elsewhere. */
export function plantColumns(
  table: PointTable,
  values: Readonly<Record<string, number>>,
): { values: Float64Array; quality: Uint8Array } {
  const columns = {
    values: new Float64Array(table.points.length).fill(Number.NaN),
    quality: new Uint8Array(table.points.length).fill(64),
  };
  for (const [id, value] of Object.entries(values)) {
    const index = table.indexById.get(id);
    if (index === undefined) throw new Error(`no point ${id}`);
    columns.values[index] = value;
    columns.quality[index] = GOOD;
  }
  return columns;
}

export function asJson(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

export function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
