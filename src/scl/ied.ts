import type { FunctionalConstraint } from "../wire/mms/names.ts";
import { attributeOf, childOf, childrenOf, valueIn } from "./elements.ts";
import type {
  SclAddress,
  SclAttribute,
  SclDataSet,
  SclDevice,
  SclMember,
  SclModel,
  SclNode,
  SclObject,
} from "./model.ts";
import { NOWHERE, SclFindings, type SclProblem } from "./problem.ts";
import { reportsOf } from "./reports.ts";
import { isConstraint, Templates } from "./templates.ts";
import type { XmlElement } from "./xml-reader.ts";

/** Names that are listed in a sentence. */
const LISTED_MAX = 20;
const NODES_MAX = 20_000;
/** Values of an IED: equal nodes share their types, whoever walks over them does not. */
const VALUES_MAX = 1_000_000;
const MEMBERS_MAX = 10_000;

export interface SclReading {
  /** Undefined when there are problems. */
  readonly model: SclModel | undefined;
  readonly problems: readonly SclProblem[];
  readonly warnings: readonly SclProblem[];
}

/**
 * One IED of an SCL file, its types resolved.
 *
 * @param name of the IED; undefined where the file has only one that is a server
 */
export function readIed(root: XmlElement, name: string | undefined): SclReading {
  const findings = new SclFindings();
  const found = chosenIed(root, name, findings);
  const model = found === undefined ? undefined : modelOf(root, found, findings);
  const { problems, warnings } = findings;
  return { model: problems.length > 0 ? undefined : model, problems, warnings };
}

function chosenIed(
  root: XmlElement,
  name: string | undefined,
  findings: SclFindings,
): XmlElement | undefined {
  const all = childrenOf(root, "IED");
  const names = all.map((ied) => attributeOf(ied, "name"));
  const more = names.length > LISTED_MAX ? ", …" : "";
  const listed = names.slice(0, LISTED_MAX).join(", ") + more;
  if (name !== undefined) {
    const named = all.find((ied) => attributeOf(ied, "name") === name);
    if (named !== undefined) return named;
    const has = all.length === 0 ? "no IED at all" : listed;
    findings.problem(NOWHERE, `the file has no IED "${name}"; it has ${has}`);
    return undefined;
  }
  const servers = all.filter((ied) => devicesOf(ied).length > 0);
  const [only, ...others] = servers;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) {
    const message =
      all.length === 0
        ? "the file describes no IED (an SSD or a template?); take the ICD, CID or SCD file"
        : `no IED of the file has a server with logical devices (${listed})`;
    findings.problem(root, message);
  } else {
    const choices = servers
      .map((ied) => attributeOf(ied, "name"))
      .slice(0, LISTED_MAX)
      .join(", ");
    findings.problem(root, `the file has several IEDs: choose one with --ied (${choices})`);
  }
  return undefined;
}

/** Logical devices with the access point at which they are. */
function devicesOf(ied: XmlElement): readonly XmlElement[] {
  return childrenOf(ied, "AccessPoint").flatMap((point) =>
    childrenOf(childOf(point, "Server"), "LDevice"),
  );
}

function modelOf(root: XmlElement, ied: XmlElement, findings: SclFindings): SclModel | undefined {
  const name = attributeOf(ied, "name");
  const devices = devicesOf(ied);
  if (devices.length === 0) {
    findings.problem(ied, `the IED "${name}" has no server with logical devices`);
    return undefined;
  }
  const templates = new Templates(childOf(root, "DataTypeTemplates"), findings);
  const domains = new Map<string, string>();
  for (const device of devices) {
    domains.set(attributeOf(device, "inst"), domainOf(name, device));
  }
  const reading: Reading = { templates, findings, domains, nodes: 0, values: 0 };
  return {
    ied: name,
    manufacturer: attributeOf(ied, "manufacturer"),
    type: attributeOf(ied, "type"),
    configVersion: attributeOf(ied, "configVersion"),
    edition: ["version", "revision", "release"].map((part) => attributeOf(root, part)).join(""),
    addresses: addressesOf(root, name),
    devices: devices.map((device) => deviceOf(device, reading)),
  };
}

/** The functional name when there is one, else the names of IED and device together. */
function domainOf(ied: string, device: XmlElement): string {
  const own = attributeOf(device, "ldName");
  return own === "" ? ied + attributeOf(device, "inst") : own;
}

/** @see IEC 61850-6, section 9.4 (communication system description) */
function addressesOf(root: XmlElement, ied: string): readonly SclAddress[] {
  const networks = childrenOf(childOf(root, "Communication"), "SubNetwork");
  return networks.flatMap((network) =>
    childrenOf(network, "ConnectedAP")
      .filter((point) => attributeOf(point, "iedName") === ied)
      .flatMap((point): SclAddress[] => {
        const parameters = childrenOf(childOf(point, "Address"), "P");
        const host = parameters.find((element) => attributeOf(element, "type") === "IP")?.text;
        if (host === undefined || host.trim() === "") return [];
        const accessPoint = attributeOf(point, "apName");
        return [{ accessPoint, subNetwork: attributeOf(network, "name"), host: host.trim() }];
      }),
  );
}

