import type { CompiledProfile } from "../../profiles/binding.ts";
import type { Iec61850Facts, NodeConversion, NodeWrite } from "../../profiles/binding-iec61850.ts";
import { nodeScale } from "../../profiles/node-value.ts";
import { SI_UNITS } from "../../profiles/si-units.ts";
import {
  formatReference,
  type FunctionalConstraint,
  type Reference,
} from "../../wire/mms/names.ts";
import { status } from "./common-data-classes.ts";
import type {
  AttributeModel,
  AttributeType,
  BasicType,
  ControlModel,
  DataObjectModel,
  IedModel,
  LogicalDeviceModel,
  LogicalNodeModel,
  ReportBlockModel,
} from "./model.ts";

/** Where a point has its value in the model that is made for it. */
export interface PointPlace {
  readonly ordinal: number;
  /** Of the value itself: `DCPIBESS1/MMXU1.TotW.mag.f[MX]`. */
  readonly reference: string;
  readonly conversion: NodeConversion;
  readonly type: BasicType;
}

export interface ProfileModel {
  readonly model: IedModel;
  readonly places: readonly PointPlace[];
}

/** Names of attributes that hold values: what stands in front of them is the data object. */
const VALUE_ATTRIBUTES: ReadonlySet<string> = new Set([
  "mag",
  "cVal",
  "instMag",
  "mxVal",
  "stVal",
  "setMag",
  "setVal",
  "actVal",
]);
const COMMON_NODE = "LLN0";
const REVISION = "1";
/** A float32 holds seven digits of a limit: so much beyond it is still the limit. */
const LIMIT_SLACK = 1e-6;

/**
 * An IED that has every point of a profile, with data sets, report blocks and controls as the
 * profile expects them.
 */
export function modelOfProfile(profile: CompiledProfile, facts: Iec61850Facts): ProfileModel {
  const tree = new Tree();
  const places = [...facts.reads].map(([ordinal, { place, conversion }]): PointPlace => {
    const found = splitPlace(place, conversion);
    const type = leafType(found, conversion, facts.writes.get(ordinal));
    tree.addValue(found, type, conversion);
    const value = { ...place, path: [...found.object, ...found.attribute] };
    return { ordinal, reference: formatReference(value), conversion, type };
  });
  for (const write of facts.writes.values()) tree.addControl(write);
  const [manufacturer = "", model = ""] = profile.name.split("/");
  const logicalDevices = tree.logicalDevices(facts, (group) =>
    profile.points.filter((point) => point.group === group).map(({ ordinal }) => ordinal),
  );
  return {
    model: { vendor: manufacturer, product: model, revision: profile.version, logicalDevices },
    places,
  };
}

interface FoundPlace {
  readonly place: Reference;
  readonly fc: FunctionalConstraint;
  readonly object: readonly string[];
  readonly attribute: readonly string[];
}

function splitPlace(place: Reference, conversion: NodeConversion): FoundPlace {
  const fc = place.fc ?? "ST";
  const at = place.path.findIndex((name) => VALUE_ATTRIBUTES.has(name));
  const object = at < 0 ? place.path : place.path.slice(0, at);
  const stated = at < 0 ? [] : place.path.slice(at);
  const usual = usualAttribute(fc, object, conversion);
  const attribute = stated.length > 1 || fc === "ST" ? stated : usual;
  return { place, fc, object, attribute: attribute.length > 0 ? attribute : usual };
}

/** Where the common data classes have their values. */
function usualAttribute(
  fc: FunctionalConstraint,
  object: readonly string[],
  { kind }: NodeConversion,
): readonly string[] {
  if (fc === "MX") {
    return object.at(-1)?.startsWith("phs") === true ? ["cVal", "mag", "f"] : ["mag", "f"];
  }
  if (fc === "SP") return kind === "number" ? ["setMag", "f"] : ["setVal"];
  return ["stVal"];
}

