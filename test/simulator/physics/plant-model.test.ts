import { strict as assert } from "node:assert";
import {
  demoParameters,
  OPERATING_POINTS,
  type OperatingPointName,
  type PlantParameters,
} from "../../../src/simulator/physics/parameters.ts";
import { beatPcs, commandPcs } from "../../../src/simulator/physics/pcs.ts";
import {
  balanceError,
  type LoadMode,
  type PlantState,
  plantState,
  setLoad,
  stepPlant,
} from "../../../src/simulator/physics/plant-model.ts";

const STEP_S = 0.01;
const REST = [
  { reactiveVar: 0, reversionAfterS: 0 },
  { reactiveVar: 0, reversionAfterS: 0 },
];

function run(state: PlantState, parameters: PlantParameters, seconds: number): void {
  for (let step = 0; step < seconds / STEP_S; step += 1) {
    stepPlant(state, { bess: REST }, parameters, STEP_S);
  }
}

describe("plant model: steady states", () => {
  // Grid import and transformer loss of the site's table, kW.
  const table: [OperatingPointName, number, number][] = [
    ["idle", 6400.8, 33.5],
    ["low", 14_310.6, 79.4],
    ["mean", 19_449.8, 127.8],
    ["full", 25_753.8, 206.9],
    ["hot", 27_134.0, 227.1],
  ];
  const parameters = demoParameters("d95");

  for (const [name, gridKw, lossKw] of table) {
    it(`imports ${gridKw} kW when ${name}`, () => {
      const state = plantState(parameters, OPERATING_POINTS[name], 1);
      run(state, parameters, 10);
      assert.ok(Math.abs(state.grid.importW / 1000 / gridKw - 1) < 0.001);
      assert.ok(Math.abs(state.transformerLossW / 1000 - lossKw) < 0.2);
    });
  }

  it("settles at the same place from another operating point", () => {
    const state = plantState(parameters, OPERATING_POINTS.idle, 1);
    setLoad(state, parameters, "full");
    run(state, parameters, 300);
    assert.ok(Math.abs(state.grid.importW / 25_753_840 - 1) < 0.001);
    assert.ok(Math.abs(state.upsTotals.lossW / 163_422 - 1) < 0.001);
  });

  it("lowers the bus voltage as the import rises", () => {
    const low = plantState(parameters, OPERATING_POINTS.low, 1);
    const full = plantState(parameters, OPERATING_POINTS.full, 1);
    assert.ok(Math.abs(low.grid.voltageV - 20_090) < 20);
    assert.ok(Math.abs(full.grid.voltageV - 19_785) < 10);
  });
});

describe("plant model: balances", () => {
  it("accounts for all power in every tenth step, whatever happens", () => {
    const parameters = demoParameters("d225");
    const state = plantState(parameters, OPERATING_POINTS.full, 7);
    const modes: LoadMode[] = ["training-1hz", "checkpoint", "idle", "steady", "hot"];
    for (const [index, mode] of modes.entries()) {
      setLoad(state, parameters, mode);
      for (const { pcs } of state.bess) commandPcs(pcs, parameters.bess, (index - 2) * 5e6);
      for (let step = 1; step <= 1000; step += 1) {
        stepPlant(state, { bess: REST }, parameters, STEP_S);
        if (step % 10 !== 0) continue;
        // The sum is made here once more, so that a flow that the model forgets is seen.
        const { load, grid, bess, upsTotals } = state;
        const below = load.powerW + upsTotals.outputW + upsTotals.lossW + state.mechanicalW;
        const loss = 22_000 + 270_000 * (below / 0.98 / 31.5e6) ** 2;
        const sources = grid.importW + bess.reduce((sum, { pcs }) => sum + pcs.powerW, 0);
        assert.ok(Math.abs(sources - below - loss) <= 1e-6 * below, `${mode} step ${step}`);
        assert.ok(balanceError(state) < 1e-6);
      }
    }
  });

  it("keeps the battery's energy: charge, terminals and losses agree over an hour", () => {
    const parameters = demoParameters("d95");
    const state = plantState(parameters, OPERATING_POINTS.full, 3);
    const [first] = state.bess;
    assert.ok(first !== undefined);
    let lossJ = 0;
    let heatJ = 0;
    const startSoc = first.battery.soc;
    for (let step = 0; step < 360_000; step += 1) {
      if (step % 50_000 === 0) {
        commandPcs(first.pcs, parameters.bess, step % 100_000 === 0 ? 4e6 : -6e6);
      }
      beatPcs(first.pcs);
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      lossJ += first.lossW * STEP_S;
      heatJ += parameters.bess.resistanceOhm * first.battery.currentA ** 2 * STEP_S;
    }
    const sourceJ = first.battery.dischargedJ - first.battery.chargedJ;
    const acJ = (first.pcs.injectedWh - first.pcs.absorbedWh) * 3600;
    const capacityJ = parameters.bess.energyCapacityWh * 3600;
    const scaleJ = first.battery.dischargedJ + first.battery.chargedJ;
    assert.ok(scaleJ > 1e10);
    assert.ok(Math.abs(sourceJ - (startSoc - first.battery.soc) * capacityJ) < 1e-6 * scaleJ);
    assert.ok(Math.abs(sourceJ - acJ - lossJ - heatJ) < 1e-3 * scaleJ);
    assert.ok(first.battery.temperatureCel > 22 && first.battery.temperatureCel < 45);
  });
});

