import type { WorkloadAnswer, WorkloadNotice } from "../domain/announcement.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { PointIndex, StreamId } from "../domain/point.ts";
import type { QualityCode } from "../domain/quality.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import type { ReadBack, Setpoint } from "../domain/write.ts";
import type { ImageView } from "../points/image.ts";
import type { Hold, Lockout, Yield } from "./authority/authority.ts";
import type { SmoothingDegraded, SmoothingMode, SmoothingNews } from "./smoothing/exchange.ts";

/**
 * What one cycle sees. Plain data, so that a recording of it replays; the view is the image as it
 * was taken at the start of the cycle.
 */
export interface CycleInputs {
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  readonly view: ImageView;
  /** Commands for units and groups, in the order in which they came. See `laneOf`. */
  readonly commands: readonly Command[];
  readonly orders: readonly LocalOrder[];
  /** What became of the writes of earlier cycles. */
  readonly outcomes: readonly CyclicReport[];
  /** For smoothing: what was found beside the cycle. */
  readonly news?: SmoothingNews | undefined;
  /** What workloads announce, in the order in which it came. */
  readonly workloads?: readonly WorkloadNotice[] | undefined;
  /** True once control is told to end: the batteries ramp to 0 W, whatever is asked of them. */
  readonly isStopping?: boolean;
  /** True for a control whose writes are not done: what it asked for is nowhere to be measured. */
  readonly isShadow?: boolean;
}

/**
 * What a person at the box asks. Stronger than any message from afar. `by` says who, for the
 * record; that they may is settled before. `asset` is a device, a battery of several, or `all`.
 */
export type LocalOrder = { readonly by: string } & (
  | {
      readonly kind: "reset";
      /** Id of the trip, or `all`. */
      readonly trip: string;
    }
  | { readonly kind: "hold" | "stop" | "release"; readonly asset: string }
  | { readonly kind: "lockout" | "unlock"; readonly asset: string }
  | { readonly kind: "mode"; readonly mode: "local" | "remote" }
);

export interface OrderAnswer {
  readonly order: LocalOrder;
  readonly result: "done" | "refused";
  /**
   * Of a reset: `no-such-trip`, `cause-present`, `cause-unknown`, `cause-just-gone`, `not-allowed`,
   * `name-needed`, `release-it`. Of the others:
   * `unknown-asset`, `no-stop`, `not-held`, `name-needed`, `stop-it-first`, `stop-not-confirmed`,
   * `not-locked-out`, `locked-out-by <name>`. Of what is done: `not-saved`, `not-confirmed`.
   */
  readonly reason: string | undefined;
}

/** A setpoint for a driver. */
export interface ControlWrite extends Setpoint {
  /** Device of the site file, and its stream. */
  readonly asset: string;
  readonly stream: StreamId;
  readonly lane: "cyclic" | "direct";
  /** STOP and zero after a trip: goes before everything else. */
  readonly isProtective: boolean;
  /** The cycle that sent it: its report is told apart by it. */
  readonly sentAt: MonotonicMs;
}

/** A `WriteOutcome` without its error object. */
export interface WriteReport {
  readonly point: PointIndex;
  readonly value: number;
  readonly result: "accepted" | "refused" | "unknown";
  /** Error code where there is one. */
  readonly reason: string | undefined;
  readonly readBack: ReadBack | undefined;
}

/** What became of a write of the cycle. */
export interface CyclicReport extends WriteReport {
  /** As in the `ControlWrite`. */
  readonly sentAt: MonotonicMs;
}

/**
 * Who has the last word on a power, from the strongest down. Each level only narrows what the one
 * above left; `start`, `blind` and `stop` are protection of another kind: they hold what is
 * measured, and let go when nothing is known or control ends.
 */
export type Level =
  | "protection"
  | "local-hold"
  | "start"
  | "ride-through"
  | "device-limits"
  | "reserve"
  | "link-lost"
  | "voltage-event"
  | "connection"
  | "frequency-duty"
  | "blind"
  | "stop"
  | "grid-instruction"
  | "governor"
  | "peak-cap"
  | "schedule";

