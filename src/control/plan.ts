import type { Condition } from "../domain/condition.ts";
import type { Severity } from "../domain/event.ts";
import type { PointIndex, StreamId } from "../domain/point.ts";
import type { FrequencySettings } from "./frequency-response.ts";
import type { ReactiveSettings } from "./reactive.ts";
import type { EnergyShareSettings } from "./share-energy.ts";
import type { SmoothingSettings } from "./smoothing/settings.ts";
import { THERMAL_EVENTS } from "./thermal/thermal-events.ts";

/**
 * Everything the control core knows of its site, compiled from the site file. Plain data: a
 * recording of a run begins with it. Powers in W, energies in Wh, times in ms, states of charge
 * in %.
 *
 * Signs: grid power positive importing, battery power positive discharging, load power positive
 * consuming; so load = grid + batteries.
 */
export interface ControlPlan {
  readonly periodMs: number;
  readonly grid: GridPlan;
  readonly units: readonly BatteryUnitPlan[];
  /** A command is for a unit by its own name, or for one of these. */
  readonly groups: readonly BatteryGroupPlan[];
  readonly trips: readonly TripRule[];
  /** Every device of the site: what a person at the box may name. */
  readonly assets: readonly string[];
  /** The hard-wired selector: its condition holds while it stands on local; undefined: none. */
  readonly localSelector: SelectorPlan | undefined;
  readonly envelope: readonly EnvelopeEntry[];
  readonly leases: LeaseLimits;
  /** Undefined: the load is not smoothed. */
  readonly smoothing: SmoothingSettings | undefined;
  /** How units share a power by their energy; undefined: in equal parts. */
  readonly share: EnergyShareSettings | undefined;
  /** Undefined: nothing is promised for the frequency. Only where the load is smoothed. */
  readonly frequency: FrequencyPlan | undefined;
  /** Undefined: nothing is asked of the batteries' reactive power. */
  readonly reactive: ReactivePlan | undefined;
  /** Undefined: the site says nothing of a loss of its grid. */
  readonly rideThrough: RideThroughPlan | undefined;
  /** What narrows a unit by itself, and who may reset; undefined: nothing beyond the trips. */
  readonly protection?: ProtectionPlan | undefined;
}

/** What protects the units besides trips, all of it ending by itself. */
export interface ProtectionPlan {
  readonly blocks: readonly BlockPlan[];
  readonly derates: readonly DeratePlan[];
  /** Who may reset trips; empty: whoever may use the socket of the box, by any name. */
  readonly people: readonly PersonPlan[];
}

/** A condition that keeps units from charging, or from discharging, while it is there. */
export interface BlockPlan {
  readonly name: string;
  readonly device: string;
  readonly direction: "charge" | "discharge";
  readonly cause: BlockCause;
  /** It ends when its cause has been gone for so long, ms. */
  readonly releaseMs: number;
  /** Places in `units`. */
  readonly units: readonly number[];
}

/** A bit or word of a device, or a value beyond a limit until it is back by the hysteresis. */
export type BlockCause =
  | { readonly kind: "state"; readonly condition: ConditionPlan }
  | {
      readonly kind: "limit";
      readonly input: InputPoint;
      readonly side: "above" | "below";
      readonly limit: number;
      readonly hysteresis: number;
    };

/**
 * A temperature that takes a unit's power away: all of it is left up to `fromCel`, nothing from
 * `toCel` on, in a line between. `toCel` below `fromCel` is for cold.
 */
export interface DeratePlan {
  readonly input: InputPoint;
  readonly fromCel: number;
  readonly toCel: number;
  /** What was taken comes back only when the temperature is this much better, K. */
  readonly hysteresisK: number;
  readonly direction: "charge" | "discharge" | "both";
  /** Places in `units`. */
  readonly units: readonly number[];
}

/** One value that two or three sensors measure. */
export interface VotedPlan {
  /** Devices, in the order of `inputs`, for people. */
  readonly names: readonly string[];
  readonly inputs: readonly InputPoint[];
  /** Further apart than this part of the value, or than `floor`, is a deviation. */
  readonly deviationFraction: number;
  readonly floor: number;
  /** So many deviating samples in a row are told, and the channel counts no more. */
  readonly samples: number;
  /** Of two that are left the worse one counts. */
  readonly worse: "higher" | "lower";
  /** See `VoteSettings`; undefined: stuck is what stands still beside one that changes. */
  readonly stuckBeyond?: number | undefined;
}

