import { strict as assert } from "node:assert";
import {
  dayAmbientCel,
  dayHeatW,
  dayInference,
  dayJob,
} from "../../../src/simulator/physics/day.ts";
import {
  darken,
  type LoadPattern,
  loadState,
  settleLoad,
  startPattern,
  stepLoad,
} from "../../../src/simulator/physics/load.ts";
import { demoParameters } from "../../../src/simulator/physics/parameters.ts";
import { randomState } from "../../../src/simulator/physics/random.ts";
import { TRACE_NAMES, type Trace, traceOf } from "../../../src/simulator/physics/traces.ts";

const PARAMETERS = { ...demoParameters("d95").load, noise: 0 };
const HOUR_S = 3600;

/** Energy of a pattern over `seconds`, in steps of `dtS`, J. */
function energyJ(pattern: LoadPattern, seconds: number, dtS: number): number {
  const state = loadState(PARAMETERS.idleW);
  startPattern(state, pattern);
  settleLoad(state, PARAMETERS);
  const random = randomState(1);
  let sum = 0;
  for (let step = 0; step < Math.round(seconds / dtS); step += 1) {
    stepLoad(state, PARAMETERS, random, dtS);
    sum += state.powerW * dtS;
  }
  return sum;
}

function trace(name: string): Trace {
  const found = traceOf(name);
  assert.ok(found !== undefined, name);
  return found;
}

describe("load in long steps", () => {
  const patterns: readonly [string, LoadPattern, number][] = [
    ["iterations", { kind: "square" }, 600],
    ["checkpoints", { kind: "checkpoint" }, 600],
    ["a recorded job", { kind: "trace", trace: trace("composite-job") }, 600],
  ];
  for (const [name, pattern, seconds] of patterns) {
    it(`draws as much energy in steps of 1 s as of 10 ms: ${name}`, () => {
      const slow = energyJ(pattern, seconds, 1);
      const exact = energyJ(pattern, seconds, 0.01);
      assert.ok(Math.abs(slow / exact - 1) < 0.005, `${slow / exact}`);
    });
  }

  it("draws the mean of iterations that it cannot show", () => {
    const state = loadState(PARAMETERS.idleW);
    startPattern(state, { kind: "square" });
    stepLoad(state, PARAMETERS, randomState(1), 1);
    assert.equal(state.powerW, 15e6);
  });
});

describe("recorded jobs", () => {
  for (const name of TRACE_NAMES) {
    it(`${name} is the same each time, runs forward and stays within the hall's power`, () => {
      const { timeS, powerW } = trace(name);
      assert.deepEqual(trace(name).powerW, powerW);
      assert.equal(timeS.length, powerW.length);
      for (let index = 1; index < timeS.length; index += 1) {
        assert.ok((timeS[index] ?? 0) >= (timeS[index - 1] ?? 0), `corner ${index}`);
      }
      assert.ok(powerW.every((power) => power >= 4e6 && power <= 22e6));
    });
  }

  it("are replayed by straight lines between their corners", () => {
    const state = loadState(0);
    const made = { timeS: Float64Array.of(0, 10, 20), powerW: Float64Array.of(10e6, 20e6, 10e6) };
    startPattern(state, { kind: "trace", trace: made });
    settleLoad(state, PARAMETERS);
    for (let step = 0; step < 500; step += 1) stepLoad(state, PARAMETERS, randomState(1), 0.01);
    assert.ok(Math.abs(state.powerW - 15e6) < 10_000);
    for (let step = 0; step < 1000; step += 1) stepLoad(state, PARAMETERS, randomState(1), 0.01);
    assert.ok(Math.abs(state.powerW - 15e6) < 10_000);
    for (let step = 0; step < 1000; step += 1) stepLoad(state, PARAMETERS, randomState(1), 0.01);
    assert.ok(Math.abs(state.powerW - 10e6) < 1e-3, "and stay at the end");
  });

  it("steps over many corners at once", () => {
    const pattern: LoadPattern = { kind: "trace", trace: trace("square-2.5hz") };
    const meanW = energyJ(pattern, 50, 1) / 50;
    assert.ok(Math.abs(meanW - 15e6) < 0.3e6, `${meanW}`);
  });

  it("are unknown under another name", () => {
    assert.equal(traceOf("job"), undefined);
  });
});

describe("a day", () => {
  it("has three jobs with pauses, and a checkpoint at the end of each hour of the second", () => {
    const at = (hour: number) => dayJob(hour * HOUR_S);
    assert.equal(at(0), "iterations");
    assert.equal(at(6.99), "iterations");
    assert.equal(at(7.1), "idle");
    assert.equal(at(7.6), "high");
    assert.equal(dayJob(8.5 * HOUR_S - 30), "checkpoint");
    assert.equal(dayJob(8.5 * HOUR_S + 30), "high");
    assert.equal(at(19.2), "idle");
    assert.equal(at(23.9), "iterations");
    assert.equal(at(24.1), "iterations", "and begins again");
  });

  it("takes 475 MWh for training and inference, and gives 44 MWh of heat", () => {
    let heatWh = 0;
    let inferenceWh = 0;
    for (let second = 0; second < 24 * HOUR_S; second += 60) {
      heatWh += dayHeatW(second, 3e6) / 60;
      inferenceWh += dayInference(second, 2e6, 4e6) / 60;
    }
    const trainingWh = energyJ({ kind: "day" }, 24 * HOUR_S, 1) / 3600;
    assert.ok(Math.abs((trainingWh + inferenceWh) / 475e6 - 1) < 0.005);
    assert.ok(Math.abs(heatWh / 44e6 - 1) < 0.001);
  });

  it("is coldest in the morning and warmest in the afternoon", () => {
    assert.equal(dayAmbientCel(15 * HOUR_S), 20);
    assert.ok(Math.abs(dayAmbientCel(3 * HOUR_S) - 8) < 1e-9);
  });
});

describe("a dark hall", () => {
  it("draws nothing, has lost its job, and comes back idle", () => {
    const state = loadState(20e6);
    startPattern(state, { kind: "checkpoint" });
    darken(state, PARAMETERS);
    assert.equal(state.powerW, 0);
    for (let step = 0; step < 10; step += 1) stepLoad(state, PARAMETERS, randomState(1), 0.01);
    assert.equal(state.powerW, PARAMETERS.idleW);
  });
});
