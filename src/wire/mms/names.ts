import type { ObjectName } from "./object-name.ts";
import { isName, NAME_OCTETS_MAX } from "./text.ts";

/**
 * References of IEC 61850 and the MMS names behind them: `DCPIBESS1/MMXU1.TotW.mag.f[MX]` is
 * `MMXU1$MX$TotW$mag$f` in the domain `DCPIBESS1`.
 *
 * @see IEC 61850-8-1, section 7.3 (object references); IEC 61850-7-2, section 22 (reference syntax)
 */

export const FUNCTIONAL_CONSTRAINTS = [
  "ST",
  "MX",
  "SP",
  "SV",
  "CF",
  "DC",
  "SG",
  "SE",
  "SR",
  "OR",
  "BL",
  "EX",
  "CO",
  "RP",
  "BR",
  "GO",
  "LG",
  "MS",
  "US",
] as const;

/** What a datum is for: status, measurand, setpoint … */
export type FunctionalConstraint = (typeof FUNCTIONAL_CONSTRAINTS)[number];

/** A datum, a whole data object, or with no constraint and no path a whole logical node. */
export interface Reference {
  /** Logical device with the name of its IED: an MMS domain. */
  readonly ld: string;
  readonly ln: string;
  readonly fc: FunctionalConstraint | undefined;
  /** Data object, then its parts. */
  readonly path: readonly string[];
}

/** A report control block. */
export interface ReportBlock {
  readonly ld: string;
  readonly ln: string;
  readonly isBuffered: boolean;
  /** With its instance number: `brcbEvt01`. */
  readonly name: string;
}

/** How a control object is touched. */
export type ControlService = "SBO" | "SBOw" | "Oper" | "Cancel";

/** A controllable data object. */
export interface ControlObject {
  readonly ld: string;
  readonly ln: string;
  readonly path: readonly string[];
}

/** A data set in a logical node, or one that lives as long as the association: `@name`. */
export type DataSetName = Exclude<ObjectName, { scope: "device" }>;

const CONSTRAINTS: ReadonlySet<string> = new Set(FUNCTIONAL_CONSTRAINTS);
const CONTROL_SERVICES: readonly string[] = ["SBO", "SBOw", "Oper", "Cancel"];
/** `$` parts, `.` joins and brackets close in one or the other spelling. */
const PART = /^[^$./[\]@]+$/;
const SPELLED = /^([^/]+)\/([^[\]]+?)(?:\[([A-Z]{2})\])?$/;

/** Undefined unless the text is `LD/LN`, or `LD/LN.DO.DA[FC]`. */
export function parseReference(text: string): Reference | undefined {
  const [, ld, dotted, fc] = SPELLED.exec(text) ?? [];
  if (ld === undefined || dotted === undefined) return undefined;
  const [ln = "", ...path] = dotted.split(".");
  return checked(ld, ln, fc, path);
}

export function formatReference(reference: Reference): string {
  const dotted = [reference.ln, ...reference.path].join(".");
  const constraint = reference.fc === undefined ? "" : `[${reference.fc}]`;
  return `${reference.ld}/${dotted}${constraint}`;
}

/** The reference that an MMS name stands for; undefined for one that is no name of the model. */
export function referenceOf(domain: string, item: string): Reference | undefined {
  const [ln = "", fc, ...path] = item.split("$");
  return checked(domain, ln, fc, path);
}

/** The same for a name in one text, as a report gives it: `DCPIBESS1/MMXU1$MX$TotW`. */
export function referenceOfText(text: string): Reference | undefined {
  const slash = text.indexOf("/");
  return slash < 0 ? undefined : referenceOf(text.slice(0, slash), text.slice(slash + 1));
}

/** The MMS name of a reference. */
export function objectNameOf(reference: Reference): ObjectName & { readonly scope: "domain" } {
  return { scope: "domain", domain: reference.ld, item: itemOf(reference) };
}

/** `MMXU1$MX$TotW$mag$f` */
export function itemOf(reference: Reference): string {
  const { ln, fc, path } = reference;
  return fc === undefined ? ln : [ln, fc, ...path].join("$");
}

/** `DCPIBESS1/MMXU1$MX$TotW`, as data references in reports are written. */
export function textOfReference(reference: Reference): string {
  return `${reference.ld}/${itemOf(reference)}`;
}

function checked(
  ld: string,
  ln: string,
  fc: string | undefined,
  path: readonly string[],
): Reference | undefined {
  if (fc === undefined && path.length > 0) return undefined;
  if (fc !== undefined && !isConstraint(fc)) return undefined;
  if (![ld, ln, ...path].every((part) => PART.test(part))) return undefined;
  const reference = { ld, ln, fc, path };
  return isName(textOfReference(reference)) ? reference : undefined;
}

function isConstraint(text: string): text is FunctionalConstraint {
  return CONSTRAINTS.has(text);
}

/** `LLN0$BR$brcbEvt01`, or one of its fields: `LLN0$BR$brcbEvt01$RptEna`. */
export function reportBlockName(block: ReportBlock, field?: string): ObjectName {
  const { ld, ln, isBuffered, name } = block;
  const parts = [ln, isBuffered ? "BR" : "RP", name];
  if (field !== undefined) parts.push(field);
  return { scope: "domain", domain: ld, item: parts.join("$") };
}

/** Undefined for a name that is not a report control block as a whole. */
export function reportBlockOf(domain: string, item: string): ReportBlock | undefined {
  const reference = referenceOf(domain, item);
  const [name, ...rest] = reference?.path ?? [];
  if (reference === undefined || name === undefined || rest.length > 0) return undefined;
  const { ld, ln, fc } = reference;
  return fc === "BR" || fc === "RP" ? { ld, ln, isBuffered: fc === "BR", name } : undefined;
}

/** `DRCC1$CO$OutWSet$Oper` */
export function controlName(object: ControlObject, service: ControlService): ObjectName {
  return {
    scope: "domain",
    domain: object.ld,
    item: [object.ln, "CO", ...object.path, service].join("$"),
  };
}

/** What a control name stands for; undefined for any other name. */
export function controlOf(
  domain: string,
  item: string,
): { readonly object: ControlObject; readonly service: ControlService } | undefined {
  const reference = referenceOf(domain, item);
  if (reference?.fc !== "CO" || reference.path.length < 2) return undefined;
  const service = reference.path.at(-1);
  if (!isControlService(service)) return undefined;
  const { ld, ln, path } = reference;
  return { object: { ld, ln, path: path.slice(0, -1) }, service };
}

function isControlService(name: string | undefined): name is ControlService {
  return name !== undefined && CONTROL_SERVICES.includes(name);
}

/** Undefined unless the text is `LD/LN$name` or `@name`. */
export function parseDataSetName(text: string): DataSetName | undefined {
  if (text.length > NAME_OCTETS_MAX || !isName(text)) return undefined;
  if (text.startsWith("@")) {
    const item = text.slice(1);
    return PART.test(item) ? { scope: "association", item } : undefined;
  }
  const [domain = "", item = "", ...more] = text.split("/");
  const [ln = "", name = "", ...parts] = item.split("$");
  const isWhole = more.length === 0 && parts.length === 0;
  return isWhole && [domain, ln, name].every((part) => PART.test(part))
    ? { scope: "domain", domain, item }
    : undefined;
}

/** The inverse of `parseDataSetName`, as reports and control blocks write it. */
export function formatDataSetName(name: DataSetName): string {
  return name.scope === "domain" ? `${name.domain}/${name.item}` : `@${name.item}`;
}
