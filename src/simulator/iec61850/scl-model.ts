import {
  attributeAt,
  type SclAttribute,
  type SclMember,
  type SclModel,
  type SclNode,
  type SclObject,
  type SclReport,
} from "../../scl/model.ts";
import { formatReference } from "../../wire/mms/names.ts";
import { CONTROL_MODELS } from "./model.ts";
import type {
  AttributeModel,
  AttributeType,
  AttributeValue,
  BasicType,
  ControlModel,
  DataObjectModel,
  IedModel,
  LogicalNodeModel,
  ReportBlockModel,
} from "./model.ts";

/** A model to serve, and what of the file the server has no words for. */
export interface ServedModel {
  readonly model: IedModel;
  /** References of data and names of members that were left out. */
  readonly leftOut: readonly string[];
}

/** Types of SCL as the server has them. @see IEC 61850-7-2, section 6; IEC 61850-6, annex A */
const BASIC: ReadonlyMap<string, BasicType> = new Map([
  ["BOOLEAN", "boolean"],
  ["INT8", "int8"],
  ["INT16", "int16"],
  ["INT24", "int32"],
  ["INT32", "int32"],
  ["INT64", "int64"],
  ["INT128", "int64"],
  ["INT8U", "uint8"],
  ["INT16U", "uint16"],
  ["INT24U", "uint32"],
  ["INT32U", "uint32"],
  ["FLOAT32", "float32"],
  ["FLOAT64", "float64"],
  ["Enum", "enum"],
  ["Dbpos", "dbpos"],
  ["Tcmd", "dbpos"],
  ["Quality", "quality"],
  ["Timestamp", "utc-time"],
  ["VisString32", "text64"],
  ["VisString64", "text64"],
  ["VisString65", "text129"],
  ["VisString129", "text129"],
  ["ObjRef", "text129"],
  ["VisString255", "text255"],
  ["Unicode255", "unicode255"],
  ["Octet64", "octets64"],
  ["Check", "check"],
]);

const POSITIONS = ["intermediate-state", "off", "on", "bad-state"];

/** What a controllable object's status tells of a command. */
const FEEDBACK: Readonly<Record<string, NonNullable<ControlModel["feedback"]>>> = {
  SPC: { fc: "ST", path: ["stVal"] },
  DPC: { fc: "ST", path: ["stVal"] },
  INC: { fc: "ST", path: ["stVal"] },
  ENC: { fc: "ST", path: ["stVal"] },
  APC: { fc: "MX", path: ["mxVal"] },
};

const SELECT_TIMEOUT_MS = 30_000;

/** The IED of an SCL file as the simulator serves it, with the values that the file gives. */
export function servedModel(scl: SclModel): ServedModel {
  const leftOut: string[] = [];
  const logicalDevices = scl.devices.map(({ name, nodes }) => ({
    name,
    logicalNodes: nodes.map((node) => servedNode(node, name, leftOut)),
  }));
  const { manufacturer: vendor, type: product, configVersion: revision } = scl;
  return { model: { vendor, product, revision, logicalDevices }, leftOut };
}

function servedNode(node: SclNode, ld: string, leftOut: string[]): LogicalNodeModel {
  const place = `${ld}/${node.name}`;
  return {
    name: node.name,
    dataObjects: node.objects.map((object) => servedObject(object, place, leftOut)),
    dataSets: node.dataSets.map(({ name, members }) => ({
      name,
      members: members.map(memberText),
    })),
    reports: node.reports.map(servedReport),
  };
}

function memberText(member: SclMember): string {
  return formatReference(member);
}

function servedReport(report: SclReport): ReportBlockModel {
  const { name, isBuffered, instances, dataSet, reportId, triggers, options } = report;
  return {
    name,
    isBuffered,
    ...(instances === undefined ? {} : { instances }),
    ...(dataSet === undefined ? {} : { dataSet }),
    ...(reportId === undefined ? {} : { reportId }),
    configurationRevision: report.configurationRevision,
    integrityPeriodMs: report.integrityMs,
    bufferTimeMs: report.bufferMs,
    triggers,
    options,
  };
}

function servedObject(object: SclObject, place: string, leftOut: string[]): DataObjectModel {
  const own = `${place}.${object.name}`;
  const control = controlOf(object);
  const attributes = object.attributes
    .filter(({ name, fc }) => control === undefined || (fc !== "CO" && name !== "ctlModel"))
    .flatMap((attribute) => servedAttribute(attribute, own, leftOut));
  const parts = object.parts.map((part) => servedObject(part, own, leftOut));
  return {
    name: object.name,
    attributes,
    ...(parts.length > 0 ? { parts } : {}),
    ...(control === undefined ? {} : { control }),
  };
}

function servedAttribute(
  attribute: SclAttribute,
  place: string,
  leftOut: string[],
): readonly AttributeModel[] {
  const { name, fc, value } = attribute;
  const type = typeOf(attribute);
  if (type === undefined || fc === undefined) {
    leftOut.push(`${place}.${name}`);
    return [];
  }
  const served = hasValue(attribute) ? valueOf(attribute) : wellOf(place, attribute);
  if (value !== undefined && served === undefined) leftOut.push(`${place}.${name} = ${value}`);
  return [
    {
      name,
      fc,
      type,
      ...(served === undefined ? {} : { value: served }),
      ...(attribute.trigger === "none" ? {} : { trigger: attribute.trigger }),
    },
  ];
}