function leafType(
  { object, attribute }: FoundPlace,
  { kind, codes }: NodeConversion,
  write: NodeWrite | undefined,
): BasicType {
  if (kind === "number") return attribute.at(-1) === "f" ? "float32" : "int32";
  if (kind === "text") return "text255";
  if (object[0] === "Pos") return "dbpos";
  const isSwitch = codes === undefined || [...codes.keys()].every((code) => code <= 1);
  return kind === "flag" || write !== undefined || isSwitch ? "boolean" : "enum";
}

interface ObjectDraft {
  readonly attributes: Map<string, AttributeModel>;
  readonly parts: Map<string, ObjectDraft>;
  control: ControlModel | undefined;
}

type NodeDraft = Map<string, ObjectDraft>;

/** Logical devices, nodes and objects while they grow. */
class Tree {
  readonly #devices = new Map<string, Map<string, NodeDraft>>();
  readonly #objectOf = new Map<string, string>();

  addValue(found: FoundPlace, type: BasicType, conversion: NodeConversion): void {
    const { place, fc, object, attribute } = found;
    const draft = this.#object(place, object);
    const [first = "stVal", ...rest] = attribute;
    add(draft, { name: first, fc, type: nested(rest, type) });
    if (fc === "ST" || fc === "MX") {
      add(draft, { name: "q", fc, type: "quality" });
      add(draft, { name: "t", fc, type: "utc-time" });
    }
    const units = unitsOf(conversion);
    if (units !== undefined && fc === "MX") add(draft, units);
    this.#objectOf.set(formatReference(place), formatReference({ ...place, path: object }));
  }

  addControl(write: NodeWrite): void {
    const { target, conversion } = write;
    if (target.kind !== "control") return;
    const { ld, ln, path } = target.object;
    const draft = this.#object({ ld, ln }, path);
    const isNumber = conversion.kind === "number";
    const name = isNumber ? "mxVal" : "stVal";
    const feedback = draft.attributes.get(name);
    draft.control = {
      model: target.model ?? "direct-enhanced",
      valueType: isNumber ? { members: [{ name: "f", type: "float32" }] } : "boolean",
      ...(feedback === undefined ? {} : { feedback: { fc: feedback.fc, path: [name] } }),
      ...limitsOf(write),
    };
  }

  /** @param ordinals points of a group */
  logicalDevices(
    facts: Iec61850Facts,
    ordinals: (group: number) => readonly number[],
  ): readonly LogicalDeviceModel[] {
    for (const [ld] of this.#devices) this.#node({ ld, ln: COMMON_NODE });
    return [...this.#devices].map(([name, nodes]) => ({
      name,
      logicalNodes: [...nodes]
        .sort(([a], [b]) => Number(b === COMMON_NODE) - Number(a === COMMON_NODE))
        .map(([ln, objects]) => this.#nodeModel({ ld: name, ln }, objects, { facts, ordinals })),
    }));
  }

  #nodeModel(
    { ld, ln }: Pick<Reference, "ld" | "ln">,
    objects: NodeDraft,
    from: { readonly facts: Iec61850Facts; readonly ordinals: (g: number) => readonly number[] },
  ): LogicalNodeModel {
    const own = [...objects].map(([name, draft]) => modelOf(name, draft));
    const common = commonObjects(ln).filter(({ name }) => !objects.has(name));
    const reports = from.facts.reports.filter((report) => report.ld === ld && report.ln === ln);
    if (reports.length === 0) return { name: ln, dataObjects: [...common, ...own] };
    return {
      name: ln,
      dataObjects: [...common, ...own],
      dataSets: reports.map((report) => ({
        name: dataSetName(report),
        members: this.#members(from.facts, from.ordinals(report.group)),
      })),
      reports: reports.flatMap((report) =>
        report.blocks.map((name): ReportBlockModel => ({
          name,
          isBuffered: report.isBuffered,
          dataSet: dataSetName(report),
          configurationRevision: 1,
          hasOwner: true,
        })),
      ),
    };
  }

  #members(facts: Iec61850Facts, ordinals: readonly number[]): readonly string[] {
    const members = ordinals.flatMap((ordinal) => {
      const read = facts.reads.get(ordinal);
      const object =
        read === undefined ? undefined : this.#objectOf.get(formatReference(read.place));
      return object === undefined ? [] : [object];
    });
    return [...new Set(members)];
  }

  #object(place: Pick<Reference, "ld" | "ln">, path: readonly string[]): ObjectDraft {
    const node = this.#node(place);
    let objects: Map<string, ObjectDraft> = node;
    let draft: ObjectDraft = emptyObject();
    for (const name of path) {
      draft = objects.get(name) ?? emptyObject();
      objects.set(name, draft);
      objects = draft.parts;
    }
    return draft;
  }

  #node({ ld, ln }: Pick<Reference, "ld" | "ln">): NodeDraft {
    const nodes = this.#devices.get(ld) ?? new Map<string, NodeDraft>();
    this.#devices.set(ld, nodes);
    const node: NodeDraft = nodes.get(ln) ?? new Map<string, ObjectDraft>();
    nodes.set(ln, node);
    return node;
  }
}