/** Somebody at the box, by the name that goes with a reset. */
export interface PersonPlan {
  readonly name: string;
  readonly role: ResetRole;
}

/** `safety` may reset everything, `operator` what is no emergency. */
export type ResetRole = "operator" | "safety";

/** How a loss of the grid is known, and what the batteries do in it. */
export interface RideThroughPlan {
  /** Each says by itself that the grid is lost. */
  readonly flags: readonly GridFlagPlan[];
  /** At the grid's meter; undefined: the flags alone say it. */
  readonly voltage: GridVoltagePlan | undefined;
  /** The grid has to be back this long before control goes on, ms. */
  readonly returnMs: number;
  /**
   * True where the batteries are commissioned to carry the site through a loss by themselves: then
   * they are told nothing, and may use their reserve. False: they are held at 0 W.
   */
  readonly carries: boolean;
}

export interface GridFlagPlan {
  /** Device and point, for people. */
  readonly name: string;
  /** Holds while the grid is lost. */
  readonly condition: ConditionPlan;
  readonly maxAgeMs: number;
}

export interface GridVoltagePlan {
  readonly input: InputPoint;
  /** Below for `confirmMs`: lost. */
  readonly lostBelowV: number;
  readonly confirmMs: number;
  /** From here on it is back. */
  readonly backAboveV: number;
}

/** A selector that cannot be read counts as local. */
export interface SelectorPlan {
  readonly condition: ConditionPlan;
  readonly maxAgeMs: number;
}

/** Reactive power that the batteries give, VAr; positive delivers. */
export interface ReactivePlan {
  readonly settings: ReactiveSettings;
  /** At the grid's meter, V. */
  readonly voltage: InputPoint;
  readonly nominalV: number;
  readonly askedVar: number;
  /**
   * While the voltage is outside its band: delivered where it is low, taken where it is high;
   * undefined: what is asked for otherwise.
   */
  readonly eventVar: number | undefined;
  /** By place of the unit; undefined for one whose reactive power nobody sets. */
  readonly units: readonly (ReactiveUnitPlan | undefined)[];
}

export interface ReactiveUnitPlan {
  readonly setpoint: PointIndex;
  readonly apparentVa: number;
  /** Smallest change worth a write, VAr. */
  readonly stepVar: number;
}

/** Power that is given for the grid's frequency. */
export interface FrequencyPlan {
  readonly settings: FrequencySettings;
  readonly point: InputPoint;
  /** A frequency that does not move at all for so long is not believed, ms. */
  readonly stillMs: number;
}

/** A measured point with the oldest value that control uses. */
export interface InputPoint {
  readonly point: PointIndex;
  readonly maxAgeMs: number;
}

export interface GridPlan {
  /** The meter's device, for events. */
  readonly device: string;
  /** Active power at the point of common coupling; held as it is up to its maximum age. */
  readonly power: InputPoint;
  /** `power` and other meters of the same place, which vote; undefined: it alone says it. */
  readonly voted?: VotedPlan | undefined;
  readonly feeders: readonly FeederPlan[];
  /** Loss between the meter and the feeders: fixed + atRating · (load / rating)². */
  readonly loss: { readonly fixedW: number; readonly atRatingW: number; readonly ratingW: number };
  /** A reading of the meter is at most so old when it is received, ms. */
  readonly lagMs: number;
  readonly crossCheck: { readonly fraction: number; readonly samples: number };
  readonly importLimitW: number;
  readonly exportLimitW: number;
  /** The batteries cover what the load draws above it; undefined: no peak cap. */
  readonly peakCapW: number | undefined;
  /** Fastest rise and fall of grid power that control itself may cause, W/s. */
  readonly rampUpWPerS: number;
  readonly rampDownWPerS: number;
  /** Without any trusted grid power: the battery is held this long … */
  readonly blindMs: number;
  /** … and after a return the way back to full authority takes this long. */
  readonly returnMs: number;
}

export interface FeederPlan extends InputPoint {
  readonly device: string;
  /**
   * A sample of the cross-check counts when the meter and each feeder that sets its pace have a new
   * reading: the feeders that are polled fast enough to follow the load.
   */
  readonly setsPace: boolean;
}

