import type { FunctionalConstraint } from "../../wire/mms/names.ts";
import type { ReportOption, Trigger } from "../../wire/mms/report.ts";
import type { MmsValue } from "../../wire/mms/value.ts";

/**
 * What an IED consists of, as plain data: the server makes its MMS variables, types, control
 * objects and report blocks from it.
 *
 * @see IEC 61850-7-2, sections 6 to 9 (server, logical device, logical node, data); IEC 61850-7-3
 */

export interface IedModel {
  /** What identify answers. */
  readonly vendor: string;
  readonly product: string;
  readonly revision: string;
  readonly logicalDevices: readonly LogicalDeviceModel[];
}

export interface LogicalDeviceModel {
  /** The MMS domain, name of the IED included: `DCPIBESS1`. */
  readonly name: string;
  readonly logicalNodes: readonly LogicalNodeModel[];
}

export interface LogicalNodeModel {
  readonly name: string;
  readonly dataObjects: readonly DataObjectModel[];
  readonly dataSets?: readonly DataSetModel[];
  readonly reports?: readonly ReportBlockModel[];
}

export interface DataObjectModel {
  readonly name: string;
  readonly attributes: readonly AttributeModel[];
  /** Data objects within this one: `phsA` of a WYE. */
  readonly parts?: readonly DataObjectModel[];
  /** Present for an object that takes commands: `ctlModel` and the CO structures are made of it. */
  readonly control?: ControlModel;
}

export interface AttributeModel {
  readonly name: string;
  readonly fc: FunctionalConstraint;
  readonly type: AttributeType;
  /** Undefined for zero, false, empty. Of a structure the values of its members, in order. */
  readonly value?: AttributeValue;
  /**
   * What a change of it triggers. Left out: quality-change for a quality, none for a time stamp and
   * for CF and DC, data-change for all others.
   */
  readonly trigger?: AttributeTrigger;
}

export type AttributeTrigger = "data-change" | "quality-change" | "data-update" | "none";

export type BasicType =
  | "boolean"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  /** An enumeration: an integer of eight bits. */
  | "enum"
  | "float32"
  | "float64"
  | "quality"
  | "utc-time"
  /** Position of a switch: two bits. */
  | "dbpos"
  /** Check of a command: two bits. */
  | "check"
  | "text64"
  | "text129"
  | "text255"
  | "unicode255"
  | "octets64";

export type AttributeType =
  | BasicType
  | { readonly members: readonly { readonly name: string; readonly type: AttributeType }[] };

/**
 * A number for a dbpos is 0 … 3 (intermediate, open, closed, faulty), for a quality its 13 bits as
 * a number with the first bit highest, for a utc-time milliseconds since 1970.
 */
export type AttributeValue =
  boolean | number | bigint | string | Uint8Array | MmsValue | readonly AttributeValue[];

export const CONTROL_MODELS = [
  "status-only",
  "direct-normal",
  "sbo-normal",
  "direct-enhanced",
  "sbo-enhanced",
] as const;

/** In the order of their ctlModel numbers, 0 to 4. */
export type ControlModelName = (typeof CONTROL_MODELS)[number];

export interface ControlModel {
  readonly model: ControlModelName;
  /** Of ctlVal: `boolean`, or `{members: [{name: "f", type: "float32"}]}` for a setpoint. */
  readonly valueType: AttributeType;
  /**
   * Where a command that was carried out shows, within the data object: `{fc: "MX", path:
   * ["mxVal"]}` . A boolean becomes open or closed where that is a dbpos.
   */
  readonly feedback?: { readonly fc: FunctionalConstraint; readonly path: readonly string[] };
  /** How long a selection holds; 30 s when left out. */
  readonly selectTimeoutMs?: number;
  /** From the answer to the effect, and to the termination of enhanced security; 0 if left out. */
  readonly executionMs?: number;
  /** A value outside is refused: inconsistent-parameters. */
  readonly least?: number;
  readonly most?: number;
  /** Who may command, by orCat; everybody when left out. Others: no-access-authority. */
  readonly originCategories?: readonly number[];
}

export interface DataSetModel {
  readonly name: string;
  /** `MMXU1.TotW[MX]`, or `LD/LN.DO.DA[FC]` for a member of another logical device. */
  readonly members: readonly string[];
}

export interface ReportBlockModel {
  /** Without the instance number, which is put behind it when there are instances. */
  readonly name: string;
  readonly isBuffered: boolean;
  /** 01 … n; left out: one block, without a number. */
  readonly instances?: number;
  /** Left out: the reference of the block. */
  readonly reportId?: string;
  /** Of the same logical node; left out: to be chosen by the client. */
  readonly dataSet?: string;
  readonly configurationRevision?: number;
  readonly options?: readonly ReportOption[];
  readonly triggers?: readonly Exclude<Trigger, "application">[];
  readonly bufferTimeMs?: number;
  readonly integrityPeriodMs?: number;
  /** Of a buffered block; 1,000 when left out. */
  readonly bufferedEntriesMax?: number;
  /** An Owner field, as the second edition has it. */
  readonly hasOwner?: boolean;
}
