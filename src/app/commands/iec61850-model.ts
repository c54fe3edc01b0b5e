import type {
  Association,
  CallTerms,
  ControlModel,
  DataSetMember,
} from "../../drivers/iec61850/engine.ts";
import { CONTROL_MODELS } from "../../drivers/iec61850/engine.ts";
import {
  FUNCTIONAL_CONSTRAINTS,
  type FunctionalConstraint,
  type Reference,
} from "../../wire/mms/names.ts";
import type { NamedType, TypeSpec } from "../../wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";

/** The model of a device as it was found. */
export interface BrowsedDevice {
  /** The MMS domain. */
  readonly name: string;
  readonly nodes: readonly BrowsedNode[];
}

export interface BrowsedNode {
  readonly name: string;
  readonly objects: readonly BrowsedObject[];
  readonly dataSets: readonly BrowsedDataSet[];
  readonly reports: readonly BrowsedReport[];
}

export interface BrowsedObject {
  readonly name: string;
  /** Undefined for an object that takes no commands. */
  readonly control: ControlModel | undefined;
  readonly leaves: readonly BrowsedLeaf[];
}

export interface BrowsedLeaf {
  readonly fc: FunctionalConstraint;
  /** Below the data object. */
  readonly path: readonly string[];
  readonly type: TypeSpec;
  /** Undefined where it was not read. */
  readonly value: AccessResult | undefined;
}

export interface BrowsedDataSet {
  readonly name: string;
  /** Undefined when the device does not tell them. */
  readonly members: readonly DataSetMember[] | undefined;
}

export interface BrowsedReport {
  readonly name: string;
  readonly isBuffered: boolean;
  readonly fields: readonly BrowsedLeaf[];
}

export interface BrowseTerms extends CallTerms {
  readonly hasValues: boolean;
  /** Told of what is under way, for a person who waits. */
  readonly onProgress: (text: string) => void;
}

/** Logical nodes of a device; the largest that are known have a tenth of it. */
const NODES_MAX = 10_000;
/** Data objects that are read in one call of the engine, which packs them into requests. */
const READ_AT_ONCE = 500;
/** What a client may read; reading CO would select. */
const READABLE: ReadonlySet<FunctionalConstraint> = new Set(
  FUNCTIONAL_CONSTRAINTS.filter((fc) => fc !== "CO"),
);
/** Read in any case: what a report block is for stands in its fields. */
const BLOCKS: ReadonlySet<FunctionalConstraint> = new Set(["RP", "BR"]);

/** Too much of something: the device is not what it says it is. */
export class BrowseLimit extends Error {}

/**
 * Everything that a device says of itself: names, types, and on demand values.
 *
 * @throws GatewayError when the association fails; WireError for a directory without end;
 *   BrowseLimit; the reason of the signal
 */
export async function browseModel(
  association: Association,
  terms: BrowseTerms,
): Promise<readonly BrowsedDevice[]> {
  const found = await namesOf(association, terms);
  const devices: BrowsedDevice[] = [];
  for (const [name, names] of found) {
    terms.onProgress(`${name}: ${names.nodes.size} logical nodes`);
    const nodes: BrowsedNode[] = [];
    for (const node of names.nodes.keys()) {
      terms.signal.throwIfAborted();
      nodes.push(await nodeOf(association, { ld: name, node, names }, terms));
    }
    devices.push({ name, nodes });
  }
  return devices;
}

interface Names {
  /** Data objects by logical node, as `MX$TotW`: for nodes too large to describe at once. */
  readonly nodes: Map<string, Set<string>>;
  /** `LLN0$dsMeas` */
  readonly dataSets: string[];
}

async function namesOf(
  association: Association,
  terms: BrowseTerms,
): Promise<ReadonlyMap<string, Names>> {
  const found = new Map<string, Names>();
  let nodes = 0;
  for await (const entry of association.directory(terms)) {
    let names = found.get(entry.ld);
    if (names === undefined) {
      names = { nodes: new Map(), dataSets: [] };
      found.set(entry.ld, names);
    }
    if (entry.kind === "data-set") names.dataSets.push(entry.item);
    if (entry.kind !== "variable") continue;
    const [ln = "", fc, object] = entry.item.split("$");
    let objects = names.nodes.get(ln);
    if (objects === undefined) {
      nodes += 1;
      if (nodes > NODES_MAX) throw new BrowseLimit(`more than ${NODES_MAX} logical nodes`);
      objects = new Set();
      names.nodes.set(ln, objects);
    }
    if (fc !== undefined && object !== undefined) objects.add(`${fc}$${object}`);
  }
  return found;
}

interface Place {
  readonly ld: string;
  readonly node: string;
  readonly names: Names;
}

