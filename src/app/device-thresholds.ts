import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import { type PointIndex, pointIndex } from "../domain/point.ts";
import { ALARM_CATALOGUE, type CatalogueRule } from "../points/alarm-catalogue.ts";
import type { Threshold } from "../points/thresholds.ts";
import type { DeviceContext, SiteContext } from "./site-context.ts";

/** What the catalogue says of these devices; what a device tells itself is left to it. */
export function thresholdsOf(
  { site }: Pick<SiteContext, "site">,
  devices: readonly DeviceContext[],
): readonly Threshold[] {
  const nominalV = site.meters?.nominalVoltageV;
  const unitOf = (rule: CatalogueRule): number | undefined => {
    if (rule.unit === "point") return 1;
    return nominalV === undefined ? undefined : nominalV / Math.sqrt(3);
  };
  return devices.flatMap((device) =>
    ALARM_CATALOGUE.filter(
      ({ id, deviceClass }) =>
        deviceClass === device.profile.deviceClass &&
        device.profile.alarms.every((alarm) => alarm.id !== id),
    ).flatMap((rule) => {
      const unit = unitOf(rule);
      return unit === undefined ? [] : thresholdsOfRule(rule, device, unit);
    }),
  );
}

function thresholdsOfRule(rule: CatalogueRule, device: DeviceContext, unit: number): Threshold[] {
  const points = rule.points.flatMap((name) => {
    const point = placeOf(device, name);
    return point === undefined ? [] : [{ name, point }];
  });
  const only = onlyOf(rule, device);
  if (points.length === 0 || only === "missing") return [];
  const terms = {
    id: rule.id,
    device: device.definition.id,
    text: rule.text,
    side: rule.side,
    takes: rule.takes ?? "any",
    levels: rule.levels.map(({ severity, limit }) => ({ severity, limit: limit * unit })),
    hysteresis: rule.hysteresis * unit,
    onDelayMs: rule.onDelayMs,
    offDelayMs: rule.offDelayMs,
    only,
    unless: unlessOf(rule, device),
  } as const;
  const [first] = points;
  if (rule.isOneOfMany !== true || first === undefined)
    return [
      {
        ...terms,
        points: points.map(({ point }) => point),
        pointName: first?.name ?? "",
        others: [],
      },
    ];
  return points.map(({ name, point }) => ({
    ...terms,
    points: [point],
    pointName: name,
    others: points.filter((other) => other.point !== point).map((other) => other.point),
  }));
}

function onlyOf(rule: CatalogueRule, device: DeviceContext): Threshold["only"] | "missing" {
  if (rule.only === undefined) return undefined;
  const point = placeOf(device, rule.only.point);
  const equals = ENUM_TEXTS.get(rule.only.point)?.indexOf(rule.only.text) ?? -1;
  return point === undefined || equals < 0 ? "missing" : { point, equals };
}

function unlessOf({ unless }: CatalogueRule, device: DeviceContext): Threshold["unless"] {
  const point = unless === undefined ? undefined : placeOf(device, unless.point);
  return point === undefined || unless === undefined ? undefined : { point, equals: unless.equals };
}

function placeOf({ definition, profile }: DeviceContext, name: string): PointIndex | undefined {
  const point = profile.points.find(({ id }) => id === name);
  return point === undefined ? undefined : pointIndex(definition.firstPoint + point.ordinal);
}
