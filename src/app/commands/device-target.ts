import { type PointDefinition, pointIndex } from "../../domain/point.ts";
import { conversionTo } from "../../domain/vocabulary/vocabulary.ts";
import type { BoundPoint, CompiledProfile, WriteBinding } from "../../profiles/binding.ts";
import { nearestName } from "../nearest-name.ts";
import type { DeviceContext, SiteContext } from "../site-context.ts";

/** More names than this are not listed in a sentence. */
const LISTED_MAX = 12;

/** A person typed something that cannot be; the message is the whole sentence. */
export class WrongUse extends Error {}

/** What a command has to know of a point that can be written, whatever its protocol. */
export interface WriteRule {
  readonly danger: WriteBinding["danger"];
  /** Names in `keepAlives` of the profile. */
  readonly keepAlive: readonly string[];
  /** States that can be written, by their codes; undefined: all, or no states. */
  readonly codes: ReadonlyMap<number, number> | undefined;
}

/** Undefined for a point that is read only. */
export function writeRuleOf(profile: CompiledProfile, bound: BoundPoint): WriteRule | undefined {
  const write = bound.write ?? profile.iec61850?.writes.get(bound.ordinal);
  if (write === undefined) return undefined;
  const { danger, keepAlive, conversion } = write;
  return { danger, keepAlive, codes: conversion.codes };
}

/** A point of a device, as the profile binds it and as the table of the site knows it. */
export interface TargetPoint {
  readonly bound: BoundPoint;
  readonly definition: PointDefinition;
}

/** @throws WrongUse with the nearest name, or all of them */
export function findDevice(context: SiteContext, name: string): DeviceContext {
  const found = context.deviceById.get(name);
  if (found !== undefined) return found;
  const known = context.devices.map(({ config }) => config.id);
  throw wrongName(`the site has no device "${name}"`, name, known);
}

/** All points of a device in the order of its profile. */
export function pointsOf(context: SiteContext, device: DeviceContext): readonly TargetPoint[] {
  const { firstPoint } = device.definition;
  return device.profile.points.flatMap((bound): TargetPoint[] => {
    const definition = context.table.points[pointIndex(firstPoint + bound.ordinal)];
    return definition === undefined ? [] : [{ bound, definition }];
  });
}

/**
 * The points of these names; `bess-1/active-power` may stand for `active-power`.
 *
 * @throws WrongUse with the nearest name
 */
export function findPoints(
  context: SiteContext,
  device: DeviceContext,
  names: readonly string[],
): readonly TargetPoint[] {
  const all = pointsOf(context, device);
  const prefix = `${device.config.id}/`;
  return names.map((given) => {
    const name = given.startsWith(prefix) ? given.slice(prefix.length) : given;
    const found = all.find(({ bound }) => bound.id === name);
    if (found !== undefined) return found;
    const known = all.map(({ bound }) => bound.id);
    throw wrongName(`${device.config.id} has no point "${name}"`, name, known);
  });
}

function wrongName(what: string, name: string, known: readonly string[]): WrongUse {
  const meant = nearestName(name, known);
  if (meant !== undefined) return wrong(`${what}; did you mean ${meant}?`);
  const listed = known.slice(0, LISTED_MAX).join(", ");
  return wrong(`${what}; it has ${listed}${known.length > LISTED_MAX ? ", …" : ""}`);
}

function wrong(sentence: string): WrongUse {
  return new WrongUse(sentence);
}

const TRUE_WORDS: ReadonlySet<string> = new Set(["true", "on", "yes", "1"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["false", "off", "no", "0"]);

/**
 * A value as a person types it, in the point's canonical unit or in `unit`.
 *
 * @returns index of the text for a state, 0 or 1 for a flag
 * @throws WrongUse with what would be right
 */
export function parseValue(
  point: BoundPoint,
  { codes }: WriteRule,
  text: string,
  unit: string | undefined,
): number {
  if (point.texts !== undefined) return stateOf(point, point.texts, { text, codes });
  if (point.type === "bool") return flagOf(point, text);
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw wrong(`${point.id} takes a number, and "${text}" is none`);
  if (unit === undefined) return value;
  const conversion = conversionTo(point.unit ?? "1", unit);
  if (conversion === undefined) {
    throw wrong(`${point.id} is in ${point.unit ?? "no unit"}, and ${unit} cannot become that`);
  }
  return value * conversion.factor + conversion.offset;
}

function stateOf(
  point: BoundPoint,
  texts: readonly string[],
  { text, codes }: { readonly text: string; readonly codes: WriteRule["codes"] },
): number {
  const states = codes === undefined ? undefined : new Set(codes.values());
  const writable = texts.filter((_, at) => states?.has(at) !== false);
  if (writable.includes(text)) return texts.indexOf(text);
  throw wrongName(`${point.id} is never set to "${text}"`, text, writable);
}

function flagOf(point: BoundPoint, text: string): number {
  const word = text.toLowerCase();
  if (TRUE_WORDS.has(word)) return 1;
  if (FALSE_WORDS.has(word)) return 0;
  throw wrong(`${point.id} is on or off, and "${text}" is neither`);
}
