import { type PointIndex, pointIndex, streamId } from "../../src/domain/point.ts";
import type {
  BatteryUnitPlan,
  ControlPlan,
  EnvelopeEntry,
  FeederPlan,
  FrequencyPlan,
  RideThroughPlan,
  TripRule,
} from "../../src/control/plan.ts";
import type { EnergyShareSettings } from "../../src/control/share-energy.ts";
import type { SmoothingSettings } from "../../src/control/smoothing/settings.ts";

/** Places of the points of the small test site. */
export const METER = pointIndex(0);
export const TRAIN = pointIndex(1);
export const UPS = pointIndex(2);
export const MECHANICAL = pointIndex(3);
export const CHILLER_SUPPLY = pointIndex(4);
export const CHILLER_MEASURED = pointIndex(5);
export const CHILLER_RUN = pointIndex(6);
export const FREQUENCY = pointIndex(7);

/** Between lines at the meter, V; and 1 while the breaker at the connection is open. */
export const VOLTAGE = pointIndex(8);
export const BREAKER_OPEN = pointIndex(9);
export const NOMINAL_V = 20_000;

const UNIT_POINTS = 10;
const FIRST_UNIT = 10;

/** Points of one battery unit, by place of the unit. */
export function unitPoints(unit: number) {
  const first = FIRST_UNIT + unit * UNIT_POINTS;
  const at = (offset: number): PointIndex => pointIndex(first + offset);
  return {
    power: at(0),
    setpoint: at(1),
    soc: at(2),
    chargeLimit: at(3),
    dischargeLimit: at(4),
    state: at(5),
    alarms: at(6),
    heartbeat: at(7),
    run: at(8),
    alarmReset: at(9),
  };
}

export function pointCountOf(units: number): number {
  return FIRST_UNIT + units * UNIT_POINTS;
}

export const MW = 1e6;
export const STATE_RUNNING = 3;
export const STATE_OFF = 1;
export const STATE_STANDBY = 4;
export const STATE_FAULT = 6;
export const ESTOP_BIT = 6;

export interface PlanOptions {
  readonly units?: number;
  readonly peakCapW?: number | undefined;
  readonly importLimitW?: number;
  readonly exportLimitW?: number;
  readonly rampWPerS?: number;
  readonly envelopeMode?: "clamp" | "refuse";
  readonly withFeeders?: boolean;
  readonly smoothing?: SmoothingSettings;
  readonly share?: EnergyShareSettings | undefined;
  /** Of `testRideThrough`, or another. */
  readonly rideThrough?: RideThroughPlan;
  /** Its point is `FREQUENCY`. */
  readonly frequency?: FrequencyPlan["settings"];
}

/** The batteries and the grid connection of the demo site as control sees them. */
export function testPlan(options: PlanOptions = {}): ControlPlan {
  const count = options.units ?? 2;
  const units = Array.from({ length: count }, (_, unit) => testUnit(unit));
  return {
    periodMs: 50,
    grid: {
      device: "pcc-meter",
      power: { point: METER, maxAgeMs: 300 },
      feeders: options.withFeeders === false ? [] : feeders(),
      loss: { fixedW: 22_000, atRatingW: 270_000, ratingW: 30.87 * MW },
      lagMs: 150,
      crossCheck: { fraction: 0.03, samples: 3 },
      importLimitW: options.importLimitW ?? 28 * MW,
      exportLimitW: options.exportLimitW ?? 0,
      peakCapW: "peakCapW" in options ? options.peakCapW : 26.5 * MW,
      rampUpWPerS: options.rampWPerS ?? 0.05 * MW,
      rampDownWPerS: options.rampWPerS ?? 0.05 * MW,
      blindMs: 1_000,
      returnMs: 1_000,
    },
    units,
    groups: [{ asset: "battery", units: units.map((_unit, place) => place) }],
    trips: units.map((_unit, unit) => emergencyStop(unit, count)),
    assets: [...units.map(({ asset }) => asset), "pcc-meter", "chiller-1"],
    localSelector: undefined,
    envelope: [
      ...units.map((unit) => setpointEntry(unit, options.envelopeMode ?? "clamp")),
      ...units.map((unit, place) => alarmResetEntry(unit.asset, place)),
      ...units.map((unit, place) => runEntry(unit.asset, place)),
      chillerEntry(),
    ],
    leases: { maximumMs: 3_600_000, maximumHolders: 16 },
    smoothing: options.smoothing,
    share: options.share,
    frequency:
      options.frequency === undefined
        ? undefined
        : {
            settings: options.frequency,
            point: { point: FREQUENCY, maxAgeMs: 300 },
            stillMs: 10_000,
          },
    reactive: undefined,
    rideThrough: options.rideThrough,
  };
}

