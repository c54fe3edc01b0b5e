import { strict as assert } from "node:assert";
import { SimulatedDevice } from "../../src/simulator/device.ts";
import { DEMO_PLANT, Plant } from "../../src/simulator/plant.ts";
import { BESS, BESS_AT, BESS_NOMINAL, METER } from "./support/demo-profiles.ts";

interface Site {
  readonly plant: Plant;
  readonly device: (id: string) => SimulatedDevice;
  readonly write: (id: string, address: number, words: readonly number[]) => number;
  /** Runs the plant and beats the hearts of both controllers. */
  readonly run: (seconds: number, isBeating?: boolean) => void;
  nowMs: number;
}

function site(): Site {
  const meters = ["pcc-meter", "m-train", "m-ups", "m-mech"].map(
    (id) => new SimulatedDevice({ id, profile: METER, unitId: 1, nominal: [] }),
  );
  const batteries = ["bess-1", "bess-2"].map(
    (id) => new SimulatedDevice({ id, profile: BESS, unitId: 1, nominal: BESS_NOMINAL }),
  );
  const all = [...meters, ...batteries];
  const plant = new Plant(DEMO_PLANT, all, { preset: "d95", seed: 1 });
  plant.startAt(0);
  const device = (id: string): SimulatedDevice => all.find((each) => each.id === id)!;
  const made: Site = {
    plant,
    device,
    nowMs: 0,
    write: (id, address, words) => {
      device(id).tick(made.nowMs);
      return device(id).write(1, { table: "holding", address }, words);
    },
    run: (seconds, isBeating = true) => {
      for (let step = 0; step < Math.round(seconds * 100); step += 1) {
        if (isBeating && step % 100 === 0) {
          for (const id of ["bess-1", "bess-2"]) {
            made.write(id, BESS_AT.heartbeat, [(made.nowMs / 10) & 0xffff]);
          }
        }
        plant.step(0.01);
        made.nowMs += 10;
      }
    },
  };
  return made;
}

/** A power as two registers. */
const words = (powerW: number): number[] => [(powerW >>> 16) & 0xffff, powerW & 0xffff];

