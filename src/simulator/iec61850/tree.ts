import { GatewayError } from "../../domain/errors.ts";
import {
  FUNCTIONAL_CONSTRAINTS,
  type FunctionalConstraint,
  itemOf,
  parseReference,
} from "../../wire/mms/names.ts";
import { isName } from "../../wire/mms/text.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import { emptyValue, typeOf, valueOf } from "./attribute-type.ts";
import { CONTROL_MODELS } from "./model.ts";
import type {
  AttributeModel,
  AttributeTrigger,
  AttributeType,
  ControlModel,
  DataObjectModel,
  LogicalDeviceModel,
  LogicalNodeModel,
} from "./model.ts";
import { reportFields, FIELD_TYPES } from "./report-fields.ts";
import { Variable } from "./variable.ts";

/**
 * The named variables of a logical device, made from its model.
 *
 * @see IEC 61850-8-1, section 7.3 (LN$FC$DO$DA)
 */
export class Domain {
  readonly name: string;
  /** Every variable by its name, in the order of the directory. */
  readonly variables: ReadonlyMap<string, Variable>;

  /** @throws GatewayError CONFIG_INVALID when names or values are none */
  constructor(model: LogicalDeviceModel) {
    this.name = model.name;
    const variables = new Map<string, Variable>();
    for (const node of model.logicalNodes) {
      collect(nodeOf(node), { domain: model.name, variables });
    }
    this.variables = variables;
  }

  find(item: string): Variable | undefined {
    return this.variables.get(item);
  }
}

interface Collection {
  readonly domain: string;
  readonly variables: Map<string, Variable>;
}

function collect(variable: Variable, into: Collection): void {
  const { item } = variable;
  if (!isName(`${into.domain}/${item}`)) throw invalid("not a name", `${into.domain}/${item}`);
  if (into.variables.has(item)) throw invalid("a name is used twice", `${into.domain}/${item}`);
  into.variables.set(item, variable);
  for (const member of variable.members) collect(member, into);
}

function nodeOf(model: LogicalNodeModel): Variable {
  const node = new Variable(model.name, undefined);
  const objects = model.dataObjects.map(withControl);
  for (const fc of FUNCTIONAL_CONSTRAINTS) {
    const holders = objects.filter((object) => hasConstraint(object, fc));
    const blocks = fc === "RP" || fc === "BR" ? blockNames(model, fc) : [];
    if (holders.length === 0 && blocks.length === 0) continue;
    const level = new Variable(fc, node);
    for (const object of holders) addObject(object, level, fc);
    for (const { name, hasOwner } of blocks) addBlock(name, level, hasOwner);
  }
  return node;
}

function hasConstraint(object: DataObjectModel, fc: FunctionalConstraint): boolean {
  return (
    object.attributes.some((attribute) => attribute.fc === fc) ||
    object.parts?.some((part) => hasConstraint(part, fc)) === true
  );
}

function addObject(object: DataObjectModel, parent: Variable, fc: FunctionalConstraint): void {
  const variable = new Variable(object.name, parent);
  for (const part of object.parts ?? []) {
    if (hasConstraint(part, fc)) addObject(part, variable, fc);
  }
  for (const attribute of object.attributes) {
    if (attribute.fc === fc) addAttribute(attribute, variable);
  }
}

function addAttribute(attribute: AttributeModel, parent: Variable): void {
  const { name, type, value } = attribute;
  const variable = addTyped(name, type, parent, triggerOf(attribute));
  if (value === undefined) return;
  const fitting = valueOf(variable.type, value);
  if (fitting === undefined) throw invalid("a value is not of its type", variable.item);
  variable.set(fitting);
}

function addTyped(
  name: string,
  type: AttributeType,
  parent: Variable,
  trigger: AttributeTrigger,
): Variable {
  if (typeof type !== "string") {
    const structure = new Variable(name, parent);
    for (const member of type.members) addTyped(member.name, member.type, structure, trigger);
    return structure;
  }
  const spec = typeOf(type);
  const leaf = new Variable(name, parent, { type: spec, value: emptyValue(spec) });
  leaf.trigger = trigger;
  return leaf;
}