/** States of a logical node that a file seldom says, because the device itself knows them. */
const WELL: ReadonlySet<string> = new Set(["Mod", "Beh", "Health", "PhyHealth"]);

/** On, and in good health: 0 is no state that a device can be in. */
function wellOf(place: string, { name, bType }: SclAttribute): AttributeValue | undefined {
  const object = place.slice(place.lastIndexOf(".") + 1);
  return name === "stVal" && bType === "Enum" && WELL.has(object) ? 1 : undefined;
}

/** Undefined for what the server does not have: arrays, binary times, packed lists. */
function typeOf({ bType, count, members }: SclAttribute): AttributeType | undefined {
  if (count !== undefined) return undefined;
  if (bType !== "Struct") return BASIC.get(bType);
  const typed = members.map((member) => ({ name: member.name, type: typeOf(member) }));
  const known = typed.flatMap(({ name, type }) => (type === undefined ? [] : [{ name, type }]));
  return known.length === typed.length && known.length > 0 ? { members: known } : undefined;
}

function hasValue({ value, members }: SclAttribute): boolean {
  return value !== undefined || members.some(hasValue);
}

function valueOf(attribute: SclAttribute): AttributeValue | undefined {
  const { bType, members, value = "" } = attribute;
  if (bType !== "Struct") return plainValue(attribute, value);
  const values = members.map((member) => (hasValue(member) ? valueOf(member) : emptyOf(member)));
  const known = values.filter((member) => member !== undefined);
  return known.length === values.length ? known : undefined;
}

/** What stands where a structure has a value beside one without. */
function emptyOf({ bType, members }: SclAttribute): AttributeValue | undefined {
  if (bType === "Struct") {
    const values = members.map(emptyOf).filter((member) => member !== undefined);
    return values.length === members.length ? values : undefined;
  }
  const type = BASIC.get(bType);
  if (type === "boolean") return false;
  if (type?.startsWith("text") === true || type === "unicode255") return "";
  return type === "octets64" ? new Uint8Array(0) : 0;
}

/** Types whose values stand as they are in the text, and those that no file gives a value for. */
const TEXTS: ReadonlySet<string | undefined> = new Set([
  "text64",
  "text129",
  "text255",
  "unicode255",
]);
const VALUELESS: ReadonlySet<string | undefined> = new Set([
  "quality",
  "utc-time",
  "check",
  "octets64",
  undefined,
]);

/** Undefined when the text is no value of the type. */
function plainValue({ bType, words }: SclAttribute, text: string): AttributeValue | undefined {
  const type = BASIC.get(bType);
  if (VALUELESS.has(type)) return undefined;
  if (TEXTS.has(type)) return text;
  if (type === "boolean") return flagOf(text);
  if (type === "enum") return enumValue(words, text);
  if (type !== "dbpos") return numberOf(text);
  return POSITIONS.includes(text) ? POSITIONS.indexOf(text) : undefined;
}

function flagOf(text: string): boolean | undefined {
  if (text === "true" || text === "1") return true;
  return text === "false" || text === "0" ? false : undefined;
}

function enumValue(
  words: ReadonlyMap<number, string> | undefined,
  text: string,
): number | undefined {
  for (const [number, word] of words ?? []) if (word === text) return number;
  return numberOf(text);
}

function numberOf(text: string): number | undefined {
  const value = Number(text);
  return text !== "" && Number.isFinite(value) ? value : undefined;
}

/** Undefined for an object that takes no commands and says nothing of them. */
function controlOf(object: SclObject): ControlModel | undefined {
  const ctlModel = attributeAt(object, ["ctlModel"]);
  const command = attributeAt(object, ["Oper", "ctlVal"]);
  const feedback = FEEDBACK[object.cdc];
  if (ctlModel === undefined) return undefined;
  const model = modelName(ctlModel);
  const valueType = command === undefined ? undefined : typeOf(command);
  if (model === "status-only" || valueType === undefined) {
    return { model: "status-only", valueType: "boolean" };
  }
  const isShown = feedback !== undefined && attributeAt(object, feedback.path) !== undefined;
  return {
    model,
    valueType,
    ...(isShown ? { feedback } : {}),
    ...(model.startsWith("sbo") ? { selectTimeoutMs: SELECT_TIMEOUT_MS } : {}),
  };
}

/** Undefined, or unknown, is status-only: nothing is commanded by mistake. */
function modelName({ words, value }: SclAttribute): ControlModel["model"] {
  const number = value === undefined ? undefined : enumValue(words ?? CTL_MODELS, value);
  return CONTROL_MODELS[number ?? 0] ?? "status-only";
}

/** @see IEC 61850-7-3, section 8 (ctlModel) */
const CTL_MODELS: ReadonlyMap<number, string> = new Map(
  [
    "status-only",
    "direct-with-normal-security",
    "sbo-with-normal-security",
    "direct-with-enhanced-security",
    "sbo-with-enhanced-security",
  ].map((word, number) => [number, word]),
);
