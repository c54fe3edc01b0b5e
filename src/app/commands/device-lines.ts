import { isBad, qualityName } from "../../domain/quality.ts";
import type { UtcMs } from "../../domain/time.ts";
import type { ImageView } from "../../points/image.ts";
import type { TargetPoint } from "./device-target.ts";

const NAME_WIDTH = 42;

/** One point as a device gave it, in the shape in which `points` tells it. */
export interface DeviceValue {
  readonly id: string;
  readonly field: string;
  readonly unit: string | undefined;
  /** Null when it is bad. */
  readonly value: number | string | boolean | null;
  readonly quality: string;
  /** When it was measured, or last good, UTC ms. */
  readonly sourceTime: number | null;
}

/** @param view what was read; a point that never was is bad/never-read */
export function valueOfPoint({ definition }: TargetPoint, view: ImageView): DeviceValue {
  const { index, id, field, unit } = definition;
  const code = view.quality[index] ?? 0;
  const time = view.sourceTimes[index] ?? Number.NaN;
  return {
    id,
    field,
    unit,
    value: isBad(code) ? null : shownValue(definition, view),
    quality: qualityName(code),
    sourceTime: Number.isNaN(time) ? null : time,
  };
}

function shownValue(
  { index, type, texts }: TargetPoint["definition"],
  view: ImageView,
): number | string | boolean {
  const text = view.texts.get(index);
  if (text !== undefined) return text;
  const value = view.values[index] ?? Number.NaN;
  if (type === "bool") return value !== 0;
  return texts?.[value] ?? value;
}

/** `active-power   12500000 W   good`. */
export function valueLine({ id, value, unit, quality }: DeviceValue): string {
  const name = id.slice(id.indexOf("/") + 1).padEnd(NAME_WIDTH);
  return `${name} ${textOf(value).padStart(14)} ${(unit ?? "").padEnd(6)} ${quality}`;
}

export function textOf(value: DeviceValue["value"]): string {
  if (value === null) return "—";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}

/** A canonical number of a point with its unit, or the text of its state. */
export function spoken({ definition }: TargetPoint, value: number): string {
  const { type, texts, unit } = definition;
  if (type === "bool") return value !== 0 ? "on" : "off";
  const text = texts?.[value] ?? textOf(value);
  return unit === undefined ? text : `${text} ${unit}`;
}

/** `14:03:07.125` of a time, UTC. */
export function clockText(utc: UtcMs): string {
  return new Date(utc).toISOString().slice(11, 23);
}