function emptyObject(): ObjectDraft {
  return { attributes: new Map(), parts: new Map(), control: undefined };
}

function add({ attributes }: ObjectDraft, attribute: AttributeModel): void {
  if (!attributes.has(attribute.name)) attributes.set(attribute.name, attribute);
}

function nested(names: readonly string[], type: BasicType): AttributeType {
  const [name, ...rest] = names;
  return name === undefined ? type : { members: [{ name, type: nested(rest, type) }] };
}

function modelOf(name: string, { attributes, parts, control }: ObjectDraft): DataObjectModel {
  return {
    name,
    attributes: [...attributes.values()],
    ...(parts.size === 0 ? {} : { parts: [...parts].map(([part, own]) => modelOf(part, own)) }),
    ...(control === undefined ? {} : { control }),
  };
}

/** What every logical node says of itself. @see IEC 61850-7-4, section 5 */
function commonObjects(ln: string): readonly DataObjectModel[] {
  const on = 1;
  if (ln !== COMMON_NODE) return [status("Beh", "enum", on)];
  return [
    status("Mod", "enum", on),
    status("Beh", "enum", on),
    status("Health", "enum", on),
    {
      name: "NamPlt",
      attributes: [{ name: "configRev", fc: "DC", type: "text255", value: REVISION }],
    },
  ];
}

function dataSetName({
  dataSet,
  name,
}: {
  readonly dataSet: string | undefined;
  readonly name: string;
}): string {
  return dataSet === undefined ? `ds-${name}` : dataSet.slice(dataSet.indexOf("$") + 1);
}

/** The unit in which the profile expects the value, as the device would say it. */
function unitsOf({ canonicalUnit, unit }: NodeConversion): AttributeModel | undefined {
  const [si] = [...SI_UNITS].findLast(([, name]) => name === canonicalUnit) ?? [];
  const multiplier = Math.log10(unit.factor);
  if (si === undefined || !Number.isInteger(multiplier) || unit.offset !== 0) return undefined;
  return {
    name: "units",
    fc: "CF",
    type: {
      members: [
        { name: "SIUnit", type: "enum" },
        { name: "multiplier", type: "enum" },
      ],
    },
    value: [si, multiplier],
  };
}

function limitsOf({ conversion, minimum, maximum }: NodeWrite): Partial<ControlModel> {
  const scale = nodeScale(conversion);
  const isKnown = minimum.kind === "fixed" && maximum.kind === "fixed";
  if (conversion.kind !== "number" || scale === undefined || !isKnown) return {};
  const ends = [minimum.value, maximum.value].map((value) => (value - scale.offset) / scale.factor);
  const [low = 0, high = 0] = ends.toSorted((a, b) => a - b);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return {};
  const slack = Math.max(Math.abs(low), Math.abs(high)) * LIMIT_SLACK;
  return { least: low - slack, most: high + slack };
}
