import { strict as assert } from "node:assert";
import { batteryState, limitPower, stepBattery } from "../../../src/simulator/physics/battery.ts";
import { demoParameters } from "../../../src/simulator/physics/parameters.ts";
import {
  beatPcs,
  commandPcs,
  forgetSetpoint,
  PENDING_SETPOINTS_MAX,
  pcsLossW,
  type PcsState,
  pcsState,
  stepPcs,
  stopPcs,
  tripPcs,
} from "../../../src/simulator/physics/pcs.ts";

const parameters = demoParameters("d95").bess;
const LIMITS = { dischargeW: 12e6, chargeW: 12e6 };
const INPUTS = { limits: LIMITS, reactiveVar: 0, reversionAfterS: 3 };

function run(state: PcsState, seconds: number, stepS = 0.01): void {
  for (let left = Math.round(seconds / stepS); left > 0; left -= 1) {
    stepPcs(state, parameters, INPUTS, stepS);
  }
}

/** Repeats the setpoint and the heartbeat, as a living controller does. */
function hold(state: PcsState, powerW: number, seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    commandPcs(state, parameters, powerW);
    beatPcs(state);
    run(state, 1);
  }
}

describe("power converter", () => {
  it("does nothing during the dead time and then follows with its time constant", () => {
    const state = pcsState();
    // Small enough that the device's ramp (10 ms for this step) hardly counts.
    commandPcs(state, parameters, 1000);
    run(state, 0.01);
    assert.equal(state.powerW, 0);
    run(state, 0.02);
    assert.ok(Math.abs(state.powerW / 1000 - (1 - Math.exp(-1))) < 0.001, `${state.powerW}`);
    run(state, 0.08);
    assert.ok(Math.abs(state.powerW / 1000 - (1 - Math.exp(-5))) < 0.001);
  });

  it("gives the same answer whatever the step", () => {
    const fine = pcsState();
    const coarse = pcsState();
    commandPcs(fine, parameters, 9e6);
    commandPcs(coarse, parameters, 9e6);
    run(fine, 0.1, 0.001);
    run(coarse, 0.1, 0.05);
    assert.ok(Math.abs(fine.powerW - coarse.powerW) < 1);
    assert.ok(Math.abs(fine.injectedWh - coarse.injectedWh) < 1e-6);
  });

  it("counts the dead time from the write, not from the step", () => {
    const state = pcsState();
    commandPcs(state, parameters, 1000, 0.004);
    run(state, 0.01);
    run(state, 0.01);
    // Written 4 ms into the first step, in force after 14 ms: 6 ms of answer.
    assert.ok(Math.abs(state.powerW / 1000 - (1 - Math.exp(-0.3))) < 0.001, `${state.powerW}`);
  });

  it("ramps no faster than 120 MW/s", () => {
    const state = pcsState();
    commandPcs(state, parameters, 12e6);
    let steepest = 0;
    for (let step = 0; step < 50; step += 1) {
      const before = state.powerW;
      run(state, 0.01);
      steepest = Math.max(steepest, (state.powerW - before) / 0.01);
    }
    assert.ok(steepest > 100e6 && steepest <= 120e6, `${steepest}`);
    assert.ok(Math.abs(state.powerW - 12e6) < 1000);
  });

  it("keeps every setpoint of a burst in order and counts what does not fit", () => {
    const state = pcsState();
    for (let index = 0; index < PENDING_SETPOINTS_MAX + 3; index += 1) {
      commandPcs(state, parameters, index * 1000);
    }
    assert.equal(state.pending.length, PENDING_SETPOINTS_MAX);
    assert.equal(state.pendingOverruns, 3);
    run(state, 0.5);
    assert.equal(state.targetW, (PENDING_SETPOINTS_MAX + 2) * 1000);
  });

  it("never leaves its limits, nor the circle of its apparent power", () => {
    const state = pcsState();
    const inputs = { ...INPUTS, limits: { dischargeW: 5e6, chargeW: 2e6 } };
    commandPcs(state, parameters, 12e6);
    for (let step = 0; step < 100; step += 1) stepPcs(state, parameters, inputs, 0.01);
    assert.ok(Math.abs(state.powerW - 5e6) < 1);
    commandPcs(state, parameters, -12e6);
    for (let step = 0; step < 100; step += 1) stepPcs(state, parameters, inputs, 0.01);
    assert.ok(Math.abs(state.powerW + 2e6) < 1);
    commandPcs(state, parameters, 12e6);
    for (let step = 0; step < 100; step += 1) {
      stepPcs(state, parameters, { ...INPUTS, reactiveVar: 6e6 }, 0.01);
    }
    assert.ok(Math.abs(Math.hypot(state.powerW, 6e6) - 13e6) < 1);
  });
});

