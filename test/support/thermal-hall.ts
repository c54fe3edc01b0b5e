import { compileEnvelope, type Envelope } from "../../src/control/envelope.ts";
import type { ControlWrite, CyclicReport } from "../../src/control/exchange.ts";
import type { EnvelopeEntry } from "../../src/control/plan.ts";
import { COOLANT_FLOW_DEFAULTS } from "../../src/control/thermal/coolant-flow.ts";
import { COOLANT_GUARD_DEFAULTS } from "../../src/control/thermal/coolant-guard.ts";
import { COOLANT_SUPPLY_DEFAULTS } from "../../src/control/thermal/coolant-supply.ts";
import { DEW_POINT_DEFAULTS } from "../../src/control/thermal/dew-point.ts";
import { HEAT_DELIVERY_DEFAULTS } from "../../src/control/thermal/heat-delivery.ts";
import {
  RETURN_LIMIT_DEFAULTS,
  SUPPLY_LIMIT_DEFAULTS,
} from "../../src/control/thermal/heat-limit.ts";
import { LEAK_DEFAULTS } from "../../src/control/thermal/leak.ts";
import { LOW_FLOW_DEFAULTS } from "../../src/control/thermal/low-flow.ts";
import { SHED_DEFAULTS } from "../../src/control/thermal/shed.ts";
import { createThermal, stepThermal } from "../../src/control/thermal/thermal-level.ts";
import type { VotedQuantity } from "../../src/control/thermal/coolant-votes.ts";
import type { ThermalMode } from "../../src/control/thermal/thermal-mode.ts";
import type {
  CoolantSensors,
  DeliveryPlan,
  ThermalActuator,
  ThermalPlan,
  ZonePlan,
} from "../../src/control/thermal/zone-plan.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex, streamId } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";

/** Points of a zone, by their place. */
export const POINTS = {
  flow: 0,
  supply: 1,
  return_: 2,
  speed: 3,
  rope: 4,
  secondRope: 5,
  zoneValve: 6,
  room: 7,
  setpoint: 8,
  standby: 9,
  supply2: 10,
  supply3: 11,
  return2: 12,
  return3: 13,
  flow2: 14,
  flow3: 15,
} as const;
export type PointName = keyof typeof POINTS;
export const PER_ZONE = 16;

const SETTINGS = {
  ratedHeatW: 3e6,
  dewPoint: DEW_POINT_DEFAULTS,
  supply: COOLANT_SUPPLY_DEFAULTS,
  flow: COOLANT_FLOW_DEFAULTS,
  lowFlow: LOW_FLOW_DEFAULTS,
  leak: LEAK_DEFAULTS,
  supplyLimit: SUPPLY_LIMIT_DEFAULTS,
  returnLimit: RETURN_LIMIT_DEFAULTS,
  twoPhase: undefined,
  shed: SHED_DEFAULTS,
  guard: COOLANT_GUARD_DEFAULTS,
};

export interface HallOptions {
  /** The gateway sets the supply temperature, too. */
  readonly setsSupply?: boolean;
  /** That the envelope lets through, %. */
  readonly mostPercent?: number;
  /** Supply, return and flow are measured so often; 1 where it is not said. */
  readonly sensors?: 1 | 2 | 3;
}

/** Sensors of each quantity; the second and the third belong to a device of their own. */
const SENSOR_NAMES = {
  supply: ["supply", "supply2", "supply3"],
  return_: ["return_", "return2", "return3"],
  flow: ["flow", "flow2", "flow3"],
} as const satisfies Readonly<Record<VotedQuantity, readonly PointName[]>>;

const OWN_POINTS = {
  supply: "secondary.supply-temperature",
  return_: "secondary.return-temperature",
  flow: "secondary.flow",
} as const;

function sensorsOf(place: number, quantity: VotedQuantity, count: number): CoolantSensors {
  const names = SENSOR_NAMES[quantity].slice(0, count);
  const isFlow = quantity === "flow";
  const floor = isFlow ? 5 : 0.5;
  return {
    sensors: names.map((_name, channel) => {
      const device = channel === 0 ? `cdu-${place + 1}` : `ts-${place + 1}-${channel + 1}`;
      const point = channel === 0 ? OWN_POINTS[quantity] : `x-${quantity.replace("_", "")}`;
      return { device, point, name: `${device}/${point}` };
    }),
    point: OWN_POINTS[quantity],
    unit: isFlow ? "L/min" : "°C",
    inputs: names.map((name) => ({
      point: pointIndex(place * PER_ZONE + POINTS[name]),
      maxAgeMs: 2_500,
    })),
    deviationFraction: 0.02,
    floor,
    samples: 3,
    worse: isFlow ? "lower" : "higher",
    stuckBeyond: floor,
  };
}