export interface BatteryUnitPlan {
  /** Device of the site file. */
  readonly asset: string;
  readonly stream: StreamId;
  readonly points: UnitPoints;
  readonly dischargeRatingW: number;
  readonly chargeRatingW: number;
  /** Usable energy at 100 %, Wh. */
  readonly capacityWh: number;
  readonly soc: SocLimits;
  /** A unit without a good power reading for this long is silent, ms. */
  readonly silentMs: number;
  /** What the unit does by itself when nothing reaches it any more. */
  readonly reversion: {
    readonly afterMs: number;
    readonly powerW: number;
    readonly rampWPerS: number;
  };
  /** Smallest change worth a write, W. */
  readonly stepW: number;
  /** A held setpoint is written again after this long, ms; below the reversion time. */
  readonly repeatMs: number;
  readonly readBack: ReadBackPlan;
  /** From a write to its full effect, ms. */
  readonly settleMs: number;
  /** Fastest change of a setpoint that a command may ask for, W/s. */
  readonly rampMaxWPerS: number;
}

export interface UnitPoints {
  /** Measured power, positive discharging. */
  readonly power: PointIndex;
  /** Setpoint: written, and read back by its poll. */
  readonly setpoint: PointIndex;
  readonly soc: InputPoint;
  /** Magnitudes that the device allows at this moment; undefined: the ratings alone hold. */
  readonly chargeLimit: InputPoint | undefined;
  readonly dischargeLimit: InputPoint | undefined;
  /** Conditions in which the unit cannot follow: state fault or off, fault bits. */
  readonly faults: readonly ConditionPlan[];
  /** Counter of the device that must move; standing still as long as its maximum age is silence. */
  readonly heartbeat: InputPoint | undefined;
  /** Counter of the battery behind the converter: while it stands still the unit gives nothing. */
  readonly batteryHeartbeat?: InputPoint | undefined;
  /** Reactive setpoint that may be written: a trip sets it to 0 as well; undefined: none. */
  readonly reactive?: PointIndex | undefined;
  readonly run: RunCommandPlan | undefined;
}

/** Stop and start of a unit. */
export interface RunCommandPlan {
  readonly point: PointIndex;
  readonly stopValue: number;
  readonly startValue: number;
  /** Each shows that it stopped; none: the command's own read-back does. */
  readonly stopped: readonly ConditionPlan[];
  /** Written with 1 when a trip is reset; undefined where the device needs none. */
  readonly alarmReset: PointIndex | undefined;
}

/** A condition, and the point that shows it. */
export interface ConditionPlan extends Condition {
  readonly point: PointIndex;
}

export interface SocLimits {
  readonly minPercent: number;
  readonly maxPercent: number;
  /** Kept for ride-through: nothing discharges below it. */
  readonly reservePercent: number;
  /** Smallest step of the reading, %: limits begin this much early. */
  readonly resolutionPercent: number;
}

export interface ReadBackPlan {
  /** A setpoint shows in its read-back this long after the write, ms. */
  readonly withinMs: number;
  readonly toleranceW: number;
}

export interface BatteryGroupPlan {
  readonly asset: string;
  /** Places in `units`. */
  readonly units: readonly number[];
}

/** What latches, and which units it stops. */
export interface TripRule {
  /** Alarm id: `emergency-stop`. */
  readonly id: string;
  /** Device that reports it. */
  readonly device: string;
  readonly pointName: string;
  readonly text: string;
  readonly condition: ConditionPlan;
  /** Places in `units`. */
  readonly units: readonly number[];
  /** Undefined: `PLAIN_TRIP`. */
  readonly terms?: TripTerms | undefined;
}

/** How a trip is found, acts and ends. */
export interface TripTerms {
  /** Channels besides `condition` that see the same cause: together they vote. */
  readonly channels: readonly ConditionPlan[];
  /** A channel that shows nothing for so long votes for the trip, ms; undefined: it has no vote. */
  readonly blindMs: number | undefined;
  /** Charging ends at once, discharge goes to 0 W within this time, ms; 0: all stops at once. */
  readonly rampMs: number;
  /** The cause has to be gone for so long before anybody resets it, ms. */
  readonly holdOffMs: number;
  /** It lifts itself when the cause was gone for so long, ms; undefined: a person does. */
  readonly recoversAfterMs: number | undefined;
  /** So many times an hour its cause may come and go before it latches. */
  readonly passesPerHour: number;
  readonly role: ResetRole;
}

