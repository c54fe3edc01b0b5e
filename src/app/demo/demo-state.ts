import type { ControlStatus } from "../../control/exchange.ts";
import type { LinkStatus } from "../link-status.ts";
import type { PlantLine } from "./plant-line.ts";
import type { SiteDetail } from "./site-detail.ts";
import type { TrendSpan } from "./trend.ts";

/** What happened, newest first. */
export interface ScreenEvent {
  readonly time: string;
  /** `over`: the end of a state, whose text may still say what it was. */
  readonly severity: string;
  /** Empty: the line is about the demonstration itself. */
  readonly device: string;
  readonly text: string;
}

/** What control says that it does, with the measurement that it does it by. */
export interface ControlFacts {
  readonly status: ControlStatus;
  /** When the grid power was measured that it goes by, UTC ms, and how long ago; null: unknown. */
  readonly measuredUtc: number | null;
  readonly ageMs: number | null;
}

/** A connection to the south, with what it did per second lately. */
export interface LinkRow extends Omit<LinkStatus, "requests"> {
  readonly requestsPerS: number | null;
  /** Of the newest value of its devices, ms; null: none is good. */
  readonly ageMs: number | null;
}

/** What the processes of the gateway need of the machine, and what waits in them. */
export interface GatewayFacts {
  readonly latenessP50Ms: number | null;
  /** Percent of one core is the same as tens of ms per second. */
  readonly controlCpu: number | null;
  readonly fieldCpu: number | null;
  readonly servicesCpu: number | null;
  readonly oldestWaitingS: number;
  /** Steps of commands since the start. */
  readonly commandSteps: number;
}

/**
 * Everything that a picture shows, as plain data: it can be written down as JSON, and the same
 * picture can be made of it again.
 */
export interface DemoState {
  readonly plant: PlantLine;
  readonly detail: SiteDetail;
  readonly trend: {
    readonly grid: readonly TrendSpan[];
    readonly load: readonly TrendSpan[];
    readonly battery: readonly TrendSpan[];
  };
  /** How the import moves, W/s, over the last seconds; null while it is not known. */
  readonly rampWPerS: number | null;
  readonly title: string;
  readonly elapsedS: number;
  readonly events: readonly ScreenEvent[];
  /** Critical states and trips that were raised and have not ended. */
  readonly criticals: number;
  readonly control: ControlFacts | null;
  readonly links: readonly LinkRow[];
  readonly gateway: GatewayFacts;
  /** The unit whose setpoint is explained. */
  readonly selectedUnit: number;
  readonly isFrozen: boolean;
}