interface Reading {
  readonly templates: Templates;
  readonly findings: SclFindings;
  /** MMS domain by `inst` of the logical device. */
  readonly domains: ReadonlyMap<string, string>;
  nodes: number;
  values: number;
}

function deviceOf(device: XmlElement, reading: Reading): SclDevice {
  const inst = attributeOf(device, "inst");
  const name = reading.domains.get(inst) ?? inst;
  const elements = [...childrenOf(device, "LN0"), ...childrenOf(device, "LN")];
  return { name, inst, nodes: elements.flatMap((element) => nodeOf(element, reading)) };
}

function nodeOf(element: XmlElement, reading: Reading): readonly SclNode[] {
  const { templates, findings } = reading;
  reading.nodes += 1;
  if (reading.nodes > NODES_MAX) {
    if (reading.nodes === NODES_MAX + 1) {
      findings.problem(element, `the IED has more than ${NODES_MAX} logical nodes`);
    }
    return [];
  }
  const type = templates.objectsOf(element);
  if (type === undefined || !isWithin(reading, element, type.size)) return [];
  const types = type.made;
  const instances = childrenOf(element, "DOI");
  const objects = types.map((object) => {
    const instance = instances.find((own) => attributeOf(own, "name") === object.name);
    return instance === undefined ? object : instantiated(object, instance, findings);
  });
  for (const instance of instances) {
    const name = attributeOf(instance, "name");
    if (types.some((object) => object.name === name)) continue;
    findings.warning(instance, `the type of this logical node has no data object "${name}"`);
  }
  const dataSets = childrenOf(element, "DataSet").map((set) => dataSetOf(set, reading));
  return [
    {
      name: nodeName(element),
      lnClass: attributeOf(element, "lnClass"),
      objects,
      dataSets,
      reports: reportsOf(element, dataSets, findings),
      line: element.line,
      column: element.column,
    },
  ];
}

/** False, and told once, for what would be too much to walk over. */
function isWithin(reading: Reading, element: XmlElement, size: number): boolean {
  const before = reading.values;
  reading.values += size;
  if (reading.values <= VALUES_MAX) return true;
  if (before <= VALUES_MAX) {
    reading.findings.problem(element, `the IED has more than ${VALUES_MAX} values`);
  }
  return false;
}

function nodeName(element: XmlElement): string {
  const inst = element.name === "LN0" ? "" : attributeOf(element, "inst");
  return attributeOf(element, "prefix") + attributeOf(element, "lnClass") + inst;
}

/** The object with the values that its instance gives. */
function instantiated(object: SclObject, instance: XmlElement, findings: SclFindings): SclObject {
  let { parts, attributes } = object;
  for (const child of instance.children) {
    const name = attributeOf(child, "name");
    if (child.name !== "SDI" && child.name !== "DAI") continue;
    if (parts.some((part) => part.name === name)) {
      parts = parts.map((part) =>
        part.name === name ? instantiated(part, child, findings) : part,
      );
    } else if (attributes.some((attribute) => attribute.name === name)) {
      attributes = withValue(attributes, child);
    } else {
      findings.warning(child, `"${object.name}" has no "${name}" in its type`);
    }
  }
  return { ...object, parts, attributes };
}

function withValue(
  attributes: readonly SclAttribute[],
  instance: XmlElement,
): readonly SclAttribute[] {
  const name = attributeOf(instance, "name");
  return attributes.map((attribute) => {
    if (attribute.name !== name) return attribute;
    if (instance.name === "DAI")
      return { ...attribute, value: valueIn(instance) ?? attribute.value };
    let { members } = attribute;
    for (const child of instance.children) {
      if (child.name === "SDI" || child.name === "DAI") members = withValue(members, child);
    }
    return { ...attribute, members };
  });
}

/** @see IEC 61850-6, section 9.3.7 (data set definition) */
function dataSetOf(element: XmlElement, reading: Reading): SclDataSet {
  const { findings } = reading;
  const all = childrenOf(element, "FCDA");
  const name = attributeOf(element, "name");
  if (all.length > MEMBERS_MAX) {
    findings.problem(element, `the data set "${name}" has more than ${MEMBERS_MAX} members`);
  }
  const members = all.slice(0, MEMBERS_MAX).flatMap((member) => memberOf(member, reading));
  return { name, members, line: element.line, column: element.column };
}

function memberOf(element: XmlElement, { domains, findings }: Reading): readonly SclMember[] {
  const fc = attributeOf(element, "fc");
  const ld = domains.get(attributeOf(element, "ldInst"));
  if (ld === undefined) {
    const inst = attributeOf(element, "ldInst");
    findings.warning(element, `a data set has a member of "${inst}", which is no logical device`);
    return [];
  }
  if (!isConstraint(fc)) {
    findings.warning(element, `a data set has a member with the functional constraint "${fc}"`);
    return [];
  }
  const ln = ["prefix", "lnClass", "lnInst"].map((part) => attributeOf(element, part)).join("");
  return [{ ld, ln, path: pathOf(element), fc: fc satisfies FunctionalConstraint }];
}

function pathOf(element: XmlElement): readonly string[] {
  const dotted = [attributeOf(element, "doName"), attributeOf(element, "daName")];
  return dotted.filter((part) => part !== "").flatMap((part) => part.split("."));
}