export function zonePlan(
  place: number,
  mode: ThermalMode,
  { setsSupply = false, sensors: count = 1 }: HallOptions = {},
): ZonePlan {
  const point = (name: PointName) => pointIndex(place * PER_ZONE + POINTS[name]);
  const read = (name: PointName) => ({ point: point(name), maxAgeMs: 2_500 });
  const flag = (name: PointName) => ({
    condition: { point: point(name), when: { equals: 1 }, isActiveLow: false },
    maxAgeMs: 2_500,
  });
  const asset = `cdu-${place + 1}`;
  const actuator = (name: PointName, pointName: string): ThermalActuator => ({
    asset,
    pointName,
    point: point(name),
    stream: streamId(place),
    step: 0.5,
    shown: read(name),
  });
  const none = undefined;
  return {
    asset,
    mode,
    settings: SETTINGS,
    sensors:
      count === 1
        ? undefined
        : {
            supply: sensorsOf(place, "supply", count),
            return_: sensorsOf(place, "return_", count),
            flow: sensorsOf(place, "flow", count),
          },
    points: {
      flow: read("flow"),
      heat: none,
      supply: read("supply"),
      return_: read("return_"),
      primarySupply: none,
      speed: read("speed"),
      shownSetpoint: setsSupply ? read("setpoint") : none,
      shownValve: none,
      differential: none,
      pressure: none,
      level: none,
      rope: flag("rope"),
      secondRope: flag("secondRope"),
      ropeFault: none,
      levelLow: none,
      vapour: none,
      vapourTemperature: none,
      condensation: none,
      phaseDetected: none,
    },
    actuators: {
      supplySetpoint: setsSupply
        ? actuator("setpoint", "secondary.supply-temperature-setpoint")
        : none,
      valve: none,
      speed: actuator("speed", "pump-speed-setpoint"),
      zoneValve: actuator("zoneValve", "valve-position-setpoint"),
      standby: { ...actuator("standby", "standby-start"), startValue: 1 },
    },
  };
}

function entryOf({ asset, pointName, point, shown }: ThermalActuator, max: number): EnvelopeEntry {
  return {
    asset,
    pointName,
    point,
    min: 0,
    max,
    rampPerS: undefined,
    minimumIntervalMs: 0,
    mode: "refuse",
    interlocks: [],
    confirm: "read-back",
    settleMs: 1_000,
    shown,
    effect: undefined,
  };
}

/** A delivery of heat of which only the conductivity of the water is read. */
export function deliveryPlan(place: number): DeliveryPlan {
  const none = undefined;
  return {
    asset: `hx-${place + 1}`,
    mode: "observe",
    settings: HEAT_DELIVERY_DEFAULTS,
    points: {
      demand: none,
      demandCel: none,
      flow: none,
      supply: none,
      return_: none,
      available: none,
      condensation: none,
      speed: none,
      conductivity: { point: pointIndex(place), maxAgeMs: 25_000 },
      leak: none,
      networkPressure: none,
      coolantPressure: none,
    },
    actuators: { supplySetpoint: none, speed: none, valve: none },
  };
}

/** Zones of 2.5 MW whose readings a test sets; the pumps follow what is written. */
export class Hall {
  readonly plan: ThermalPlan;
  readonly envelope: Envelope;
  readonly image: PointImage;
  readonly events: PlantEvent[] = [];
  readonly writes: ControlWrite[] = [];
  state: ReturnType<typeof createThermal>;
  mode: ThermalMode | undefined;
  outcomes: CyclicReport[] = [];
  now = 0;

  constructor(zones: number, mode: ThermalMode, options: HallOptions = {}) {
    const plans = Array.from({ length: zones }, (_, place) => zonePlan(place, mode, options));
    this.plan = {
      periodMs: 1_000,
      rooms: [{ point: pointIndex(POINTS.room), maxAgeMs: 25_000 }],
      zones: plans,
      deliveries: [],
    };
    this.envelope = compileEnvelope(
      plans.flatMap(({ actuators: { speed, zoneValve, supplySetpoint, standby } }) =>
        [speed, zoneValve, supplySetpoint, standby].flatMap((each) =>
          each === undefined ? [] : [entryOf(each, options.mostPercent ?? 100)],
        ),
      ),
    );
    this.image = new PointImage(zones * PER_ZONE);
    this.state = createThermal(this.plan, undefined);
    for (let place = 0; place < zones; place += 1) {
      const normal = { flow: 3_614, supply: 32, return_: 42, speed: 83 };
      this.set({ supply2: 32, supply3: 32, return2: 42, return3: 42 }, place);
      this.set({ flow2: 3_614, flow3: 3_614 }, place);
      this.set({ ...normal, rope: 0, secondRope: 0, zoneValve: 100, room: 10 }, place);
    }
  }

  set(values: Partial<Record<PointName, number | "lost">>, place = 0): void {
    const entries = Object.entries(values);
    this.image.post({
      points: Uint32Array.from(
        entries.map(([name]) => place * PER_ZONE + POINTS[name as PointName]),
      ),
      values: Float64Array.from(entries.map(([, value]) => (value === "lost" ? NaN : value))),
      quality: Uint8Array.from(
        entries.map(([, value]) => (value === "lost" ? qualityCode("no-communication") : GOOD)),
      ),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: monotonicMs(this.now),
      receivedUtc: utcMs(this.now),
    });
  }

  /** Turns of 50 ms behind cycles, readings renewed each second. @returns what was written */
  run(seconds: number, each?: () => void): readonly ControlWrite[] {
    const written: ControlWrite[] = [];
    for (let turn = 0; turn < seconds * 20; turn += 1) {
      this.now += 50;
      if (turn % 20 === 0) {
        each?.();
        this.#renew();
      }
      this.image.take();
      const outcomes = this.outcomes;
      this.outcomes = [];
      const result = stepThermal(this.state, {
        now: monotonicMs(this.now),
        utc: utcMs(this.now),
        view: this.image.view,
        envelope: this.envelope,
        outcomes,
        modeOf: (_asset, asked) => this.mode ?? asked,
      });
      this.events.push(...result.events);
      written.push(...result.writes);
    }
    this.writes.push(...written);
    return written;
  }

  ids(phase = "raised"): string[] {
    return this.events.filter((event) => event.phase === phase).map(({ id }) => id);
  }

  #renew(): void {
    const { receivedAt } = this.image.view;
    for (let place = 0; place < receivedAt.length; place += 1) receivedAt[place] = this.now;
  }
}
