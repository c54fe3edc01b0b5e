import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  designSpeedPercent,
  thermalParameters,
} from "../../../../src/simulator/physics/thermal/parameters.ts";
import {
  cduPumpsW,
  mechanicalW,
  settleThermal,
  stepThermal,
  type ThermalInputs,
  thermalState,
  type ThermalState,
} from "../../../../src/simulator/physics/thermal/thermal-plant.ts";

const PARAMETERS = thermalParameters({ cdus: 8, chillers: 4 }, 3e6);

/** Steady states of the demo site, W, Cel and L/min: what the design page gives. */
const STEADY = {
  idle: [4e6, 2e6, 113_532, 14, 0, 98_080, 5_734, 4_607_532, 1_663_532, 0, 36.66, 38.39, 861],
  low: [
    10e6, 3e6, 135_895, 14, 3e6, 927_595, 17_703, 8_322_280, 2_785_895, 789_571, 37.88, 42.02, 1747,
  ],
  mean: [
    15e6, 3e6, 136_691, 14, 3e6, 983_735, 51_611, 12_898_688, 3_286_691, 796_836, 37.41, 42.03,
    2614,
  ],
  full: [
    20e6, 4e6, 163_422, 14, 3e6, 1_111_167, 122_338, 18_060_196, 4_313_422, 802_949, 37.01, 42.06,
    3633,
  ],
  hot: [
    20e6, 4e6, 163_422, 30, 3e6, 2_471_165, 122_338, 18_092_869, 4_313_422, 696_774, 43.91, 49.64,
    4600,
  ],
} as const;

type Point = keyof typeof STEADY;

function inputsOf(point: Point): ThermalInputs {
  const [trainingW, inferenceW, upsLossW, ambientCel, heatDemandW] = STEADY[point];
  return {
    trainingW,
    inferenceW,
    upsLossW,
    controlsW: 150_000,
    ambientCel,
    heatDemandW,
    heatSupplyCel: 75,
    isPowered: true,
    isUpsFed: true,
  };
}

function settled(point: Point): { readonly state: ThermalState; readonly inputs: ThermalInputs } {
  const state = thermalState(PARAMETERS);
  const inputs = inputsOf(point);
  const speedPercent = designSpeedPercent(PARAMETERS, inputs);
  for (const each of state.cduInputs) each.speedPercent = speedPercent;
  settleThermal(state, inputs, PARAMETERS);
  return { state, inputs };
}

function run(state: ThermalState, inputs: ThermalInputs, seconds: number, dtS = 0.1): number {
  let worst = 0;
  for (let step = 0; step < Math.round(seconds / dtS); step += 1) {
    stepThermal(state, inputs, PARAMETERS, dtS);
    worst = Math.max(worst, state.balanceError);
  }
  return worst;
}

function isWithin(value: number, wanted: number, part: number): boolean {
  return Math.abs(value - wanted) <= part * Math.max(1, Math.abs(wanted));
}