describe("power converter without its controller", () => {
  it("holds for three seconds, then ramps to zero at 25 kW/s", () => {
    const state = pcsState();
    hold(state, 1e6, 2);
    commandPcs(state, parameters, 1e6);
    beatPcs(state);
    run(state, 2.99);
    assert.equal(state.isReverting, false);
    assert.ok(Math.abs(state.powerW - 1e6) < 1);
    run(state, 0.02);
    assert.equal(state.isReverting, true);
    run(state, 10);
    assert.ok(Math.abs(state.powerW - 750_000) < 1500, `${state.powerW}`);
    run(state, 31);
    assert.ok(Math.abs(state.powerW) < 1);
  });

  it("reverts when only the heartbeat is missing, and when only the setpoint is", () => {
    const noBeat = pcsState();
    for (let second = 0; second < 5; second += 1) {
      commandPcs(noBeat, parameters, 1e6);
      run(noBeat, 1);
    }
    assert.equal(noBeat.isReverting, true);
    const noSetpoint = pcsState();
    commandPcs(noSetpoint, parameters, 1e6);
    for (let second = 0; second < 5; second += 1) {
      beatPcs(noSetpoint);
      run(noSetpoint, 1);
    }
    assert.equal(noSetpoint.isReverting, true);
  });

  it("obeys again as soon as both are back", () => {
    const state = pcsState();
    hold(state, 1e6, 1);
    run(state, 20);
    assert.equal(state.isReverting, true);
    hold(state, 400_000, 1);
    assert.equal(state.isReverting, false);
    assert.ok(Math.abs(state.powerW - 400_000) < 1);
  });

  it("has nothing to revert before the first setpoint and after a reboot", () => {
    const state = pcsState();
    run(state, 10);
    assert.equal(state.isReverting, false);
    hold(state, 1e6, 1);
    forgetSetpoint(state);
    run(state, 10);
    assert.equal(state.isReverting, false);
    assert.ok(Math.abs(state.powerW) < 1);
  });

  it("keeps its setpoint when reversion is off but the heartbeat lives", () => {
    const state = pcsState();
    commandPcs(state, parameters, 1e6);
    for (let second = 0; second < 20; second += 1) {
      beatPcs(state);
      for (let step = 0; step < 100; step += 1) {
        stepPcs(state, parameters, { ...INPUTS, reversionAfterS: 0 }, 0.01);
      }
    }
    assert.ok(Math.abs(state.powerW - 1e6) < 1);
  });
});

describe("power converter that trips or stops", () => {
  it("is at zero at once after a trip and takes no setpoint", () => {
    const state = pcsState();
    hold(state, 12e6, 1);
    tripPcs(state);
    assert.equal(state.powerW, 0);
    assert.equal(pcsLossW(state, parameters), 0);
    hold(state, 5e6, 1);
    assert.equal(state.powerW, 0);
  });

  it("is at zero at once after a stop, and the old setpoint does not come back", () => {
    const state = pcsState();
    hold(state, 10e6, 1);
    stopPcs(state);
    run(state, 0.01);
    assert.equal(state.powerW, 0);
    assert.equal(state.meanW, 0);
    hold(state, 5e6, 1);
    state.mode = "running";
    run(state, 1);
    assert.equal(state.powerW, 0);
    hold(state, 5e6, 1);
    assert.ok(Math.abs(state.powerW - 5e6) < 1000);
  });
});

describe("battery", () => {
  const battery = batteryState(parameters);
  const limitsAt = (soc: number, temperatureCel: number): [number, number] => {
    const limits = { dischargeW: 0, chargeW: 0 };
    limitPower(limits, { ...battery, soc, temperatureCel }, parameters);
    return [limits.dischargeW / 1e6, limits.chargeW / 1e6].map(
      (limit) => Math.round(limit * 1000) / 1000,
    ) as [number, number];
  };

  it("tapers by charge and by heat", () => {
    assert.deepEqual(limitsAt(0.5, 22), [12, 12]);
    assert.deepEqual(limitsAt(0.06, 22), [0, 12]);
    assert.deepEqual(limitsAt(0.08, 22), [6, 12]);
    assert.deepEqual(limitsAt(0.965, 22), [12, 6]);
    assert.deepEqual(limitsAt(0.98, 22), [12, 0]);
    assert.deepEqual(limitsAt(0.5, 50), [6, 6]);
    assert.deepEqual(limitsAt(0.5, 60), [0, 0]);
  });

  it("has the one-way efficiencies of the site's page", () => {
    for (const [powerW, efficiency] of [
      [3e6, 0.969],
      [6e6, 0.965],
      [12e6, 0.949],
    ] as const) {
      const state = batteryState(parameters);
      const pcs = { ...pcsState(), meanW: powerW };
      stepBattery(state, parameters, powerW + pcsLossW(pcs, parameters), 0.01);
      const sourceW = state.dischargedJ / 0.01;
      assert.ok(Math.abs(powerW / sourceW - efficiency) < 0.002, `${powerW / sourceW}`);
    }
  });
});