/** One channel that says it, at once, until somebody resets it. */
export const PLAIN_TRIP: TripTerms = {
  channels: [],
  blindMs: undefined,
  rampMs: 0,
  holdOffMs: 0,
  recoversAfterMs: undefined,
  passesPerHour: 0,
  role: "operator",
};

/** What may be written to one point, whoever asks. A point without an entry is read only. */
export interface EnvelopeEntry {
  readonly asset: string;
  readonly pointName: string;
  readonly point: PointIndex;
  readonly min: number;
  readonly max: number;
  /** Fastest change, unit of the point per second; undefined: none. */
  readonly rampPerS: number | undefined;
  /** Shortest time between two different values, ms. */
  readonly minimumIntervalMs: number;
  readonly mode: "clamp" | "refuse";
  /** All must hold, on readings that are fresh. */
  readonly interlocks: readonly InterlockPlan[];
  /** Points that have to be at 0 while this one is not; undefined: none. Of both alike. */
  readonly excludes?: readonly ExclusionPlan[] | undefined;
  readonly confirm: "read-back" | "by-poll";
  /** From a write to its effect, ms. */
  readonly settleMs: number;
  /** Where the device shows the setpoint itself; undefined: it cannot be read. */
  readonly shown: InputPoint | undefined;
  /** The point that shows the effect; undefined: the write's read-back is all there is. */
  readonly effect: InputPoint | undefined;
}

export interface InterlockPlan {
  readonly name: string;
  readonly condition: ConditionPlan;
  readonly maxAgeMs: number;
}

/** Another point of the envelope that may not be in force together with this one. */
export interface ExclusionPlan {
  /** Device and point, for people. */
  readonly name: string;
  readonly point: PointIndex;
  /** Where the device shows it. */
  readonly shown: InputPoint;
  /** From a write of it until its reading shows what came of it, ms. */
  readonly settleMs: number;
}

export interface LeaseLimits {
  readonly maximumMs: number;
  /**
   * Holders and assets whose sequence is remembered; for one more the oldest without a lease is
   * forgotten, and it is refused where all have one.
   */
  readonly maximumHolders: number;
}

/** Severity of the events that control makes, by id. */
export const CONTROL_EVENTS = {
  "meter-frozen": "warning",
  "meter-mismatch": "warning",
  "feeder-mismatch": "warning",
  "meter-lost": "critical",
  "unit-silent": "warning",
  "pcs-fault": "critical",
  "setpoint-differs": "warning",
  "write-refused": "warning",
  "unit-does-not-follow": "warning",
  "ramp-breach": "warning",
  "import-limit-exceeded": "warning",
  "reserve-reached": "warning",
  "frequency-answer": "info",
  "frequency-unknown": "warning",
  "voltage-event": "warning",
  "ride-through": "critical",
  "ramp-not-guaranteed": "warning",
  "smoothing-off": "warning",
  "smoothing-rests": "info",
  "battery-does-not-follow": "warning",
  "battery-budget": "warning",
  "grid-resonance": "warning",
  "schedule-clipped": "warning",
  "cap-unachievable": "warning",
  "announcement-ended": "info",
  "announcement-broken": "warning",
  "loop-delay": "info",
  "envelope-clamped": "warning",
  "lease-expired": "info",
  "trip-reset": "info",
  "operator-stop": "trip",
  "local-mode": "info",
  "second-writer": "warning",
  "goose-lost": "critical",
  "goose-safe-state": "trip",
  "goose-loss-stop": "trip",
  "charge-blocked": "warning",
  "discharge-blocked": "warning",
  "unit-derated": "warning",
  "battery-silent": "critical",
  "fault-repeated": "trip",
  "sensor-deviates": "warning",
  "sensor-lost": "warning",
  "hvil-open": "trip",
  "door-open": "trip",
  "fire-alarm": "trip",
  "smoke-alarm": "trip",
  "gas-alarm": "trip",
  "gas-warning": "trip",
  "protection-relay": "trip",
  ...THERMAL_EVENTS,
} as const satisfies Record<string, Severity>;

export type ControlEventId = keyof typeof CONTROL_EVENTS;