describe("thermal half of the plant", function () {
  this.timeout(30_000);

  for (const point of Object.keys(STEADY) as Point[]) {
    it(`has the steady state "${point}" within 0.1 %, however it is reached`, () => {
      const [, , , , , mechanical, pumps, dry, chilled, heatPump, back, hot, primary] =
        STEADY[point];
      const check = (state: ThermalState, how: string): void => {
        const { facility, chilledWater, heat, cdus } = state;
        const pairs = {
          mechanical: [mechanicalW(state), mechanical],
          pumps: [cduPumpsW(state), pumps],
          dry: [facility.rejectedW, dry],
          chilled: [chilledWater.rejectedW, chilled],
          heatPump: [heat.compressorW, heatPump],
          back: [facility.returnCel, back],
          hot: [cdus[0]?.hotCel ?? 0, hot],
          primary: [cdus[7]?.primaryLPerMin ?? 0, primary],
        } as const;
        for (const [name, [value, wanted]] of Object.entries(pairs))
          assert.ok(isWithin(value, wanted, 0.001), `${how} ${name}: ${value}, not ${wanted}`);
      };
      const { state, inputs } = settled(point);
      check(state, "settled");
      const cold = thermalState(PARAMETERS);
      for (const each of cold.cduInputs) each.speedPercent = designSpeedPercent(PARAMETERS, inputs);
      assert.ok(run(cold, inputs, 3 * 3600, 1) < 1e-9);
      check(cold, "stepped");
    });
  }

  it("loses 9 % of its flow with a pump, has it back with 91.5 % speed, and 3,238 with two", () => {
    const { state, inputs } = settled("full");
    const [cdu, told] = [state.cdus[2], state.cduInputs[2]];
    assert.ok(cdu !== undefined && told !== undefined);
    assert.ok(isWithin(cdu.flowLPerMin, 3614, 0.001));
    told.failedPumps = 1 << 1;
    run(state, inputs, 300);
    assert.ok(isWithin(cdu.flowLPerMin, 3290, 0.001), `${cdu.flowLPerMin}`);
    assert.ok(Math.abs(cdu.hotCel - 43.0) < 0.1, `${cdu.hotCel}`);
    told.speedPercent = 91.5;
    run(state, inputs, 300);
    assert.ok(isWithin(cdu.flowLPerMin, 3614, 0.002) && cdu.hotCel <= 42.2);
    told.failedPumps = 0b110;
    told.speedPercent = 100;
    run(state, inputs, 300);
    assert.ok(isWithin(cdu.flowLPerMin, 3238, 0.001), `${cdu.flowLPerMin}`);
    assert.ok(Math.abs(cdu.hotCel - 43.2) < 0.1, `${cdu.hotCel}`);
  });

  it("without pumps: 45 °C after 9 s, 50 after 25, 60 after 57", () => {
    const { state, inputs } = settled("full");
    const [cdu, told] = [state.cdus[2], state.cduInputs[2]];
    assert.ok(cdu !== undefined && told !== undefined);
    told.failedPumps = 0b1111;
    const crossed: number[] = [];
    for (let step = 1; step <= 600; step += 1) {
      run(state, inputs, 0.1);
      if (cdu.hotCel >= ([45, 50, 60][crossed.length] ?? Infinity)) crossed.push(step / 10);
    }
    assert.deepEqual(crossed.map(Math.floor), [9, 25, 57]);
  });

  it("leaks: rope after 8 s, row rope after 20, level low after 26.7 min, no flow in the end", () => {
    const { state, inputs } = settled("full");
    const [cdu, told] = [state.cdus[2], state.cduInputs[2]];
    assert.ok(cdu !== undefined && told !== undefined);
    told.leakLPerMin = 6;
    run(state, inputs, 26.6 * 60, 0.5);
    assert.ok(cdu.reservoirL > 240);
    run(state, inputs, 12, 0.5);
    assert.ok(cdu.reservoirL < 240);
    run(state, inputs, 35 * 60, 0.5);
    assert.equal(cdu.flowLPerMin, 0);
    told.leakLPerMin = 0;
    run(state, inputs, 30, 0.5);
    const { reservoirL, flowLPerMin } = state.cdus[2] ?? cdu;
    assert.ok(reservoirL === 400 && flowLPerMin > 3600);
  });

  it("rides over the stop of a job: supply dips to 30 °C and is back within 5 min", () => {
    const { state, inputs } = settled("full");
    const cdu = state.cdus[0];
    assert.ok(cdu !== undefined);
    const idle = { ...inputs, trainingW: 4e6 };
    let lowestCel = Infinity;
    let lowestS = 0;
    for (let step = 1; step <= 3000; step += 1) {
      run(state, idle, 0.1);
      if (cdu.coldCel < lowestCel) [lowestCel, lowestS] = [cdu.coldCel, step / 10];
    }
    assert.ok(Math.abs(lowestCel - 30.1) < 0.15, `${lowestCel}`);
    assert.ok(Math.abs(lowestS - 100) < 40, `${lowestS} s`);
    assert.ok(Math.abs(cdu.coldCel - 32) < 0.35, `${cdu.coldCel}`);
    assert.ok(Math.abs(cdu.hotCel - 34.8) < 0.4, `${cdu.hotCel}`);
  });

  it("starts the chiller that stands by when one is lost on the hot day: 20 °C at most", () => {
    const { state, inputs } = settled("hot");
    const water = state.chilledWater;
    const told = state.chillerInputs[1];
    assert.ok(told !== undefined);
    told.hasFailed = true;
    const startCel = water.supplyCel;
    run(state, inputs, 60);
    assert.ok(Math.abs(water.supplyCel - startCel - 0.6) < 0.1, `${water.supplyCel}`);
    run(state, inputs, 40);
    assert.equal(water.chillers[3]?.mode, "ramp");
    let highestCel = 0;
    for (let step = 0; step < 4000; step += 1) {
      run(state, inputs, 0.1);
      highestCel = Math.max(highestCel, water.supplyCel);
    }
    assert.equal(water.chillers[3].mode, "running");
    assert.ok(Math.abs(highestCel - 20) < 0.15, `${highestCel}`);
    told.hasFailed = false;
    run(state, inputs, 600);
    assert.equal(water.chillers[1]?.mode, "off", "it stands by now");
  });

  it("delivers 80 °C within 15 min, 90 °C 20 min later, with the heat pump that they need", () => {
    const { state, inputs } = settled("full");
    const wanted = [
      [80, 15, 1446, 878_000],
      [90, 20, 1084, 1_022_000],
    ] as const;
    for (const [supplyCel, minutes, flow, compressorW] of wanted) {
      assert.ok(run(state, { ...inputs, heatSupplyCel: supplyCel }, minutes * 60) < 1e-9);
      assert.ok(Math.abs(state.heat.supplyCel - supplyCel) < 0.5, `${state.heat.supplyCel}`);
      run(state, { ...inputs, heatSupplyCel: supplyCel }, 1800);
      assert.ok(isWithin(state.heat.flowLPerMin, flow, 0.001));
      assert.ok(isWithin(state.heat.compressorW, compressorW, 0.002), `${state.heat.compressorW}`);
      assert.ok(isWithin(state.heat.deliveredW, 3e6, 0.01));
    }
  });

  it("keeps its books and its bounds whatever happens", () => {
    const event = fc.record({
      trainingW: fc.double({ min: 0, max: 22e6, noNaN: true }),
      ambientCel: fc.double({ min: -20, max: 42, noNaN: true }),
      heatDemandW: fc.double({ min: 0, max: 4e6, noNaN: true }),
      heatSupplyCel: fc.double({ min: 60, max: 95, noNaN: true }),
      isPowered: fc.boolean(),
      isUpsFed: fc.boolean(),
      failedPumps: fc.integer({ min: 0, max: 15 }),
      speedPercent: fc.double({ min: 0, max: 100, noNaN: true }),
      leakLPerMin: fc.double({ min: 0, max: 50, noNaN: true }),
      hasFailed: fc.boolean(),
      dtS: fc.constantFrom(0.1, 1),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), (events) => {
        const { state, inputs } = settled("mean");
        for (const {
          failedPumps,
          speedPercent,
          leakLPerMin,
          hasFailed,
          dtS,
          ...change
        } of events) {
          const [told] = state.cduInputs;
          const [chiller] = state.chillerInputs;
          Object.assign(told ?? {}, { failedPumps, speedPercent, leakLPerMin });
          Object.assign(chiller ?? {}, { hasFailed });
          assert.ok(run(state, { ...inputs, ...change }, 60, dtS) < 1e-8);
          for (const { hotCel, coldCel } of state.cdus)
            assert.ok(hotCel > -25 && hotCel < 250 && coldCel > -25 && coldCel < 250);
          const { fan, supplyCel } = state.facility;
          assert.ok(fan >= 0 && fan <= 1 && supplyCel > -25 && supplyCel < 100);
          assert.ok(state.heat.capacity >= 0 && state.heat.capacity <= 1);
          assert.ok(mechanicalW(state) >= 0 && mechanicalW(state) < 10e6);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has two large units where a site has two, with the same temperatures", () => {
    const parameters = thermalParameters({ cdus: 2, chillers: 2 }, 3e6);
    const state = thermalState(parameters);
    const inputs = inputsOf("full");
    for (const each of state.cduInputs) each.speedPercent = designSpeedPercent(parameters, inputs);
    settleThermal(state, inputs, parameters);
    assert.ok(isWithin(state.cdus[1]?.hotCel ?? 0, 42.06, 0.001));
    assert.ok(isWithin(mechanicalW(state), 1_111_167, 0.005), `${mechanicalW(state)}`);
    assert.equal(state.chilledWater.chillers.filter(({ mode }) => mode === "running").length, 1);
  });

  it("settles and runs where nothing delivers heat", () => {
    const parameters = thermalParameters({ cdus: 8, chillers: 4 }, 0);
    const state = thermalState(parameters);
    const inputs = inputsOf("full");
    settleThermal(state, inputs, parameters);
    stepThermal(state, inputs, parameters, 0.1);
    assert.equal(state.heat.deliveredW, 0);
    assert.ok(mechanicalW(state) > 1e5, `${mechanicalW(state)}`);
  });
});
