import { qualityCode, type QualityCode } from "../../domain/quality.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import type { Iec61850Facts, NodeRead, NodeTarget } from "../../profiles/binding-iec61850.ts";
import {
  type DeviceLimits,
  type DeviceScale,
  type DeviceUnit,
  nodeScale,
} from "../../profiles/node-value.ts";
import type { Reference } from "../../wire/mms/names.ts";
import { memberType, type NamedType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import type { AccessResult } from "../../wire/mms/value.ts";
import type { Association, CallTerms } from "./engine.ts";
import { descriptionOf, type LiveNode, nodeKey, type NodePlaces, placesIn } from "./live-node.ts";
import { scalarOf } from "./scalar.ts";

const NOT_IMPLEMENTED = qualityCode("not-implemented");
const CONFIGURATION = qualityCode("configuration");

/** The device as it is now, as far as its profile is about it. */
export interface DeviceModel {
  readonly nodes: readonly LiveNode[];
  /** Points that the device does not have, or has in a unit that they cannot have. */
  readonly refused: ReadonlyMap<number, QualityCode>;
  /** By `LD/LN`: types of all logical nodes that the profile names. */
  readonly types: ReadonlyMap<string, TypeSpec>;
  /** By ordinal: what the device says a setpoint may be. */
  readonly limits: ReadonlyMap<number, DeviceLimits>;
}

/** A value that is found, and where the device describes it. */
interface Found {
  readonly point: BoundPoint;
  readonly read: NodeRead;
  readonly places: NodePlaces;
  readonly units: Reference | undefined;
  readonly scaling: Reference | undefined;
}

/**
 * Finds the points of a profile in the model of the device, and asks it for units and limits.
 *
 * @throws GatewayError when the link fails meanwhile; the reason of the signal
 */
export async function readModel(
  association: Association,
  profile: CompiledProfile,
  terms: CallTerms,
): Promise<DeviceModel> {
  const facts = profile.iec61850;
  if (facts === undefined) {
    return { nodes: [], refused: new Map(), types: new Map(), limits: new Map() };
  }
  const types = await typesOf(association, facts, terms);
  const refused = new Map<number, QualityCode>();
  const found: Found[] = [];
  for (const [ordinal, read] of facts.reads) {
    const point = profile.points[ordinal];
    const type = types.get(nodeKey(read.place));
    const places = type === undefined ? undefined : placesIn(type, read);
    if (point === undefined) continue;
    if (type === undefined || places === undefined) refused.set(ordinal, NOT_IMPLEMENTED);
    else found.push({ point, read, places, ...describedIn(type, read, places) });
  }
  const answers = await descriptions(association, found, terms);
  const nodes = found.flatMap((one): LiveNode[] => {
    const node = nodeOf(one, answers);
    if (node === undefined) refused.set(one.point.ordinal, CONFIGURATION);
    return node === undefined ? [] : [node];
  });
  const limits = await limitsOf({ association, facts, types }, terms);
  return { nodes, refused, types, limits };
}

async function typesOf(
  association: Association,
  { reads, writes }: Iec61850Facts,
  terms: CallTerms,
): Promise<Map<string, TypeSpec>> {
  const places = new Map<string, Reference[]>();
  const note = (place: Reference): void => {
    const known = places.get(nodeKey(place));
    if (known === undefined) places.set(nodeKey(place), [place]);
    else known.push(place);
  };
  for (const { place } of reads.values()) note(place);
  for (const { target } of writes.values()) note(placeOfTarget(target));
  const types = new Map<string, TypeSpec>();
  for (const [key, own] of places) {
    const [first] = own;
    if (first === undefined) continue;
    const { ld, ln } = first;
    const whole = await association.typeOf({ ld, ln, fc: undefined, path: [] }, terms);
    const type = whole ?? (await typeOfParts(association, own, terms));
    if (type !== undefined) types.set(key, type);
  }
  return types;
}

/** What is commanded, as a place in the model. */
export function placeOfTarget(target: NodeTarget): Reference {
  return target.kind === "value" ? target.place : { ...target.object, fc: "CO" };
}

/** A node that is too large to describe in one answer is put together from what is needed. */
async function typeOfParts(
  association: Association,
  places: readonly Reference[],
  terms: CallTerms,
): Promise<TypeSpec | undefined> {
  const levels = new Map<string, NamedType[]>();
  for (const { ld, ln, fc, path } of places) {
    const [name] = path;
    if (fc === undefined || name === undefined) continue;
    const level = levels.get(fc) ?? [];
    levels.set(fc, level);
    if (level.some((member) => member.name === name)) continue;
    const type = await association.typeOf({ ld, ln, fc, path: [name] }, terms);
    if (type !== undefined) level.push({ name, type });
  }
  const members = [...levels]
    .filter(([, own]) => own.length > 0)
    .map(([name, own]): NamedType => ({ name, type: { kind: "structure", members: own } }));
  return members.length === 0 ? undefined : { kind: "structure", members };
}

function describedIn(
  type: TypeSpec,
  read: NodeRead,
  { value }: NodePlaces,
): Pick<Found, "units" | "scaling"> {
  if (read.conversion.kind !== "number") return { units: undefined, scaling: undefined };
  const leaf = memberType(type, [value.fc ?? "", ...value.path]);
  const isWhole = leaf?.kind === "integer" || leaf?.kind === "unsigned";
  return {
    units: descriptionOf(type, value, "units"),
    scaling: isWhole ? descriptionOf(type, value, "sVC") : undefined,
  };
}

type Answers = ReadonlyMap<Reference, AccessResult>;

async function descriptions(
  association: Association,
  found: readonly Found[],
  terms: CallTerms,
): Promise<Answers> {
  const references = found.flatMap(({ units, scaling }) =>
    [units, scaling].filter((reference) => reference !== undefined),
  );
  if (references.length === 0) return new Map();
  const values = await association.read(references, terms);
  return new Map(
    references.flatMap((reference, at) => {
      const value = values[at];
      return value === undefined ? [] : [[reference, value] as const];
    }),
  );
}

function nodeOf(found: Found, answers: Answers): LiveNode | undefined {
  const { point, read, places } = found;
  const said = (reference: Reference | undefined): AccessResult | undefined =>
    reference === undefined ? undefined : answers.get(reference);
  const scale = nodeScale(
    read.conversion,
    unitSaid(said(found.units)),
    scaleSaid(said(found.scaling)),
  );
  if (scale === undefined) return undefined;
  return { point, conversion: read.conversion, scale, ...places, node: nodeKey(places.value) };
}

/** `units`: SIUnit and, if the device has it, multiplier. */
function unitSaid(value: AccessResult | undefined): DeviceUnit | undefined {
  if (value?.kind !== "structure") return undefined;
  const [si, multiplier] = value.members.map((member) => Number(scalarOf(member)));
  if (si === undefined || !Number.isInteger(si)) return undefined;
  return { si, multiplier: multiplier !== undefined && multiplier === multiplier ? multiplier : 0 };
}

/** `sVC`: scaleFactor and offset. */
function scaleSaid(value: AccessResult | undefined): DeviceScale | undefined {
  if (value?.kind !== "structure") return undefined;
  const [scaleFactor, offset] = value.members.map((member) => Number(scalarOf(member)));
  const isScale = scaleFactor !== undefined && scaleFactor !== 0 && Number.isFinite(scaleFactor);
  if (!isScale || offset === undefined || !Number.isFinite(offset)) return undefined;
  return { scaleFactor, offset };
}

/** What the device says a setpoint may be, in the canonical unit. */
async function limitsOf(
  parts: {
    readonly association: Association;
    readonly facts: Iec61850Facts;
    readonly types: ReadonlyMap<string, TypeSpec>;
  },
  terms: CallTerms,
): Promise<Map<number, DeviceLimits>> {
  const { association, facts, types } = parts;
  const limits = new Map<number, DeviceLimits>();
  for (const [ordinal, { isLimitedByDevice, target, conversion }] of facts.writes) {
    const scale = nodeScale(conversion);
    const place = placeOfTarget(target);
    const type = types.get(nodeKey(place));
    if (!isLimitedByDevice || scale === undefined || type === undefined) continue;
    const below = { ...place, path: [...place.path, ""] };
    const ends = (["minVal", "maxVal"] as const).map((name) => descriptionOf(type, below, name));
    const [least, most] = ends;
    if (least === undefined || most === undefined) continue;
    const values = await association.read([least, most], terms);
    const [low, high] = values.map((value) => numberIn(value) * scale.factor + scale.offset);
    if (low === undefined || high === undefined || Number.isNaN(low + high)) continue;
    limits.set(ordinal, { minimum: Math.min(low, high), maximum: Math.max(low, high) });
  }
  return limits;
}

/** A number, or the only number in a structure. */
export function numberIn(value: AccessResult): number {
  const [only] = value.kind === "structure" ? value.members : [];
  const scalar = scalarOf(only ?? value);
  return scalar === undefined || typeof scalar === "string" ? Number.NaN : Number(scalar);
}