const SILENT_CONSTRAINTS: ReadonlySet<FunctionalConstraint> = new Set(["CF", "DC", "CO", "EX"]);

function triggerOf({ trigger, type, fc }: AttributeModel): AttributeTrigger {
  if (trigger !== undefined) return trigger;
  if (type === "utc-time" || SILENT_CONSTRAINTS.has(fc)) return "none";
  return type === "quality" ? "quality-change" : "data-change";
}

/** Names of the report blocks of one kind, with their instance numbers. */
export function blockNames(
  model: LogicalNodeModel,
  fc: "RP" | "BR",
): readonly { readonly name: string; readonly hasOwner: boolean }[] {
  return (model.reports ?? [])
    .filter(({ isBuffered }) => isBuffered === (fc === "BR"))
    .flatMap((block) =>
      instanceNames(block.name, block.instances).map((name) => {
        return { name, hasOwner: block.hasOwner ?? false };
      }),
    );
}

/** `brcbEvt01` … `brcbEvt04`; the bare name when there are no instances. */
export function instanceNames(name: string, instances: number | undefined): readonly string[] {
  if (instances === undefined) return [name];
  return Array.from({ length: instances }, (_, at) => `${name}${String(at + 1).padStart(2, "0")}`);
}

function addBlock(name: string, level: Variable, hasOwner: boolean): void {
  const block = new Variable(name, level);
  for (const field of reportFields(level.name === "BR", hasOwner)) {
    const type: TypeSpec = FIELD_TYPES[field];
    new Variable(field, block, { type, value: emptyValue(type) });
  }
}

const ORIGIN: AttributeType = {
  members: [
    { name: "orCat", type: "enum" },
    { name: "orIdent", type: "octets64" },
  ],
};

/** The object with the attributes that its control model asks for. */
function withControl(object: DataObjectModel): DataObjectModel {
  const { control } = object;
  if (control === undefined) return object;
  const own = new Set(object.attributes.map(({ name }) => name));
  const made = controlAttributes(control).filter(({ name }) => !own.has(name));
  return { ...object, attributes: [...object.attributes, ...made] };
}

function controlAttributes(control: ControlModel): readonly AttributeModel[] {
  const number = CONTROL_MODELS.indexOf(control.model);
  const attributes: AttributeModel[] = [
    { name: "ctlModel", fc: "CF", type: "enum", value: number },
  ];
  if (control.model === "status-only") return attributes;
  const order = [
    { name: "ctlVal", type: control.valueType },
    { name: "origin", type: ORIGIN },
    { name: "ctlNum", type: "uint8" },
    { name: "T", type: "utc-time" },
    { name: "Test", type: "boolean" },
  ] as const;
  const command = { members: [...order, { name: "Check", type: "check" as const }] };
  if (control.model === "sbo-normal") attributes.push({ name: "SBO", fc: "CO", type: "text129" });
  if (control.model === "sbo-enhanced") attributes.push({ name: "SBOw", fc: "CO", type: command });
  attributes.push({ name: "Oper", fc: "CO", type: command });
  if (control.model !== "direct-normal") {
    attributes.push({ name: "Cancel", fc: "CO", type: { members: order } });
  }
  return attributes;
}

/** `MMXU1.TotW[MX]` within a domain, or with the domain in front. */
export function memberOf(
  text: string,
  domain: string,
): { readonly domain: string; readonly item: string } {
  const reference = parseReference(text.includes("/") ? text : `${domain}/${text}`);
  if (reference?.fc === undefined) throw invalid("not a reference with a constraint", text);
  return { domain: reference.ld, item: itemOf(reference) };
}

export function invalid(reason: string, name: string): GatewayError {
  return new GatewayError("CONFIG_INVALID", { reason, name });
}