/** A loss of the grid by the breaker at the connection, and by the voltage of the meter. */
export function testRideThrough(changes: Partial<RideThroughPlan> = {}): RideThroughPlan {
  return {
    flags: [
      {
        name: "relay/position",
        condition: { point: BREAKER_OPEN, when: { equals: 1 }, isActiveLow: false },
        maxAgeMs: 1_000,
      },
    ],
    voltage: {
      input: { point: VOLTAGE, maxAgeMs: 300 },
      lostBelowV: 0.2 * NOMINAL_V,
      confirmMs: 500,
      backAboveV: 0.9 * NOMINAL_V,
    },
    returnMs: 10_000,
    carries: false,
    ...changes,
  };
}

function feeders(): readonly FeederPlan[] {
  return [
    { device: "m-train", point: TRAIN, maxAgeMs: 300, setsPace: true },
    { device: "m-ups", point: UPS, maxAgeMs: 2_500, setsPace: false },
    { device: "m-mech", point: MECHANICAL, maxAgeMs: 2_500, setsPace: false },
  ];
}

export function testUnit(unit: number): BatteryUnitPlan {
  const points = unitPoints(unit);
  return {
    asset: `bess-${unit + 1}`,
    stream: streamId(10 + unit),
    points: {
      power: points.power,
      setpoint: points.setpoint,
      soc: { point: points.soc, maxAgeMs: 1_500 },
      chargeLimit: { point: points.chargeLimit, maxAgeMs: 1_500 },
      dischargeLimit: { point: points.dischargeLimit, maxAgeMs: 1_500 },
      faults: [{ point: points.state, when: { equals: STATE_FAULT }, isActiveLow: false }],
      heartbeat: { point: points.heartbeat, maxAgeMs: 2_000 },
      run: {
        point: points.run,
        stopValue: 0,
        startValue: 1,
        stopped: [STATE_OFF, STATE_STANDBY].map((equals) => ({
          point: points.state,
          when: { equals },
          isActiveLow: false,
        })),
        alarmReset: points.alarmReset,
      },
    },
    dischargeRatingW: 12 * MW,
    chargeRatingW: 12 * MW,
    capacityWh: 6 * MW,
    soc: { minPercent: 10, maxPercent: 95, reservePercent: 30, resolutionPercent: 0.1 },
    silentMs: 400,
    reversion: { afterMs: 3_000, powerW: 0, rampWPerS: 25_000 },
    stepW: 1_000,
    repeatMs: 1_000,
    readBack: { withinMs: 100, toleranceW: 1_000 },
    settleMs: 250,
    rampMaxWPerS: 120 * MW,
  };
}

function setpointEntry(unit: BatteryUnitPlan, mode: "clamp" | "refuse"): EnvelopeEntry {
  return {
    asset: unit.asset,
    pointName: "active-power-setpoint",
    point: unit.points.setpoint,
    min: -unit.chargeRatingW,
    max: unit.dischargeRatingW,
    rampPerS: 240 * MW,
    minimumIntervalMs: 0,
    mode,
    interlocks: [],
    confirm: "by-poll",
    settleMs: 250,
    shown: { point: unit.points.setpoint, maxAgeMs: 400 },
    effect: { point: unit.points.power, maxAgeMs: 400 },
  };
}

function alarmResetEntry(asset: string, unit: number): EnvelopeEntry {
  return {
    ...chillerEntry(),
    asset,
    pointName: "alarm-reset",
    point: unitPoints(unit).alarmReset,
    min: 0,
    max: 1,
    minimumIntervalMs: 0,
    interlocks: [],
    shown: undefined,
    effect: undefined,
  };
}

function runEntry(asset: string, unit: number): EnvelopeEntry {
  const { run: point } = unitPoints(unit);
  return { ...alarmResetEntry(asset, unit), pointName: "run-command", point };
}

/** A setpoint that no controller drives. */
export function chillerEntry(): EnvelopeEntry {
  return {
    asset: "chiller-1",
    pointName: "supply-temperature-setpoint",
    point: CHILLER_SUPPLY,
    min: 14,
    max: 24,
    rampPerS: undefined,
    minimumIntervalMs: 5_000,
    mode: "clamp",
    interlocks: [
      {
        name: "running",
        condition: { point: CHILLER_RUN, when: { equals: 1 }, isActiveLow: false },
        maxAgeMs: 5_000,
      },
    ],
    confirm: "read-back",
    settleMs: 1_000,
    shown: { point: CHILLER_SUPPLY, maxAgeMs: 5_000 },
    effect: { point: CHILLER_MEASURED, maxAgeMs: 5_000 },
  };
}

function emergencyStop(unit: number, count: number): TripRule {
  return {
    id: "emergency-stop",
    device: `bess-${unit + 1}`,
    pointName: "emergency-stop-active",
    text: "the emergency stop is pressed",
    condition: { point: unitPoints(unit).alarms, when: { bit: ESTOP_BIT }, isActiveLow: false },
    units: Array.from({ length: count }, (_, place) => place),
  };
}