describe("plant", () => {
  it("shows on its meters what flows, and the meters add up", () => {
    const { plant, device, run } = site();
    run(1);
    const power = (id: string): number => device(id).readNumber("active-power", Number.NaN);
    assert.ok(Math.abs(power("pcc-meter") / 25_753_840 - 1) < 0.001);
    const { transformerLossW, balanceError } = plant.snapshot();
    const sinks = power("m-train") + power("m-ups") + power("m-mech") + transformerLossW;
    assert.ok(Math.abs(sinks / power("pcc-meter") - 1) < 0.001);
    assert.ok(balanceError < 1e-6);
    const pcc = device("pcc-meter");
    assert.ok(Math.abs(pcc.readNumber("voltage.l1", 0) - 11_423) < 5);
    assert.ok(Math.abs(pcc.readNumber("current.l1", 0) - 766.5) < 1);
    assert.ok(Math.abs(pcc.readNumber("active-power.l1", 0) * 3 - power("pcc-meter")) < 2);
    assert.ok(Math.abs(pcc.readNumber("reactive-power", 0) / power("pcc-meter") - 0.2) < 0.001);
    assert.ok(Math.abs(device("m-train").readNumber("voltage.l1", 0) - 237) < 0.5);
    assert.ok(Math.abs(pcc.readNumber("frequency", 0) - 50) < 0.1);
    assert.ok(pcc.readNumber("energy.forward", 0) > 7000);
  });

  it("discharges on a setpoint, and the grid gives that much less", () => {
    const { plant, device, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    assert.equal(write("bess-1", BESS_AT.setpoint, words(6_000_000)), 0);
    run(1);
    assert.ok(Math.abs(device("bess-1").readNumber("active-power", 0) - 6e6) < 1000);
    assert.equal(device("bess-2").readNumber("active-power", 1), 0);
    assert.ok(Math.abs(plant.snapshot().gridW - 19_753_840) < 25_000);
    write("bess-1", BESS_AT.setpoint, words(-4_000_000));
    run(1);
    assert.ok(Math.abs(device("bess-1").readNumber("active-power", 0) + 4e6) < 1000);
    assert.equal(device("bess-1").readNumber("storage-state", 0), 3);
  });

  it("does not follow a setpoint that nobody has armed, and lets go when it is disarmed", () => {
    const { device, write, run } = site();
    write("bess-1", BESS_AT.setpoint, words(6_000_000));
    run(1);
    assert.equal(device("bess-1").readNumber("active-power", 1), 0);
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.setpoint, words(6_000_000));
    run(1);
    assert.ok(device("bess-1").readNumber("active-power", 0) > 5.9e6);
    write("bess-1", BESS_AT.enabled, [0]);
    run(1);
    assert.ok(Math.abs(device("bess-1").readNumber("active-power", 1)) < 1000);
  });

  it("reverts at 25 kW/s when its controller is gone, and shows the time that is left", () => {
    const { plant, device, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.setpoint, words(1_000_000));
    run(1.5, false);
    assert.equal(device("bess-1").readNumber("active-power-setpoint-remaining", 0), 2);
    run(1.49, false);
    assert.equal(plant.snapshot().bess[0]?.isReverting, false);
    run(10.02, false);
    assert.equal(plant.snapshot().bess[0]?.isReverting, true);
    const powerW = device("bess-1").readNumber("active-power", 0);
    assert.ok(Math.abs(powerW - 750_000) < 2500, `${powerW}`);
    assert.equal(device("bess-1").readNumber("active-power-setpoint-remaining", 9), 0);
  });

  it("takes its reversion time from the register", () => {
    const { plant, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.reversion, [1]);
    write("bess-1", BESS_AT.setpoint, words(1_000_000));
    run(1.1);
    assert.equal(plant.snapshot().bess[0]?.isReverting, true);
  });

  it("stops and starts by its run command", () => {
    const { plant, device, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.setpoint, words(6_000_000));
    run(1);
    write("bess-1", BESS_AT.run, [0]);
    run(0.05);
    assert.equal(plant.snapshot().bess[0]?.state, "standby");
    assert.equal(device("bess-1").readNumber("active-power", 1), 0);
    assert.equal(device("bess-1").readNumber("operating-state", 0), 2);
    write("bess-1", BESS_AT.run, [1]);
    write("bess-1", BESS_AT.setpoint, words(2_000_000));
    run(1);
    assert.ok(Math.abs(device("bess-1").readNumber("active-power", 0) - 2e6) < 1000);
  });

  it("trips to zero and stays so until the cause is gone and it is reset", () => {
    const { plant, device, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.setpoint, words(6_000_000));
    run(1);
    plant.trip("bess-1", "emergency-stop");
    run(0.5);
    assert.equal(device("bess-1").readNumber("active-power", 1), 0);
    assert.equal(device("bess-1").readNumber("operating-state", 0), 4);
    assert.equal(device("bess-1").readNumber("x-alarm-bits", 0), 64);
    write("bess-1", BESS_AT.reset, [1]);
    run(0.5);
    assert.equal(plant.snapshot().bess[0]?.state, "fault", "the cause is still there");
    plant.clearCause("bess-1");
    run(0.5);
    assert.equal(plant.snapshot().bess[0]?.state, "fault", "nobody has reset it");
    assert.equal(device("bess-1").readNumber("x-alarm-bits", 1), 0, "the stop chain is closed");
    write("bess-1", BESS_AT.reset, [1]);
    run(0.5);
    assert.equal(plant.snapshot().bess[0]?.state, "running");
    assert.equal(device("bess-1").readNumber("x-alarm-bits", 1), 0);
    assert.equal(plant.snapshot().bess[0]?.powerW, 0, "the old setpoint is forgotten");
  });

  it("starts by itself 5 s after the fault of its converter is gone, unless it trips again", () => {
    const { plant, write, run } = site();
    const state = (): string | undefined => plant.snapshot().bess[0]?.state;
    write("bess-1", BESS_AT.enabled, [1]);
    plant.trip("bess-1", "fault");
    run(20);
    assert.equal(state(), "fault", "as long as the cause is there");
    plant.clearCause("bess-1");
    run(4);
    plant.trip("bess-1", "fault");
    plant.clearCause("bess-1");
    run(4);
    assert.equal(state(), "fault", "counted anew");
    run(1.5);
    assert.equal(state(), "running");
    plant.trip("bess-1", "emergency-stop");
    plant.clearCause("bess-1");
    run(20);
    assert.equal(state(), "fault", "an emergency stop is reset by somebody");
  });

  it("forgets its setpoint in a reboot", () => {
    const made = site();
    made.write("bess-1", BESS_AT.enabled, [1]);
    made.write("bess-1", BESS_AT.setpoint, words(6_000_000));
    made.run(1);
    made.device("bess-1").setFault({ kind: "reboot", downMs: 100 }, made.nowMs);
    made.run(1);
    assert.ok(Math.abs(made.plant.snapshot().bess[0]?.powerW ?? 1) < 1000);
  });

  it("counts its heartbeat and its charge", () => {
    const { device, write, run } = site();
    write("bess-1", BESS_AT.enabled, [1]);
    write("bess-1", BESS_AT.setpoint, words(12_000_000));
    const heartbeat = device("bess-1").readNumber("heartbeat", 0);
    for (let second = 0; second < 60; second += 1) {
      write("bess-1", BESS_AT.setpoint, words(12_000_000));
      run(1);
    }
    assert.equal(device("bess-1").readNumber("heartbeat", 0) - heartbeat, 60);
    // 12 MW for a minute of 6 MWh is 3.3 %, and the losses.
    const soc = device("bess-1").readNumber("state-of-charge", 0);
    assert.ok(Math.abs(soc - (62.5 - 3.52)) < 0.1, `${soc} %`);
  });
});
