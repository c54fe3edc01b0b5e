import type { FunctionalConstraint } from "../wire/mms/names.ts";
import type { ReportOption, Trigger } from "../wire/mms/report.ts";
import type { Place } from "./problem.ts";

/**
 * One IED of an SCL file, its data type templates resolved: what a client would find in the device.
 *
 * @see IEC 61850-6, section 9 (SCL syntax elements)
 */
export interface SclModel {
  /** Name of the IED, with which the names of its logical devices begin. */
  readonly ied: string;
  readonly manufacturer: string;
  readonly type: string;
  readonly configVersion: string;
  /** `2003`, `2007B4`: version, revision and release as the file says them. */
  readonly edition: string;
  readonly addresses: readonly SclAddress[];
  readonly devices: readonly SclDevice[];
}

/** Where an access point of the IED is reached, as the communication section says. */
export interface SclAddress {
  readonly accessPoint: string;
  readonly subNetwork: string;
  readonly host: string;
}

export interface SclDevice {
  /** The MMS domain: name of the IED and `inst`, or `ldName`. */
  readonly name: string;
  readonly inst: string;
  readonly nodes: readonly SclNode[];
}

export interface SclNode extends Place {
  /** Prefix, class and instance: `MMXU1`. */
  readonly name: string;
  readonly lnClass: string;
  readonly objects: readonly SclObject[];
  readonly dataSets: readonly SclDataSet[];
  readonly reports: readonly SclReport[];
}

/** A data object; one of several equal ones shares its parts with the others. */
export interface SclObject {
  readonly name: string;
  /** Common data class: `MV`, `DPC`. */
  readonly cdc: string;
  /** Data objects within this one: `phsA` of a WYE. */
  readonly parts: readonly SclObject[];
  readonly attributes: readonly SclAttribute[];
}

export interface SclAttribute {
  readonly name: string;
  /** Undefined within a structure: it has that of the whole. */
  readonly fc: FunctionalConstraint | undefined;
  /** `FLOAT32`, `Enum`, `Struct`. */
  readonly bType: string;
  /** Elements of an array; undefined for a single value. */
  readonly count: number | undefined;
  /** Of a structure. */
  readonly members: readonly SclAttribute[];
  /** Of an enumeration: its words by number. */
  readonly words: ReadonlyMap<number, string> | undefined;
  /** As the file says it, of the instance or else of the type. */
  readonly value: string | undefined;
  readonly trigger: SclTrigger;
}

export type SclTrigger = "data-change" | "quality-change" | "data-update" | "none";

export interface SclDataSet extends Place {
  readonly name: string;
  readonly members: readonly SclMember[];
}

export interface SclMember {
  readonly ld: string;
  readonly ln: string;
  /** Data object and its parts; empty for all data of a constraint. */
  readonly path: readonly string[];
  readonly fc: FunctionalConstraint;
}

export interface SclReport extends Place {
  /** Without the number of the instance. */
  readonly name: string;
  readonly isBuffered: boolean;
  /** How many instances, with numbers behind the name; undefined: one, without a number. */
  readonly instances: number | undefined;
  /** Of the same logical node; undefined where a client chooses. */
  readonly dataSet: string | undefined;
  readonly reportId: string | undefined;
  readonly configurationRevision: number;
  readonly integrityMs: number;
  readonly bufferMs: number;
  readonly triggers: readonly Exclude<Trigger, "application">[];
  readonly options: readonly ReportOption[];
}

/** The value at a path below an object; undefined when there is none. */
export function attributeAt(
  { attributes, parts }: SclObject,
  path: readonly string[],
): SclAttribute | undefined {
  const [first, ...rest] = path;
  const part = parts.find(({ name }) => name === first);
  if (part !== undefined) return attributeAt(part, rest);
  let found = attributes.find(({ name }) => name === first);
  for (const name of rest) found = found?.members.find((member) => member.name === name);
  return found;
}