async function nodeOf(
  association: Association,
  place: Place,
  terms: BrowseTerms,
): Promise<BrowsedNode> {
  const { ld, node, names } = place;
  const levels = await levelsOf(association, place, terms);
  const values = await valuesOf(association, { ld, node, levels }, terms);
  const objects = new Map<string, BrowsedLeaf[]>();
  const reports: BrowsedReport[] = [];
  for (const { fc, object } of levels) {
    const leaves = leavesOf(fc, object.type, [], values.get(`${fc}$${object.name}`));
    if (BLOCKS.has(fc)) {
      reports.push({ name: object.name, isBuffered: fc === "BR", fields: leaves });
    } else objects.set(object.name, [...(objects.get(object.name) ?? []), ...leaves]);
  }
  return {
    name: node,
    objects: [...objects].map(([name, leaves]) => {
      return { name, control: values.controls.get(name), leaves };
    }),
    dataSets: await dataSetsOf(association, { ld, node, names }, terms),
    reports,
  };
}

/** A data object under one constraint. */
interface Level {
  readonly fc: FunctionalConstraint;
  readonly object: NamedType;
}

async function levelsOf(
  association: Association,
  { ld, node, names }: Place,
  terms: BrowseTerms,
): Promise<readonly Level[]> {
  const whole = await association.typeOf({ ld, ln: node, fc: undefined, path: [] }, terms);
  if (whole?.kind === "structure") {
    return whole.members.flatMap(({ name: fc, type }) =>
      isConstraint(fc) && type.kind === "structure"
        ? type.members.map((object) => ({ fc, object }))
        : [],
    );
  }
  const levels: Level[] = [];
  for (const item of names.nodes.get(node) ?? []) {
    const [fc = "", name = ""] = item.split("$");
    if (!isConstraint(fc)) continue;
    const type = await association.typeOf({ ld, ln: node, fc, path: [name] }, terms);
    if (type !== undefined) levels.push({ fc, object: { name, type } });
  }
  return levels;
}

function isConstraint(text: string): text is FunctionalConstraint {
  return (FUNCTIONAL_CONSTRAINTS as readonly string[]).includes(text);
}

/** Values by `MX$TotW`; control models are read in any case. */
interface Values {
  readonly get: (key: string) => AccessResult | undefined;
  readonly controls: ReadonlyMap<string, ControlModel>;
}

async function valuesOf(
  association: Association,
  at: { readonly ld: string; readonly node: string; readonly levels: readonly Level[] },
  terms: BrowseTerms,
): Promise<Values> {
  const { ld, node: ln, levels } = at;
  const values = new Map<string, AccessResult>();
  const controls = new Map<string, ControlModel>();
  const wanted = levels.filter(({ fc }) => READABLE.has(fc) && (terms.hasValues || BLOCKS.has(fc)));
  for (let from = 0; from < wanted.length; from += READ_AT_ONCE) {
    const part = wanted.slice(from, from + READ_AT_ONCE);
    const references = part.map(({ fc, object }): Reference => {
      return { ld, ln, fc, path: [object.name] };
    });
    const results = await association.read(references, terms);
    for (const [index, { fc, object }] of part.entries()) {
      const result = results[index];
      if (result !== undefined) values.set(`${fc}$${object.name}`, result);
    }
  }
  const controllable = levels.filter(({ fc, object }) => fc === "CF" && hasModel(object.type));
  const models = await association.read(
    controllable.map(({ object }): Reference => {
      return { ld, ln, fc: "CF", path: [object.name, "ctlModel"] };
    }),
    terms,
  );
  for (const [index, { object }] of controllable.entries()) {
    const model = modelOf(models[index]);
    if (model !== undefined) controls.set(object.name, model);
  }
  return { get: (key) => values.get(key), controls };
}

function hasModel(type: TypeSpec): boolean {
  return type.kind === "structure" && type.members.some(({ name }) => name === "ctlModel");
}

function modelOf(value: AccessResult | undefined): ControlModel | undefined {
  if (value?.kind !== "integer" && value?.kind !== "unsigned") return undefined;
  return CONTROL_MODELS[Number(value.value)];
}

/** @param value of the whole; an error is that of every leaf */
function leavesOf(
  fc: FunctionalConstraint,
  type: TypeSpec,
  path: readonly string[],
  value: AccessResult | undefined,
): BrowsedLeaf[] {
  if (type.kind !== "structure") return [{ fc, path, type, value }];
  return type.members.flatMap((member, at) =>
    leavesOf(fc, member.type, [...path, member.name], partOf(value, at)),
  );
}

function partOf(value: AccessResult | undefined, at: number): AccessResult | undefined {
  if (value?.kind !== "structure") return value?.kind === "error" ? value : undefined;
  return value.members[at] satisfies MmsValue | undefined;
}

async function dataSetsOf(
  association: Association,
  { ld, node, names }: Place,
  terms: BrowseTerms,
): Promise<readonly BrowsedDataSet[]> {
  const own = names.dataSets.filter((item) => item.startsWith(`${node}$`));
  const sets: BrowsedDataSet[] = [];
  for (const item of own) {
    const members = await association.dataSet({ scope: "domain", domain: ld, item }, terms);
    sets.push({ name: item.slice(node.length + 1), members });
  }
  return sets;
}
