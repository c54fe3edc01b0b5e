import type { ControlCommand } from "../../wire/mms/control.ts";
import type { ControlStage, MmsFault, MmsFaultKind } from "./fault.ts";
import type { AttributeValue } from "./model.ts";

export interface ControlRequest {
  /** `DCPIBESS1/DRCC1.OutWSet` */
  readonly reference: string;
  readonly stage: ControlStage;
  /** Undefined for a selection without a value. */
  readonly command: ControlCommand | undefined;
}

export interface IedHooks {
  /** The additional cause for which a command is refused; undefined to let it through. */
  readonly refuse?: (request: ControlRequest) => number | undefined;
  /** A command was carried out: its feedback is already in the model. */
  readonly operated?: (request: ControlRequest) => void;
  /** A client wrote a value of the model. */
  readonly written?: (reference: string, value: AttributeValue) => void;
}

/** One value that changes. */
export interface DataUpdate {
  /** `DCPIBESS1/MMXU1.TotW.mag.f[MX]` */
  readonly reference: string;
  readonly value: AttributeValue;
}

export interface IedDevice {
  /** Changes values in one moment: one report. Untouched time stamps beside them become now. */
  update(updates: readonly DataUpdate[]): void;
  inject(fault: MmsFault): void;
  /** One kind of fault ends, or all. */
  heal(kind?: MmsFaultKind): void;
}
