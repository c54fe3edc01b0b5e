import type { ControlCommand } from "../../wire/mms/control.ts";
import type { ControlStage } from "./fault.ts";

/** A command as the world behind the IED sees it. */
export interface ControlRequest {
  /** `DCPIBESS1/DRCC1.OutWSet` */
  readonly reference: string;
  readonly stage: ControlStage;
  /** Undefined for a selection without a value. */
  readonly command: ControlCommand | undefined;
}
