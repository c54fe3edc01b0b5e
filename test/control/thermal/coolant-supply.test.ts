import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  COOLANT_SUPPLY_DEFAULTS,
  type CoolantSupplyInputs,
  createCoolantSupply,
  stepCoolantSupply,
} from "../../../src/control/thermal/coolant-supply.ts";
import {
  createDewPoint,
  DEW_POINT_DEFAULTS,
  stepDewPoint,
} from "../../../src/control/thermal/dew-point.ts";
import { absentMeasure, goodMeasure } from "../../../src/control/thermal/measured.ts";
import { anyMeasure, lost } from "./arbitraries.ts";

const inputs = (changes: Partial<CoolantSupplyInputs> = {}): CoolantSupplyInputs => ({
  mode: "control",
  supply: goodMeasure(32),
  coldestSupply: changes.supply ?? goodMeasure(32),
  primarySupply: goodMeasure(27),
  shownSetpoint: goodMeasure(32),
  shownValve: goodMeasure(40),
  floorCel: 13,
  ...changes,
});

function settled(seconds: number, changes: Partial<CoolantSupplyInputs>) {
  const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
  stepCoolantSupply(state, inputs(), COOLANT_SUPPLY_DEFAULTS, 0);
  for (let s = 1; s <= seconds; s += 1)
    stepCoolantSupply(state, inputs(changes), COOLANT_SUPPLY_DEFAULTS, s * 1_000);
  return state.out;
}

describe("dew-point guard", () => {
  const step = (cels: readonly number[], supplyCel: number, settings = DEW_POINT_DEFAULTS) =>
    stepDewPoint(
      createDewPoint(settings),
      { rooms: cels.map(goodMeasure), supply: goodMeasure(supplyCel) },
      settings,
      0,
    );

  it("keeps 3 K above the highest dew point of the rooms", () => {
    assert.equal(step([10, 14, 12], 32).floorCel, 17);
    const off = { ...DEW_POINT_DEFAULTS, marginK: 0, alarmK: 0 };
    assert.equal(step([10, 14, 12], 32, off).floorCel, 14, "switched off it would condense");
  });

  it("is an alarm below 2 K, and over half a kelvin later", () => {
    const state = createDewPoint(DEW_POINT_DEFAULTS);
    const at = (supplyCel: number): boolean =>
      stepDewPoint(
        state,
        { rooms: [goodMeasure(20)], supply: goodMeasure(supplyCel) },
        DEW_POINT_DEFAULTS,
        0,
      ).isBreached;
    assert.deepEqual([22.1, 21.9, 22.4, 22.6].map(at), [false, true, true, false]);
  });

  it("stays an alarm while the coolant's own temperature is lost", () => {
    const state = createDewPoint(DEW_POINT_DEFAULTS);
    const rooms = [goodMeasure(20)];
    const at = (supply: ReturnType<typeof lost>): boolean =>
      stepDewPoint(state, { rooms, supply }, DEW_POINT_DEFAULTS, 0).isBreached;
    assert.deepEqual([goodMeasure(21), lost(), goodMeasure(30), lost()].map(at), [
      true,
      true,
      false,
      false,
    ]);
  });

  it("keeps the last dew point when all are lost, then assumes a moist room", () => {
    const state = createDewPoint(DEW_POINT_DEFAULTS);
    const supply = goodMeasure(32);
    const run = (rooms: Parameters<typeof stepDewPoint>[1]["rooms"], s: number) =>
      stepDewPoint(state, { rooms, supply }, DEW_POINT_DEFAULTS, s * 1_000);
    run([goodMeasure(12)], 0);
    assert.deepEqual([run([lost()], 10).floorCel, state.out.isLost], [15, false]);
    assert.equal(run([lost()], 60).isLost, true);
    assert.equal(run([lost()], 700).floorCel, 20);
    assert.equal(run([goodMeasure(19)], 701).floorCel, 22);
    assert.equal(run([lost()], 2_000).floorCel, 22, "it never falls by being lost");
  });
});

