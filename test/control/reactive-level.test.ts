import { strict as assert } from "node:assert";
import { cycle, statusOf } from "../../src/control/cycle.ts";
import type { ControlPlan, EnvelopeEntry } from "../../src/control/plan.ts";
import { REACTIVE_DEFAULTS } from "../../src/control/reactive.ts";
import { createControl } from "../../src/control/state.ts";
import { ownedPoints } from "../../src/control/units.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import {
  MECHANICAL,
  METER,
  MW,
  pointCountOf,
  STATE_FAULT,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const VOLTAGE = MECHANICAL;
const NOMINAL_V = 20_000;
const Q = [pointIndex(pointCountOf(2)), pointIndex(pointCountOf(2) + 1)] as const;

function entryOf(place: number): EnvelopeEntry {
  return {
    asset: `bess-${place + 1}`,
    pointName: "reactive-power-setpoint",
    point: Q[place]!,
    min: -9 * MW,
    max: 9 * MW,
    rampPerS: undefined,
    minimumIntervalMs: 0,
    mode: "clamp",
    interlocks: [],
    confirm: "by-poll",
    settleMs: 100,
    shown: undefined,
    effect: undefined,
  };
}

/** Two batteries of 11 MVA each that are asked for 10 Mvar, behind a cap of 20 MW. */
function start(change: Partial<NonNullable<ControlPlan["reactive"]>> = {}) {
  const base = testPlan({ withFeeders: false, peakCapW: 20 * MW, importLimitW: 99 * MW });
  const plan: ControlPlan = {
    ...base,
    envelope: [...base.envelope, entryOf(0), entryOf(1)],
    reactive: {
      settings: REACTIVE_DEFAULTS,
      voltage: { point: VOLTAGE, maxAgeMs: 300 },
      nominalV: NOMINAL_V,
      askedVar: 10 * MW,
      eventVar: undefined,
      units: Q.map((setpoint) => ({ setpoint, apparentVa: 11 * MW, stepVar: 1_000 })),
      ...change,
    },
  };
  const image = new PointImage(pointCountOf(2) + 2);
  const state = createControl(plan, { now: monotonicMs(1_000), latches: undefined });
  const states = [STATE_RUNNING, STATE_RUNNING];
  let now = 1_000;
  const turn = (voltagePu: number, { loadW = 40 * MW, isStopping = false } = {}) => {
    now += 50;
    const values: Record<number, number> = { [VOLTAGE]: voltagePu * NOMINAL_V };
    let batteryW = 0;
    for (const place of [0, 1]) {
      const points = unitPoints(place);
      const powerW = state.total.shares.powersW[place]!;
      batteryW += powerW;
      values[points.power] = powerW;
      values[points.setpoint] = powerW;
      values[points.soc] = 80;
      values[points.chargeLimit] = 12 * MW;
      values[points.dischargeLimit] = 12 * MW;
      values[points.state] = states[place]!;
      values[points.alarms] = 0;
      values[points.heartbeat] = now;
    }
    values[METER] = loadW - batteryW;
    image.post(readingOf(values, { at: now }));
    image.take();
    const common = { now: monotonicMs(now), utc: utcMs(now), view: image.view };
    const result = cycle(state, { ...common, commands: [], orders: [], outcomes: [], isStopping });
    const vars = result.writes.flatMap(({ point, value }) =>
      (Q as readonly number[]).includes(point) ? [value / MW] : [],
    );
    const { reactive, totalW, bindingLevel } = statusOf(state);
    return { ...result, vars, reactive, totalMw: totalW / MW, bindingLevel };
  };
  const settle = (voltagePu: number, cycles = 20) => {
    let seen = turn(voltagePu);
    for (let count = 1; count < cycles; count += 1) seen = turn(voltagePu);
    return seen;
  };
  return { turn, settle, states, plan };
}

const near = (value: number | undefined, wanted: number, within = 0.02): void => {
  assert.ok(Math.abs((value ?? Number.NaN) - wanted) <= within, `${value}, not ${wanted}`);
};

describe("reactive power of the batteries", () => {
  it("has what active power leaves of the circle, and goes first at low voltage", () => {
    const { settle, turn } = start();
    const normal = settle(1);
    near(normal.totalMw, 20);
    near((normal.reactive?.givenVar ?? 0) / MW, 9.17);
    assert.equal(normal.reactive?.priority, "active");
    const low = turn(0.85);
    near(low.totalMw, 19.6);
    near((low.reactive?.givenVar ?? 0) / MW, 9.17, 0.9);
    assert.equal(low.bindingLevel, "voltage-event");
    const then = turn(0.85);
    near((then.reactive?.givenVar ?? 0) / MW, 10);
    assert.equal(then.reactive?.voltagePu, 0.85);
  });

  it("is written to each unit when it is news, and again in time", () => {
    const { settle, turn } = start();
    const writes: number[] = [];
    settle(1);
    for (let count = 0; count < 40; count += 1) writes.push(...turn(1).vars);
    assert.equal(writes.length, 4, "each second, to two units");
    for (const value of writes) near(value, 4.582, 0.002);
    turn(0.85);
    const { vars } = turn(0.85);
    assert.equal(vars.length, 2);
    for (const value of vars) near(value, 5, 0.002);
  });

  it("tells when the voltage begins to decide and when it no longer does", () => {
    const { settle, turn } = start();
    settle(1);
    const told: string[] = [];
    for (const voltagePu of [0.85, 0.85, 0.91, ...Array<number>(20).fill(1)])
      for (const { id, phase } of turn(voltagePu).events)
        if (id === "voltage-event") told.push(phase);
    assert.deepEqual(told, ["raised", "cleared"]);
  });

  it("helps the voltage in an event: vars out when it is low, in when it is high", () => {
    const { settle } = start({ askedVar: 0, eventVar: 8 * MW });
    near((settle(1).reactive?.givenVar ?? Number.NaN) / MW, 0);
    near((settle(0.85).reactive?.givenVar ?? 0) / MW, 8);
    near((settle(1.15).reactive?.givenVar ?? 0) / MW, -8);
    near((settle(1, 60).reactive?.givenVar ?? Number.NaN) / MW, 0);
  });

  it("stays inside its envelope, and leaves out a unit that cannot be commanded", () => {
    const { settle, turn, states } = start({ askedVar: 30 * MW, eventVar: 30 * MW });
    settle(0.5);
    assert.ok(settle(0.5, 21).vars.every((value) => value === 9));
    states[0] = STATE_FAULT;
    const faulted = turn(0.5);
    assert.equal(faulted.vars[0], 0, "the faulted one is told 0");
  });

  it("goes to zero when control ends: no device takes it back by itself", () => {
    const { settle, turn } = start();
    settle(1);
    assert.deepEqual(turn(1, { isStopping: true }).vars, [0, 0]);
  });

  it("belongs to control where it has a plan: nobody else writes it", () => {
    const { plan } = start();
    for (const point of Q) assert.ok(ownedPoints(plan).has(point));
    assert.ok(!ownedPoints({ ...plan, reactive: undefined }).has(Q[0]));
  });
});
