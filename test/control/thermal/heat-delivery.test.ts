import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  createHeatDelivery,
  HEAT_DELIVERY_DEFAULTS,
  type HeatDeliveryInputs,
  type HeatDeliveryOut,
  type HeatDeliverySettings,
  resetHeatDelivery,
  restoreHeatDelivery,
  stepHeatDelivery,
} from "../../../src/control/thermal/heat-delivery.ts";
import { absentMeasure, goodMeasure } from "../../../src/control/thermal/measured.ts";
import { anyMeasure, lost } from "./arbitraries.ts";

/** A network whose pump moves 20 L/min per %. */
class City {
  readonly inputs: HeatDeliveryInputs = {
    mode: "control",
    demand: goodMeasure(2e6),
    demandCel: absentMeasure(),
    flow: goodMeasure(0),
    supply: goodMeasure(75),
    return_: goodMeasure(50),
    available: absentMeasure(),
    condensation: absentMeasure(),
    speed: goodMeasure(20),
    conductivity: goodMeasure(30),
    leak: absentMeasure(),
    networkPressure: goodMeasure(400),
    coolantPressure: goodMeasure(250),
  };
  readonly state: ReturnType<typeof createHeatDelivery>;
  readonly #settings: HeatDeliverySettings;
  now = 0;

  constructor(changes: Partial<HeatDeliverySettings> = {}) {
    this.#settings = { ...HEAT_DELIVERY_DEFAULTS, ...changes };
    this.state = createHeatDelivery(this.#settings);
  }

  run(seconds: number): HeatDeliveryOut {
    const { out } = this.state;
    for (let s = 0; s < seconds; s += 1) {
      this.now += 1_000;
      stepHeatDelivery(this.state, this.inputs, this.#settings, this.now);
      if (this.inputs.flow.state === "good") this.inputs.flow = goodMeasure(out.speedPercent * 20);
    }
    return out;
  }
}

describe("heat for the city", () => {
  it("flows as the demand needs, at what the city is supplied at", () => {
    const city = new City();
    const out = city.run(300);
    assert.deepEqual([out.heatW, out.isShort, Math.round(out.setpointCel)], [2e6, false, 75]);
    const wanted = 2e6 / ((4_150 / 60) * 25);
    assert.ok(Math.abs(out.speedPercent * 20 - wanted) < 0.02 * wanted, `${out.speedPercent} %`);
  });

  it("keeps 70 to 90 °C whatever is asked for, and goes there slowly", () => {
    const city = new City();
    city.inputs.demandCel = goodMeasure(120);
    assert.ok(city.run(10).setpointCel < 76);
    assert.equal(city.run(3_600).setpointCel, 90);
    city.inputs.demandCel = goodMeasure(40);
    assert.equal(city.run(3_600).setpointCel, 70);
  });

  it("promises what the source has, and nothing that nobody can see", () => {
    const city = new City();
    city.inputs.available = goodMeasure(1.5e6);
    const { heatW, isShort, shortW } = city.run(1);
    assert.deepEqual([heatW, isShort, shortW], [1.5e6, true, 0.5e6]);
    city.inputs.available = lost();
    assert.equal(city.run(1).heatW, 0);
    city.inputs.demand = lost();
    assert.deepEqual([city.run(1).isShort, city.state.out.speedPercent], [false, 0]);
  });

  it("takes heat straight from a two-phase loop only where that condenses warmly enough", () => {
    const city = new City({ source: "two-phase" });
    city.inputs.condensation = goodMeasure(79);
    assert.equal(city.run(1).heatW, 2e6);
    city.inputs.condensation = goodMeasure(77);
    assert.equal(city.run(1).heatW, 0);
    city.inputs.condensation = lost();
    assert.equal(city.run(1).heatW, 0);
  });

  for (const [isolation, change] of [
    ["contamination", { conductivity: goodMeasure(500) }],
    ["contamination", { leak: goodMeasure(1) }],
    ["pressure-order", { coolantPressure: goodMeasure(390) }],
    ["too-hot", { supply: goodMeasure(96) }],
  ] as const)
    it(`is isolated within 5 s, latched: ${isolation} (${Object.keys(change).join(", ")})`, () => {
      const city = new City();
      city.run(60);
      const before = { ...city.inputs };
      Object.assign(city.inputs, change);
      const out = city.run(5);
      assert.deepEqual([out.isolation, out.isClosed, out.speedPercent], [isolation, true, 0]);
      assert.equal(resetHeatDelivery(city.state), false);
      Object.assign(city.inputs, before);
      assert.equal(city.run(600).isClosed, true);
      assert.equal(resetHeatDelivery(city.state), true);
      assert.equal(city.run(1).isClosed, false);
    });

  it("counts every change of its isolation, so that each is saved", () => {
    const city = new City();
    const changes = (seconds: number): number => {
      const before = city.state.revision;
      city.run(seconds);
      return city.state.revision - before;
    };
    city.inputs.conductivity = lost();
    assert.equal(changes(70), 1, "blind");
    city.inputs.conductivity = goodMeasure(500);
    assert.equal(changes(1), 1, "no more");
    assert.equal(changes(10), 1, "dirty");
    city.inputs.conductivity = goodMeasure(30);
    assert.equal(changes(60), 0);
    assert.equal(resetHeatDelivery(city.state), true);
    assert.equal(city.state.revision, 4);
  });

  it("would go on with its guard switched off (negative control)", () => {
    const city = new City({ conductivityMaximum: Infinity });
    city.inputs.conductivity = goodMeasure(5_000);
    assert.equal(city.run(600).isClosed, false);
  });

  it("is isolated while what watches the water is lost, after a minute, and by itself again", () => {
    const city = new City();
    city.inputs.conductivity = lost();
    assert.equal(city.run(50).isClosed, false);
    assert.equal(city.run(20).isolation, "blind");
    city.inputs.conductivity = goodMeasure(30);
    assert.equal(city.run(1).isClosed, false);
  });

  it("is still isolated after a restart", () => {
    const city = new City();
    restoreHeatDelivery(city.state);
    assert.equal(city.run(60).isClosed, true);
  });

  it("never leaves its ranges or its rate, whatever it reads", () => {
    const names = Object.keys(new City().inputs).filter((name) => name !== "mode");
    const step = fc.record(Object.fromEntries(names.map((name) => [name, anyMeasure])));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const city = new City();
        let before = Number.NaN;
        for (const inputs of steps) {
          Object.assign(city.inputs, inputs);
          const { setpointCel, speedPercent, heatW, isClosed } = city.run(1);
          assert.ok(setpointCel >= 70 && setpointCel <= 90);
          assert.ok(speedPercent >= 0 && speedPercent <= 100);
          assert.ok(heatW >= 0 && heatW <= 3e6);
          if (isClosed) assert.equal(speedPercent, 0);
          if (speedPercent > 0 && before > 0)
            assert.ok(Math.abs(speedPercent - before) <= 5 + 1e-9);
          before = speedPercent;
        }
      }),
    );
  });
});
