import type { BoundPoint } from "../../profiles/binding.ts";
import type { NodeConversion, NodeRead } from "../../profiles/binding-iec61850.ts";
import type { NodeScale } from "../../profiles/node-value.ts";
import {
  formatReference,
  type FunctionalConstraint,
  type Reference,
} from "../../wire/mms/names.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";

/** A point in the model that the device really has. */
export interface LiveNode {
  readonly point: BoundPoint;
  readonly conversion: NodeConversion;
  readonly scale: NodeScale;
  /** What is read to have value, quality and time of one moment. */
  readonly object: Reference;
  readonly value: Reference;
  readonly quality: Reference | undefined;
  readonly time: Reference | undefined;
  /** `LD/LN`, whose behaviour is that of the value. */
  readonly node: string;
}

/** Where a value stands, as far as the type of its logical node tells. */
export type NodePlaces = Pick<LiveNode, "object" | "value" | "quality" | "time">;

type Whole = Reference & { readonly fc: FunctionalConstraint };

/** Where the values of the common data classes are. @see IEC 61850-7-3, section 7 */
const VALUE_PATHS: readonly (readonly string[])[] = [
  [],
  ["mag", "f"],
  ["mag", "i"],
  ["cVal", "mag", "f"],
  ["cVal", "mag", "i"],
  ["instMag", "f"],
  ["mxVal", "f"],
  ["mxVal", "i"],
  ["stVal"],
  ["actVal"],
  ["posVal"],
  ["valWTr", "posVal"],
  ["setMag", "f"],
  ["setMag", "i"],
  ["setVal"],
  ["f"],
  ["i"],
];

/**
 * Finds a value in the type of its logical node, and the quality and time that stand beside it;
 * undefined when the device does not have it.
 */
export function placesIn(
  type: TypeSpec,
  { place }: Pick<NodeRead, "place">,
): NodePlaces | undefined {
  const { fc } = place;
  if (fc === undefined) return undefined;
  const level = memberType(type, [fc]);
  if (level === undefined) return undefined;
  const whole: Whole = { ...place, fc };
  const tail = VALUE_PATHS.find((path) => {
    const leaf = memberType(level, [...place.path, ...path]);
    return leaf !== undefined && leaf.kind !== "structure" && leaf.kind !== "array";
  });
  if (tail === undefined) return undefined;
  const value = { ...whole, path: [...place.path, ...tail] };
  const object = objectOf(level, value);
  const beside = (name: string, kind: TypeSpec["kind"]): Reference | undefined => {
    const path = [...object.path, name];
    return memberType(level, path)?.kind === kind ? { ...whole, path } : undefined;
  };
  return { object, value, quality: beside("q", "bits"), time: beside("t", "utc-time") };
}

/** The nearest level above the value that has a quality; without one the value alone. */
function objectOf(level: TypeSpec, value: Whole): Whole {
  for (let depth = value.path.length - 1; depth > 0; depth -= 1) {
    const path = value.path.slice(0, depth);
    if (memberType(level, [...path, "q"])?.kind === "bits") return { ...value, path };
  }
  return value;
}

/** Where the device may describe a value: `units` or `sVC` of one of the levels above it. */
export function descriptionOf(
  type: TypeSpec,
  value: Reference,
  name: "units" | "sVC" | "minVal" | "maxVal",
): Reference | undefined {
  for (let depth = value.path.length - 1; depth > 0; depth -= 1) {
    const path = [...value.path.slice(0, depth), name];
    if (memberType(type, ["CF", ...path]) !== undefined) return { ...value, fc: "CF", path };
  }
  return undefined;
}

/** Which part of a node a value brings, and where it stands in that value. */
export interface SourcePart {
  readonly node: LiveNode;
  readonly part: "value" | "quality" | "time";
  readonly indexes: readonly number[];
}

/** Something that a device sends, in an answer or a report, and the nodes that are in it. */
export interface NodeSource {
  readonly reference: Reference;
  readonly parts: readonly SourcePart[];
}

/** What of these nodes is in a variable, by the type of its logical node. */
export function sourceOf(
  reference: Reference,
  type: TypeSpec,
  nodes: readonly LiveNode[],
): NodeSource {
  const parts: SourcePart[] = [];
  for (const node of nodes) {
    for (const part of ["value", "quality", "time"] as const) {
      const wanted = node[part];
      const indexes = wanted === undefined ? undefined : indexesWithin(reference, wanted, type);
      if (indexes !== undefined) parts.push({ node, part, indexes });
    }
  }
  return { reference, parts };
}

/** The way from a variable down to a part of it; undefined when it is no part. */
function indexesWithin(
  from: Reference,
  to: Reference,
  type: TypeSpec,
): readonly number[] | undefined {
  if (from.ld !== to.ld || from.ln !== to.ln) return undefined;
  const names = [to.fc ?? "", ...to.path];
  const above = from.fc === undefined ? [] : [from.fc, ...from.path];
  if (above.some((name, at) => name !== names[at])) return undefined;
  let level = memberType(type, above);
  const indexes: number[] = [];
  for (const name of names.slice(above.length)) {
    if (level?.kind !== "structure") return undefined;
    const index = level.members.findIndex((member) => member.name === name);
    if (index < 0) return undefined;
    indexes.push(index);
    level = level.members[index]?.type;
  }
  return indexes;
}

export function nodeKey({ ld, ln }: Pick<Reference, "ld" | "ln">): string {
  return `${ld}/${ln}`;
}

/** One source per variable that has to be read to know all of these nodes. */
export function pollSources(
  nodes: readonly LiveNode[],
  typeOf: (node: string) => TypeSpec | undefined,
): readonly NodeSource[] {
  const objects = new Map<string, { readonly reference: Reference; readonly nodes: LiveNode[] }>();
  for (const node of nodes) {
    const key = formatReference(node.object);
    const known = objects.get(key);
    if (known === undefined) objects.set(key, { reference: node.object, nodes: [node] });
    else known.nodes.push(node);
  }
  return [...objects.values()].flatMap(({ reference, nodes: own }) => {
    const type = typeOf(nodeKey(reference));
    return type === undefined ? [] : [sourceOf(reference, type, own)];
  });
}
