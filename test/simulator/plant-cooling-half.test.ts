import { strict as assert } from "node:assert";
import { OPERATING_POINTS } from "../../src/simulator/physics/parameters.ts";
import { DEMO_PLANT } from "../../src/simulator/plant.ts";
import { LumpedCooling } from "./support/lumped-cooling.ts";
import { VirtualPlant } from "./support/virtual-plant.ts";

function site(): { readonly site: VirtualPlant; readonly cooling: LumpedCooling } {
  const cooling = new LumpedCooling();
  return { site: new VirtualPlant({ ...DEMO_PLANT, cooling: () => cooling }), cooling };
}

describe("plant with a thermal half", () => {
  it("has settled with it: pumps draw behind the UPS, the rest from the mechanical board", () => {
    const { site: one, cooling } = site();
    one.run(0.01);
    const { cduPumpsW, mechanicalW, upsOutputW, balanceError } = one.plant.snapshot();
    assert.equal(cooling.speedPercent, OPERATING_POINTS.full.pumpSpeedPercent);
    assert.ok(Math.abs(cduPumpsW / (212_000 * (cooling.speedPercent / 100) ** 3) - 1) < 1e-9);
    assert.ok(Math.abs(upsOutputW - 4_150_000 - cduPumpsW) < 1e-3);
    assert.equal(mechanicalW, cooling.power.mechanicalW);
    assert.ok(Math.abs(cooling.temperatureCel - 14 - mechanicalW / 40_000) < 0.01);
    assert.ok(balanceError < 1e-9);
  });

  it("moves it ten times a second with the mean of the load: no heat is lost on the way", () => {
    const { site: one, cooling } = site();
    one.plant.load("training-1hz");
    let trainingJ = 0;
    let lossJ = 0;
    one.run(30, 0.01, () => {
      trainingJ += one.plant.state.load.powerW * 0.01;
      lossJ += one.plant.state.upsTotals.lossW * 0.01;
    });
    assert.equal(cooling.steps, 300);
    const sum = (key: "trainingW" | "upsLossW"): number =>
      cooling.demands.reduce((total, demand) => total + demand[key] * 0.1, 0);
    assert.ok(Math.abs(sum("trainingW") / trainingJ - 1) < 1e-9);
    assert.ok(Math.abs(sum("upsLossW") / lossJ - 1) < 1e-9);
    assert.ok(cooling.shows >= 300);
  });

  it("moves it by the second in a fast-forward", () => {
    const { site: one, cooling } = site();
    one.plant.fastForward(60);
    assert.equal(cooling.steps, 60);
  });

  it("tells it what is dead, and takes no power from what is", () => {
    const { site: one, cooling } = site();
    one.obey({ grid: "lost" });
    one.run(0.2);
    assert.equal(cooling.demands.at(-1)?.isPowered, false);
    assert.equal(cooling.demands.at(-1)?.isUpsFed, true);
    assert.equal(cooling.demands.at(-1)?.trainingW, 0);
    assert.equal(one.plant.snapshot().mechanicalW, 0);
    assert.ok(one.plant.snapshot().cduPumpsW > 1e5);
    one.run(620, 0.1);
    const demand = cooling.demands.at(-1);
    assert.ok(demand !== undefined);
    assert.equal(demand.isUpsFed, false);
    assert.deepEqual([demand.inferenceW, demand.controlsW], [0, 0]);
    assert.equal(one.plant.snapshot().cduPumpsW, 0);
  });

  it("opens the pumps for more load and leaves them when it goes", () => {
    const { site: one, cooling } = site();
    one.plant.begin("idle");
    assert.equal(cooling.speedPercent, 30);
    one.plant.load("mean");
    assert.equal(cooling.speedPercent, OPERATING_POINTS.mean.pumpSpeedPercent);
    one.plant.load("idle");
    assert.equal(cooling.speedPercent, OPERATING_POINTS.mean.pumpSpeedPercent);
    one.plant.load("steady");
    assert.equal(cooling.speedPercent, OPERATING_POINTS.mean.pumpSpeedPercent);
    one.plant.begin("low");
    assert.equal(cooling.speedPercent, OPERATING_POINTS.low.pumpSpeedPercent);
  });

  it("keeps machines and weather when only the hall's load changes", () => {
    const { site: one } = site();
    one.obey({ inferenceW: 2_500_000 });
    one.plant.load("idle");
    one.run(10);
    assert.equal(one.plant.snapshot().inferenceW, 2_500_000);
    assert.equal(one.plant.snapshot().ambientCel, 14);
    one.plant.load("hot");
    assert.equal(one.plant.snapshot().ambientCel, 30);
  });

  it("passes on what concerns coolant and chillers, and repairs it when it begins anew", () => {
    const { site: one, cooling } = site();
    const orders = [
      { failPump: "cdu-3", pump: 2 },
      { repairPump: "cdu-3" },
      { leak: "cdu-3", litresPerMin: 6 },
      { failChiller: "chiller-1" },
      { repairChiller: "chiller-1" },
    ];
    for (const order of orders) one.obey(order);
    assert.deepEqual(cooling.orders, orders);
    one.plant.begin("full");
    assert.equal(cooling.repairs, 1);
  });

  it("is refused what it cannot do where nothing cools", () => {
    const { plant } = new VirtualPlant({ ...DEMO_PLANT, cooling: () => undefined });
    const sentence = plant.order({ leak: "cdu-3", litresPerMin: 6 });
    assert.equal(sentence, "this site has nothing that cools");
  });
});
