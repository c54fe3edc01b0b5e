import { strict as assert } from "node:assert";
import fc from "fast-check";
import { demoParameters } from "../../../src/simulator/physics/parameters.ts";
import {
  addUpUps,
  converterLossW,
  failUps,
  repairUps,
  stepUps,
  upsRuntimeS,
  type UpsInputs,
  type UpsState,
  upsState,
  type UpsTotals,
} from "../../../src/simulator/physics/ups.ts";

const PARAMETERS = demoParameters("d95").ups;
const DEMAND_W = 4_272_338;
const LIVE: UpsInputs = { isLive: true, voltagePu: 1, frequencyHz: 50, demandW: DEMAND_W };
const DEAD: UpsInputs = { isLive: false, voltagePu: 0, frequencyHz: 0, demandW: DEMAND_W };
const STEP_S = 0.01;

class Units {
  readonly units: readonly UpsState[];
  readonly totals: UpsTotals = { inputW: 0, outputW: 0, lossW: 0, isFed: true };

  constructor(count = 3) {
    this.units = Array.from({ length: count }, () => upsState(PARAMETERS));
  }

  run(inputs: UpsInputs, seconds: number, dtS = STEP_S): void {
    for (let step = 0; step < Math.round(seconds / dtS); step += 1) {
      stepUps(this.units, inputs, PARAMETERS, dtS);
      addUpUps(this.units, this.totals);
    }
  }

  get modes(): readonly string[] {
    return this.units.map(({ mode }) => mode);
  }

  get energyWh(): number {
    return this.units.reduce((sum, { energyWh }) => sum + energyWh, 0);
  }
}

describe("UPS units on good mains", () => {
  it("share the load equally and lose what their converters lose", () => {
    const ups = new Units();
    ups.run(LIVE, 1);
    assert.ok(Math.abs(ups.totals.outputW - DEMAND_W) < 1e-6);
    assert.ok(Math.abs(ups.totals.lossW / 163_422 - 1) < 0.001);
    assert.ok(Math.abs(ups.totals.inputW - ups.totals.outputW - ups.totals.lossW) < 1e-6);
    assert.ok(Math.abs((ups.units[0]?.outputW ?? 0) - DEMAND_W / 3) < 1e-6);
  });

  it("would last 594 s with three units and 396 s with two", () => {
    const ups = new Units();
    ups.run(LIVE, STEP_S);
    const [first] = ups.units;
    assert.ok(first !== undefined);
    assert.ok(Math.abs((upsRuntimeS(first, PARAMETERS) ?? 0) - 594) < 1);
    const [, , third] = ups.units;
    assert.ok(third !== undefined);
    failUps(third, "lost");
    ups.run(LIVE, STEP_S);
    assert.ok(Math.abs((upsRuntimeS(first, PARAMETERS) ?? 0) - 396) < 1);
    assert.equal(upsRuntimeS(third, PARAMETERS), undefined);
  });
});

describe("UPS units on a dead bus", () => {
  it("say so after 20 ms, and their output has no gap before", () => {
    const ups = new Units();
    ups.run(LIVE, 1);
    ups.run(DEAD, STEP_S);
    assert.deepEqual(ups.modes, ["online", "online", "online"]);
    assert.equal(ups.totals.inputW, 0);
    assert.ok(Math.abs(ups.totals.outputW - DEMAND_W) < 1e-6);
    ups.run(DEAD, STEP_S);
    assert.deepEqual(ups.modes, ["on-battery", "on-battery", "on-battery"]);
    assert.ok(Math.abs(ups.totals.outputW - DEMAND_W) < 1e-6);
  });

  it("empty their batteries in 594 s, and then everything behind them is dark", () => {
    const ups = new Units();
    ups.run(DEAD, 590, 1);
    assert.equal(ups.totals.isFed, true);
    ups.run(DEAD, 10, 1);
    assert.equal(ups.totals.isFed, false);
    assert.equal(ups.totals.outputW, 0);
    assert.deepEqual(ups.modes, ["off", "off", "off"]);
    assert.ok(ups.energyWh >= 0);
  });

  it("come back 10 s after the mains, walk in over 10 s more and recharge at 125 kW each", () => {
    const ups = new Units();
    ups.run(DEAD, 300);
    const emptiedWh = 750_000 - ups.energyWh;
    assert.ok(Math.abs(emptiedWh - (DEMAND_W * 300) / 3600 / 0.94) < 10);
    ups.run(LIVE, 9.99);
    assert.deepEqual(ups.modes, ["on-battery", "on-battery", "on-battery"]);
    assert.equal(ups.totals.inputW, 0);
    ups.run(LIVE, 0.01);
    assert.deepEqual(ups.modes, ["online", "online", "online"]);
    ups.run(LIVE, 5);
    const halfW = DEMAND_W / 2 + (3 * converterLossW(PARAMETERS, DEMAND_W / 3)) / 2;
    assert.ok(Math.abs(ups.totals.inputW - halfW) < 10_000, `${ups.totals.inputW}`);
    ups.run(LIVE, 5.1);
    const wholeW = DEMAND_W + 3 * converterLossW(PARAMETERS, DEMAND_W / 3) + 375_000;
    assert.ok(Math.abs(ups.totals.inputW - wholeW) < 1);
    ups.run(LIVE, 5000, 1);
    assert.ok(Math.abs(ups.energyWh - 750_000) < 1e-6, "full, and no fuller");
    assert.equal(ups.units[0]?.rechargeW, 0);
  });

  it("stay on their batteries while the mains come and go within 10 s", () => {
    const ups = new Units();
    ups.run(DEAD, 1);
    for (let time = 0; time < 3; time += 1) {
      ups.run(LIVE, 9);
      ups.run(DEAD, 0.01);
    }
    assert.deepEqual(ups.modes, ["on-battery", "on-battery", "on-battery"]);
  });
});

