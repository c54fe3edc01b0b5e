import type { UnitConversion } from "../domain/vocabulary/vocabulary.ts";
import type { Origin } from "../wire/mms/control.ts";
import type { ControlObject, Reference } from "../wire/mms/names.ts";
import type { Bound } from "./bound.ts";

/** How a device of IEC 61850 is spoken with, and where its points are. */
export interface Iec61850Facts {
  readonly edition: string | undefined;
  readonly reports: readonly ReportBinding[];
  /** By ordinal; a point that is derived or only commanded has none. */
  readonly reads: ReadonlyMap<number, NodeRead>;
  /** By ordinal: all that may be written, and nothing else ever is. */
  readonly writes: ReadonlyMap<number, NodeWrite>;
  readonly origin: Origin;
  readonly probe: Reference | undefined;
  /** Largest MMS PDU that we take, octets; undefined: as the engine does. */
  readonly pduOctets: number | undefined;
  readonly outstanding: number | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly probePeriodMs: number;
  readonly terminationTimeoutMs: number;
  readonly minimumPeriodMs: number;
}

/** A report control block that brings the points of one group. */
export interface ReportBinding {
  readonly name: string;
  /** Index in the profile's groups; its period is the integrity period. */
  readonly group: number;
  readonly ld: string;
  readonly ln: string;
  readonly isBuffered: boolean;
  /** Instances in the order in which they are tried: `brcbEvt01`, `brcbEvt02`. */
  readonly blocks: readonly string[];
  /** `DCPIBESS1/LLN0$dsEvt`; undefined: the data set that the block has. */
  readonly dataSet: string | undefined;
  readonly triggers: readonly ("data-change" | "quality-change" | "data-update")[];
  readonly bufferMs: number;
  readonly reserveS: number;
  readonly isInterrogated: boolean;
}

/** Where a point is read. */
export interface NodeRead {
  /**
   * A data attribute, or a data object whose value is then found in its type. Quality and time
   * stand beside it in the device.
   */
  readonly place: Reference;
  readonly conversion: NodeConversion;
}

/** From the device's scalar to canonical, and back. */
export interface NodeConversion {
  /** What is expected of the device: a number, a flag, a state or a text. */
  readonly kind: "number" | "flag" | "state" | "text";
  /** Value in the unit of the profile's line = raw · scale + offset. */
  readonly scale: number;
  readonly offset: number;
  /** From that unit to the canonical one, where the device does not say its unit itself. */
  readonly unit: UnitConversion;
  readonly canonicalUnit: string | undefined;
  readonly sign: 1 | -1;
  /** Raw code → index in `texts` (state) or 0/1 (flag). */
  readonly codes: ReadonlyMap<number, number> | undefined;
  /** Used for a raw code that is not in `codes`; undefined: quality bad/unknown-code. */
  readonly elseCode: number | undefined;
  readonly isActiveLow: boolean;
}

export const EXPECTED_CONTROL_MODELS = [
  "status-only",
  "direct-normal",
  "sbo-normal",
  "direct-enhanced",
  "sbo-enhanced",
] as const;

/** In the order of `ctlModel`; the same words as the engine's. */
export type ExpectedControlModel = (typeof EXPECTED_CONTROL_MODELS)[number];

/** How a point is written: a command to a control object, or a value that is set. */
export type NodeTarget =
  | {
      readonly kind: "control";
      readonly object: ControlObject;
      /** Undefined: whichever of the four the device has. */
      readonly model: ExpectedControlModel | undefined;
      readonly isInterlockChecked: boolean;
      readonly isSynchronismChecked: boolean;
    }
  | { readonly kind: "value"; readonly place: Reference };

export interface NodeWrite {
  readonly target: NodeTarget;
  readonly conversion: NodeConversion;
  readonly minimum: Bound;
  readonly maximum: Bound;
  /** The device's own minVal and maxVal limit it as well. */
  readonly isLimitedByDevice: boolean;
  readonly exclude: readonly (readonly [number, number])[];
  /** Steps of the value; rounded towards zero. */
  readonly step: number | undefined;
  readonly feedback: NodeFeedback | undefined;
  /** Names in `interlocks` that must hold. */
  readonly needs: readonly string[];
  /** Names in `keepAlives` that run while a setpoint is held. */
  readonly keepAlive: readonly string[];
  /** Values of safety: after an unknown outcome they are sent again until they are read back. */
  readonly reassert: ReadonlySet<number>;
  readonly minimumIntervalMs: number;
  readonly settleMs: number;
  readonly danger: "none" | "power" | "cooling" | "interrupts-load" | "permanent";
}

/** Where it shows that a command was followed. */
export interface NodeFeedback {
  /** Another place than the point's own; undefined: where the point is read. */
  readonly place: Reference | undefined;
  readonly withinMs: number;
  /** In the point's canonical unit. */
  readonly tolerance: number;
}