/** Where control takes the grid power from. */
export type GridSource = "meter" | "feeders" | "none";

/**
 * `held`: a person at the box holds it where it is; `yielded`: somebody else writes to it, and
 * control leaves it to them.
 */
export type UnitMode =
  "unknown" | "starting" | "ready" | "held" | "yielded" | "silent" | "faulted" | "tripped";

/** What is in force. */
export interface ControlStatus {
  readonly source: GridSource;
  /** W; undefined while no source is trusted. */
  readonly gridW: number | undefined;
  readonly loadW: number | undefined;
  /** When the measurement was received that `gridW` comes from; undefined as those. */
  readonly knownAt: MonotonicMs | undefined;
  /** What the import is kept below, W; undefined where the site has no cap. */
  readonly peakCapW: number | undefined;
  /** Sum of what the units are asked for and what silent ones are counted at, W. */
  readonly totalW: number;
  /** What decided the total. */
  readonly bindingLevel: Level;
  /** What the peak cap asks of the batteries, W; 0 when the load is below. */
  readonly peakNeedW: number;
  /** How much of it they cannot give, W. */
  readonly shortfallW: number;
  /** Undefined where the site does not smooth. */
  readonly smoothing: SmoothingStatus | undefined;
  /** Undefined where nothing is asked of the batteries' reactive power. */
  readonly reactive: ReactiveStatus | undefined;
  /** Undefined where the site says nothing of a loss of its grid. */
  readonly rideThrough: RideThroughStatus | undefined;
  readonly workloads: WorkloadsStatus;
  readonly units: readonly UnitStatus[];
  readonly leases: readonly LeaseStatus[];
  readonly trips: readonly LatchedTrip[];
  readonly authority: AuthorityStatus;
}

/** Who may drive what, as decided at the box. */
export interface AuthorityStatus {
  /** True while nothing from afar is taken. */
  readonly isLocal: boolean;
  /** What makes it so; undefined while it is not. */
  readonly localBy: "selector" | "person" | undefined;
  readonly holds: readonly Hold[];
  readonly yields: readonly Yield[];
  readonly lockouts: readonly Lockout[];
}

/** What ramp governor and smoothing do. */
export interface SmoothingStatus {
  readonly mode: SmoothingMode;
  readonly degraded: SmoothingDegraded;
  /** W; undefined before the load is known. */
  readonly referenceW: number | undefined;
  /** The load that is answered, W, and what it is expected to be when the answer arrives. */
  readonly loadW: number | undefined;
  readonly predictedW: number | undefined;
  /** True when the ramp holds for every load of the declared envelope. */
  readonly isGuaranteed: boolean;
  /** rms of the grid power / rms of the load in the band of the iterations, dB. */
  readonly gainDb: number | undefined;
  /** Delay that is used, ms. */
  readonly delayMs: number;
  readonly deadbandW: number;
  /** Energy above the reserve, and what the ramp needs of it at this reference, J. */
  readonly energyJ: number | undefined;
  readonly needJ: number | undefined;
  /** How long the cap can still be kept at this load, s; undefined: as long as one likes. */
  readonly capHoldS: number | undefined;
}

/** Reactive power of the batteries, VAr; positive delivers. */
export interface ReactiveStatus {
  /** What goes first: `reactive` while the voltage is outside its band. */
  readonly priority: "active" | "reactive";
  /** Part of the nominal voltage; undefined while it is not known. */
  readonly voltagePu: number | undefined;
  readonly askedVar: number;
  readonly givenVar: number;
}

/**
 * Whether the grid is there. `doubtful`: its voltage has collapsed, and nobody knows yet for how
 * long. `returning`: it is back, and the site waits until it has been back for a while.
 */
export type GridPresence = "present" | "doubtful" | "lost" | "returning";

/**
 * What the units have to do with it. `held`: nothing new is asked while nobody knows. `stop`: 0 W
 * at once. `carry`: they carry the site by themselves, and are told nothing.
 */
export type RideThroughRule = "none" | "held" | "stop" | "carry";