describe("plant model: load", () => {
  const parameters = demoParameters("d95");

  it("alternates between 10 and 20 MW once a second with 40 ms edges", () => {
    const state = plantState(parameters, OPERATING_POINTS.mean, 5);
    setLoad(state, parameters, "training-1hz");
    run(state, parameters, 1);
    let edges = 0;
    let steepest = 0;
    let before = state.load.patternW;
    for (let step = 0; step < 6000; step += 1) {
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      const now = state.load.patternW;
      if (before < 15e6 && now >= 15e6) edges += 1;
      steepest = Math.max(steepest, Math.abs(now - before) / STEP_S);
      before = now;
    }
    assert.ok(edges >= 58 && edges <= 62, `${edges} iterations a minute`);
    assert.ok(Math.abs(steepest - 10e6 / 0.04) < 1);
  });

  it("varies the length of its iterations by one percent", () => {
    const state = plantState(parameters, OPERATING_POINTS.mean, 5);
    setLoad(state, parameters, "training-1hz");
    const stretches = new Set<number>();
    let sum = 0;
    let squares = 0;
    for (let step = 0; step < 100_000; step += 1) {
      const before = state.load.stretch;
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      if (state.load.stretch === before) continue;
      stretches.add(state.load.stretch);
      sum += state.load.stretch - 1;
      squares += (state.load.stretch - 1) ** 2;
    }
    const count = stretches.size;
    assert.ok(count > 950);
    const sigma = Math.sqrt(squares / count - (sum / count) ** 2);
    assert.ok(Math.abs(sigma - 0.01) < 0.001, `sigma ${sigma}`);
  });

  it("dips to 8.5 MW for 4 s in each minute of a checkpointing job", () => {
    const state = plantState(parameters, OPERATING_POINTS.full, 5);
    setLoad(state, parameters, "checkpoint");
    let dipS = 0;
    for (let step = 0; step < 12_000; step += 1) {
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      if (state.load.patternW < 9e6) dipS += STEP_S;
    }
    assert.ok(Math.abs(dipS - 8) < 0.2, `${dipS} s of dips in two minutes`);
  });

  it("holds the power of the moment when told to stay", () => {
    const state = plantState(parameters, OPERATING_POINTS.low, 5);
    setLoad(state, parameters, "steady");
    run(state, parameters, 5);
    assert.equal(state.load.patternW, 10e6);
  });
});

describe("plant model: determinism", () => {
  const parameters = demoParameters("d300");
  const trail = (seed: number): number[] => {
    const state = plantState(parameters, OPERATING_POINTS.full, seed);
    setLoad(state, parameters, "training-1hz");
    const values: number[] = [];
    for (let step = 0; step < 3000; step += 1) {
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      values.push(state.grid.importW, state.grid.frequencyHz);
    }
    return values;
  };

  it("gives the same run for the same seed and another for another", () => {
    assert.deepEqual(trail(42), trail(42));
    assert.notDeepEqual(trail(42), trail(43));
  });

  it("wanders around 50 Hz by 15 mHz", () => {
    const state = plantState(parameters, OPERATING_POINTS.full, 11);
    let squares = 0;
    const steps = 40_000;
    for (let step = 0; step < steps; step += 1) {
      stepPlant(state, { bess: REST }, parameters, 1);
      squares += (state.grid.frequencyHz - 50) ** 2;
    }
    assert.ok(Math.abs(Math.sqrt(squares / steps) - 0.015) < 0.003);
  });
});

describe("plant model: meters", () => {
  it("shows a new reading each 50 ms, the value of the moment", () => {
    const parameters = demoParameters("d95");
    const state = plantState(parameters, OPERATING_POINTS.full, 1);
    const shownAtStart = state.shown;
    for (let step = 1; step <= 20; step += 1) {
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      if (step % 5 === 0) assert.equal(state.meters.pcc.activeW, state.grid.importW);
    }
    assert.equal(state.shown - shownAtStart, 4);
  });

  it("shows the mean of its period where it is such a meter", () => {
    const parameters = demoParameters("d225");
    const state = plantState(parameters, OPERATING_POINTS.full, 1);
    setLoad(state, parameters, "training-1hz");
    let sum = 0;
    for (let step = 1; step <= 300; step += 1) {
      stepPlant(state, { bess: REST }, parameters, STEP_S);
      sum += state.grid.importW;
      if (step % 10 !== 0) continue;
      assert.ok(Math.abs(state.meters.pcc.activeW - sum / 10) < 1);
      sum = 0;
    }
  });

  it("counts energy both ways", () => {
    const parameters = demoParameters("d95");
    const state = plantState(parameters, OPERATING_POINTS.idle, 1);
    for (const { pcs } of state.bess) commandPcs(pcs, parameters.bess, 10e6);
    for (let second = 0; second < 360; second += 1) {
      for (const { pcs } of state.bess) beatPcs(pcs);
      run(state, parameters, 1);
    }
    // 6.4 MW of load less 20 MW for a tenth of an hour.
    assert.ok(Math.abs(state.meters.pcc.reverseWh / 1.36e6 - 1) < 0.01);
    assert.ok(state.meters.pcc.forwardWh < 2000);
    assert.ok(Math.abs(state.meters.training.forwardWh / 400_000 - 1) < 0.01);
  });
});