describe("UPS units with a bad input", () => {
  const bad: readonly [string, Partial<UpsInputs>][] = [
    ["89 % of the voltage", { voltagePu: 0.89 }],
    ["111 % of the voltage", { voltagePu: 1.11 }],
    ["46.9 Hz", { frequencyHz: 46.9 }],
    ["53.1 Hz", { frequencyHz: 53.1 }],
  ];
  for (const [name, inputs] of bad) {
    it(`leave it at ${name}`, () => {
      const ups = new Units();
      ups.run({ ...LIVE, ...inputs }, 0.02);
      assert.deepEqual(ups.modes, ["on-battery", "on-battery", "on-battery"]);
    });
  }

  it("stay online inside the window", () => {
    const ups = new Units();
    for (const [voltagePu, frequencyHz] of [
      [0.9, 47],
      [1.1, 53],
      [1, 49.5],
    ] as const) {
      ups.run({ ...LIVE, voltagePu, frequencyHz }, 1);
    }
    assert.deepEqual(ups.modes, ["online", "online", "online"]);
  });
});

describe("UPS units with a fault", () => {
  it("hand their share to the others in the very step in which one is lost", () => {
    const ups = new Units();
    ups.run(LIVE, 1);
    const [first, second] = ups.units;
    assert.ok(first !== undefined && second !== undefined);
    failUps(first, "lost");
    ups.run(LIVE, STEP_S);
    assert.equal(first.outputW, 0);
    assert.equal(first.mode, "off");
    assert.ok(Math.abs(second.outputW - DEMAND_W / 2) < 1e-6);
    repairUps(first);
    ups.run(LIVE, 30);
    assert.equal(first.mode, "online");
    assert.ok(Math.abs(second.outputW - DEMAND_W / 3) < 1e-6);
  });

  it("feed through the static bypass without loss, and not at all when the bus dies", () => {
    const ups = new Units();
    const [first, second] = ups.units;
    assert.ok(first !== undefined && second !== undefined);
    failUps(first, "bypass");
    ups.run(LIVE, STEP_S);
    assert.equal(first.mode, "static-bypass");
    assert.equal(first.lossW, 0);
    assert.ok(Math.abs(first.inputW - DEMAND_W / 3) < 1e-6);
    ups.run(DEAD, STEP_S);
    assert.equal(first.outputW, 0);
    assert.ok(Math.abs(second.outputW - DEMAND_W / 2) < 1e-6);
    ups.run(LIVE, STEP_S);
    assert.equal(first.mode, "static-bypass");
  });

  it("save themselves on the bypass after a minute above 105 %, and return when it is over", () => {
    const ups = new Units(1);
    const [only] = ups.units;
    assert.ok(only !== undefined);
    ups.run({ ...LIVE, demandW: 2_620_000 }, 200);
    assert.equal(only.mode, "online", "104.8 % is not too much");
    ups.run({ ...LIVE, demandW: 2_700_000 }, 59);
    assert.equal(only.mode, "online");
    ups.run({ ...LIVE, demandW: 2_700_000 }, 2);
    assert.equal(only.mode, "static-bypass");
    ups.run({ ...LIVE, demandW: 2_000_000 }, 30);
    assert.equal(only.mode, "online");
  });

  it("give up after a minute above 105 % on battery", () => {
    const ups = new Units(1);
    ups.run({ ...DEAD, demandW: 2_700_000 }, 61);
    assert.deepEqual(ups.modes, ["off"]);
  });
});

describe("UPS energy", () => {
  it("is accounted for in every step, whatever happens", () => {
    const event = fc.record({
      isLive: fc.boolean(),
      voltagePu: fc.constantFrom(1, 0.85),
      demandW: fc.integer({ min: 0, max: 8_000_000 }),
      fault: fc.constantFrom("none", "lost", "bypass", "repair"),
      unit: fc.integer({ min: 0, max: 2 }),
      dtS: fc.constantFrom(0.01, 0.1, 1),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), (events) => {
        const ups = new Units();
        for (const { fault, unit, dtS, ...inputs } of events) {
          const state = ups.units[unit];
          assert.ok(state !== undefined);
          if (fault === "repair") repairUps(state);
          else if (fault !== "none") failUps(state, fault);
          for (let step = 0; step < 30; step += 1) {
            const beforeWh = ups.energyWh;
            ups.run({ ...inputs, frequencyHz: 50 }, dtS, dtS);
            const storedW = ((ups.energyWh - beforeWh) * 3600) / dtS;
            const { inputW, outputW, lossW, isFed } = ups.totals;
            const missingW = inputW - outputW - lossW - storedW;
            assert.ok(Math.abs(missingW) <= 1e-3, `${missingW} W are missing`);
            assert.ok(isFed ? Math.abs(outputW - inputs.demandW) < 1e-3 : outputW === 0);
            for (const { energyWh } of ups.units) {
              assert.ok(energyWh >= 0 && energyWh <= PARAMETERS.batteryWh + 1e-6);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