/** Whether the grid is there, and what the batteries do while it is not. */
export interface RideThroughStatus {
  readonly presence: GridPresence;
  readonly rule: RideThroughRule;
  /** What said that it is lost; undefined while it is not. */
  readonly cause: string | undefined;
  /** Until control goes on, ms; undefined while the grid is not back. */
  readonly returnsInMs: number | undefined;
}

/** What workloads have announced. */
export interface WorkloadsStatus {
  /** The next steps that are to come, by time. */
  readonly next: readonly WorkloadStepStatus[];
  /** All that are to come. */
  readonly waiting: number;
  /** Notices, counted since the start. */
  readonly taken: number;
  readonly refused: number;
  /** Steps whose time passed while smoothing did not look. */
  readonly forgotten: number;
}

export interface WorkloadStepStatus {
  readonly workload: string;
  readonly inMs: number;
  /** By how much the mean of the load changes then, W. */
  readonly deltaW: number;
}

export interface UnitStatus {
  readonly asset: string;
  readonly mode: UnitMode;
  /** What the last cycle asked for, W; undefined before the first write. */
  readonly setpointW: number | undefined;
  /** W; the counted power of a silent unit; undefined while nothing is known. */
  readonly powerW: number | undefined;
  /** From a command to its effect as found while it runs, ms; undefined: not yet. */
  readonly delayMs: number | undefined;
  /** What the unit may be asked for at this moment, W. */
  readonly lowW: number;
  readonly highW: number;
  readonly bindingLevel: Level;
}

export interface LeaseStatus {
  /** Of a battery's power, or of the import at the grid connection. */
  readonly kind: "power" | "import-limit";
  readonly asset: string;
  readonly holder: string;
  readonly commandId: string;
  readonly priority: number;
  /** The battery's power, or what the import is kept below, W. */
  readonly targetW: number;
  /** The leased part as it has ramped so far; of an import limit the grid's reference, W. */
  readonly partW: number;
  /** 0 once it is in force. */
  readonly startsInMs: number;
  readonly remainingMs: number;
}

export interface LatchedTrip {
  readonly id: string;
  readonly device: string;
  readonly text: string;
  readonly at: UtcMs;
  /** True for the trip that came first since the last time that none was latched. */
  readonly isFirstOut: boolean;
  /** Places in the plan's `units`. */
  readonly units: readonly number[];
  /**
   * When the reading was received that first showed the cause; it came at most one poll before.
   * Undefined where nobody read it: a person, or a record that could not be read.
   */
  readonly causeAt?: UtcMs | undefined;
  /** What was in force when it came; undefined where none was kept. */
  readonly snapshot?: TripSnapshot | undefined;
}

/** The plant in the cycle of a trip, before it acted; what was not known is left out. */
export interface TripSnapshot {
  readonly source: GridSource;
  /** W */
  readonly gridW?: number;
  readonly loadW?: number;
  readonly totalW: number;
  /** Hz, and V at the grid's meter. */
  readonly frequencyHz?: number;
  readonly voltageV?: number;
  /** Those that the trip stops, the first few of them. */
  readonly units: readonly UnitSnapshot[];
}

export interface UnitSnapshot {
  readonly asset: string;
  readonly mode: UnitMode;
  readonly powerW?: number;
  readonly setpointW?: number;
  readonly socPercent?: number;
  /** As the device shows it: the value of its fault state. */
  readonly state?: number;
}

/** A point that control does not believe: its rounds go north with this quality at best. */
export interface Distrust {
  readonly point: PointIndex;
  readonly quality: QualityCode;
}

export interface CycleResult {
  /** Protective writes first. */
  readonly writes: readonly ControlWrite[];
  readonly events: readonly PlantEvent[];
  readonly steps: readonly CommandStep[];
  readonly answers: readonly OrderAnswer[];
  /** To the notices of workloads, in their order. */
  readonly workloads: readonly WorkloadAnswer[];
  /** Everything distrusted now, not only what changed. */
  readonly distrusted: readonly Distrust[];
  /** Grows whenever the latches change: then they have to be saved. */
  readonly latchRevision: number;
}