describe("supply temperature of a coolant loop", () => {
  it("follows the dew-point floor above the site's setpoint, fast up and slowly down", () => {
    const up = settled(50, { floorCel: 36 });
    assert.deepEqual([up.isRaised, Math.round(up.setpointCel * 10) / 10], [true, 36]);
    const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
    const shown = { shownSetpoint: goodMeasure(36) };
    stepCoolantSupply(state, inputs(shown), COOLANT_SUPPLY_DEFAULTS, 0);
    stepCoolantSupply(state, inputs(shown), COOLANT_SUPPLY_DEFAULTS, 1_000);
    assert.ok(state.out.setpointCel >= 36 - 0.02 - 1e-9);
  });

  it("never lowers its setpoint while no dew point is known", () => {
    const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
    for (let s = 0; s < 600; s += 1)
      stepCoolantSupply(
        state,
        inputs({ shownSetpoint: goodMeasure(38), floorCel: Number.NaN }),
        COOLANT_SUPPLY_DEFAULTS,
        s * 1_000,
      );
    assert.equal(state.out.setpointCel, 38);
  });

  it("opens the valve for coolant that is too warm, and does not wind up", () => {
    assert.ok(settled(60, { supply: goodMeasure(36) }).valvePercent > 60);
    const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
    let s = 0;
    const run = (supplyCel: number, seconds: number): number => {
      for (const end = s + seconds; s < end; s += 1)
        stepCoolantSupply(
          state,
          inputs({ supply: goodMeasure(supplyCel) }),
          COOLANT_SUPPLY_DEFAULTS,
          s * 1_000,
        );
      return state.out.valvePercent;
    };
    assert.equal(run(60, 3_600), 100);
    assert.ok(run(31, 30) < 75, "it comes back at once");
  });

  it("opens the valve without a supply temperature, unless that water is below the floor", () => {
    assert.equal(settled(60, { supply: lost() }).valvePercent, 100);
    const cold = settled(60, { supply: lost(), primarySupply: goodMeasure(12) });
    assert.ok(Math.abs(cold.valvePercent - 40) < 1);
  });

  it("opens the valve by the hotter of two, and no further while one is below the floor", () => {
    const hot = { supply: goodMeasure(36), floorCel: 13 };
    const valveAt = (coldCel: number): number =>
      settled(60, { ...hot, coldestSupply: goodMeasure(coldCel) }).valvePercent;
    assert.equal(valveAt(14), settled(60, hot).valvePercent);
    assert.ok(Math.abs(valveAt(12) - 40) < 1, "it stays as it is");
    const cold = { supply: goodMeasure(30), coldestSupply: goodMeasure(12) };
    assert.ok(settled(60, cold).valvePercent < 40, "it may close");
    const alone = { supply: goodMeasure(36), floorCel: 37 };
    assert.ok(settled(2, alone).valvePercent > 40, "one sensor alone goes on as ever");
  });

  it("never leaves its window or its rates, whatever it reads", () => {
    const step = fc.record({
      supply: anyMeasure,
      coldestSupply: anyMeasure,
      primarySupply: anyMeasure,
      shownSetpoint: anyMeasure,
      shownValve: anyMeasure,
      floorCel: fc.oneof(fc.double(), fc.double({ min: 0, max: 50, noNaN: true })),
      waitMs: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
        let [now, cel, valve] = [0, Number.NaN, Number.NaN];
        for (const { waitMs, ...read } of steps) {
          now += waitMs;
          const all = { ...read, mode: "control" } as const;
          const out = stepCoolantSupply(state, all, COOLANT_SUPPLY_DEFAULTS, now);
          const dtS = Math.min(waitMs / 1_000, 5);
          assert.ok(out.setpointCel >= 17 && out.setpointCel <= 45, `${out.setpointCel}`);
          assert.ok(!(Math.abs(out.setpointCel - cel) > 0.1 * dtS + 1e-9));
          assert.ok(!(out.valvePercent < 0 || out.valvePercent > 100));
          assert.ok(!(Math.abs(out.valvePercent - valve) > 6 * dtS + 1e-9));
          cel = out.setpointCel;
          valve = out.valvePercent;
        }
      }),
    );
  });

  it("has nothing to say of a valve that nobody knows", () => {
    assert.ok(!Number.isNaN(settled(5, { shownValve: absentMeasure() }).valvePercent));
    const state = createCoolantSupply(COOLANT_SUPPLY_DEFAULTS);
    const out = stepCoolantSupply(
      state,
      inputs({ shownValve: absentMeasure() }),
      COOLANT_SUPPLY_DEFAULTS,
      0,
    );
    assert.ok(Number.isNaN(out.valvePercent));
  });
});
