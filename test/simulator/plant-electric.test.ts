import { strict as assert } from "node:assert";
import { PlantWatch } from "../../src/simulator/plant-watch.ts";
import { demoSite } from "./support/shipped-profiles.ts";
import { VirtualPlant } from "./support/virtual-plant.ts";

const UPS = ["ups-1", "ups-2", "ups-3"];

describe("plant: UPS units through their register map", () => {
  it("show the load that they share, and how long their batteries would last", () => {
    const site = new VirtualPlant();
    site.run(1);
    for (const id of UPS) {
      assert.equal(site.state(id, "ups-state"), "online");
      assert.ok(Math.abs(site.read(id, "active-power") - 1_424_100) < 2000);
      assert.ok(Math.abs(site.read(id, "load-percent") - 57) < 0.11);
      assert.ok(Math.abs(site.read(id, "battery-runtime") - 594) <= 1);
      assert.equal(site.read(id, "state-of-charge"), 100);
      assert.equal(site.state(id, "x-charger-state"), "float-charging");
      assert.ok(Math.abs(site.read(id, "x-input-voltage") - 237) < 1);
      assert.equal(site.read(id, "voltage-ln"), 230);
      assert.equal(site.read(id, "x-status-flags"), 0);
    }
  });

  it("lose one: the others carry its share and say 396 s", () => {
    const site = new VirtualPlant();
    site.obey({ failUps: "ups-2", to: "lost" });
    site.run(0.2);
    assert.equal(site.state("ups-2", "ups-state"), "off");
    assert.equal(site.read("ups-2", "active-power"), 0);
    assert.equal(site.read("ups-2", "voltage-ln"), 0);
    assert.ok(Math.abs(site.read("ups-1", "load-percent") - 85.4) < 0.2);
    assert.ok(Math.abs(site.read("ups-1", "battery-runtime") - 396) <= 1);
    site.obey({ failUps: "ups-1", to: "bypass" });
    site.run(0.2);
    assert.equal(site.state("ups-1", "ups-state"), "static-bypass");
    site.obey({ repairUps: "ups-1" });
    site.obey({ repairUps: "ups-2" });
    site.run(25);
    assert.equal(site.state("ups-2", "ups-state"), "online");
  });

  it("say which order they cannot obey", () => {
    const { plant } = new VirtualPlant();
    assert.equal(
      plant.order({ failUps: "ups-9", to: "lost" }),
      "ups-9 is none of ups-1, ups-2, ups-3",
    );
    assert.equal(plant.order({ clearCause: "x" }), "x is none of bess-1, bess-2");
  });
});

describe("plant: the grid is lost", () => {
  it("leaves the bus dead and the hall dark, and the UPS units carry on without a gap", () => {
    const site = new VirtualPlant();
    site.run(1);
    site.drive(6e6);
    site.run(0.5);
    site.obey({ grid: "lost" });
    const before = site.plant.snapshot().upsOutputW;
    site.run(0.01);
    const first = site.plant.snapshot();
    assert.ok(Math.abs(first.upsOutputW / before - 1) < 0.001, "no gap");
    assert.deepEqual(
      [first.gridW, first.voltageV, first.trainingW, first.mechanicalW, first.bessW],
      [0, 0, 0, 0, 0],
    );
    site.run(0.99);
    assert.equal(site.read("pcc-meter", "voltage.l1"), 0);
    assert.equal(site.read("pcc-meter", "active-power"), 0);
    assert.equal(site.read("pcc-meter", "current.l1"), 0);
    assert.equal(site.read("m-train", "active-power"), 0);
    assert.equal(site.read("bess-1", "active-power"), 0);
    for (const id of UPS) {
      assert.equal(site.state(id, "ups-state"), "on-battery");
      assert.equal(site.state(id, "x-charger-state"), "discharging");
      assert.equal(site.read(id, "x-input-voltage"), 0);
    }
    assert.ok(Math.abs(site.read("ups-1", "battery-runtime") - 593) <= 2);
  });

  it("comes back: idle hall, 10 s of waiting, walk-in and recharge", () => {
    const site = new VirtualPlant();
    site.obey({ grid: "lost" });
    site.run(300, 0.1);
    const charge = site.read("ups-1", "state-of-charge");
    assert.ok(charge > 45 && charge < 52, `${charge} %`);
    site.obey({ grid: "back" });
    site.run(9, 0.1);
    assert.equal(site.state("ups-1", "ups-state"), "on-battery");
    assert.ok(Math.abs(site.plant.snapshot().trainingW / 4e6 - 1) < 0.01);
    assert.equal(site.plant.snapshot().upsW, 0);
    site.run(1.5, 0.1);
    assert.equal(site.state("ups-1", "ups-state"), "online");
    site.run(11, 0.1);
    assert.equal(site.state("ups-1", "x-charger-state"), "equalizing");
    const { upsW, upsOutputW, upsLossW } = site.plant.snapshot();
    assert.ok(Math.abs(upsW - upsOutputW - upsLossW - 375_000) < 1);
  });

  it("empties the UPS batteries: low at 20 %, dark at the end, and they start again", () => {
    const site = new VirtualPlant();
    site.obey({ grid: "lost" });
    const flags = (): number => site.read("ups-1", "x-status-flags");
    site.run(470, 0.1);
    assert.equal(flags(), 0);
    site.run(10, 0.1);
    assert.equal(flags(), 64, "battery low");
    site.run(140, 0.1);
    assert.equal(site.state("ups-1", "ups-state"), "off");
    assert.equal(site.plant.snapshot().upsOutputW, 0);
    site.obey({ grid: "back" });
    site.run(25, 0.1);
    assert.equal(site.state("ups-1", "ups-state"), "online");
  });

  it("forgets the setpoints of the batteries, which wait for the bus", () => {
    const site = new VirtualPlant();
    site.drive(6e6);
    site.run(1);
    assert.ok(site.plant.snapshot().bessW > 11e6);
    site.obey({ grid: "lost" });
    site.drive(6e6);
    site.run(1);
    site.obey({ grid: "back" });
    site.run(1);
    assert.equal(site.plant.snapshot().bessW, 0);
    site.drive(6e6);
    site.run(1);
    assert.ok(site.plant.snapshot().bessW > 11e6);
  });
});

describe("plant: orders", () => {
  it("run the frequency to where it is wanted, at its rate", () => {
    const site = new VirtualPlant();
    const scriptHz = (): number => site.plant.state.grid.scriptHz;
    site.obey({ frequencyHz: 49.5, hzPerS: 0.25 });
    site.run(1);
    assert.ok(Math.abs(scriptHz() + 0.25) < 1e-9);
    site.run(2);
    assert.ok(Math.abs(scriptHz() + 0.5) < 1e-9);
    assert.ok(Math.abs(site.read("pcc-meter", "frequency") - 49.5) < 0.1);
    assert.equal(site.state("ups-1", "ups-state"), "online", "inside 47–53 Hz");
    site.obey({ frequencyHz: 46, hzPerS: 10 });
    site.run(1);
    assert.equal(site.state("ups-1", "ups-state"), "on-battery");
  });

  it("announce a change of load and make it when its time has come", () => {
    const site = new VirtualPlant();
    site.obey({ load: "idle", inS: 2 });
    site.run(1);
    const { announced, trainingW } = site.plant.snapshot();
    assert.ok(announced !== undefined);
    assert.equal(announced.load, "idle");
    assert.ok(Math.abs(announced.inS - 1) < 1e-6);
    assert.ok(trainingW > 19e6);
    site.run(1.1);
    assert.ok(site.plant.snapshot().trainingW < 4.1e6);
    assert.equal(site.plant.snapshot().announced, undefined);
  });

  it("let the hall follow a recorded job", () => {
    const site = new VirtualPlant();
    site.obey({ trace: "step" });
    site.run(1);
    assert.ok(Math.abs(site.plant.snapshot().trainingW / 10e6 - 1) < 0.01);
    site.plant.fastForward(60);
    assert.ok(Math.abs(site.plant.snapshot().trainingW / 20e6 - 1) < 0.01);
  });

  it("change machines, weather and city", () => {
    const site = new VirtualPlant();
    site.obey({ inferenceW: 2e6 });
    site.obey({ ambientCel: 25 });
    site.obey({ heatDemandW: 1e6, supplyCel: 80 });
    site.run(0.1);
    const { inferenceW, ambientCel, heatDemandW } = site.plant.state.surroundings;
    assert.deepEqual([inferenceW, ambientCel, heatDemandW], [2e6, 25, 1e6]);
    assert.equal(site.plant.state.surroundings.heatSupplyCel, 80);
  });

  it("move everything that belongs to a day", () => {
    const site = new VirtualPlant();
    site.obey({ load: "day" });
    site.plant.fastForward(4 * 3600);
    const { inferenceW, heatDemandW } = site.plant.state.surroundings;
    assert.ok(Math.abs(inferenceW / 2e6 - 1) < 0.01);
    assert.equal(heatDemandW, 1e6);
    assert.ok(Math.abs(site.plant.snapshot().trainingW / 15e6 - 1) < 0.01);
  });
});

describe("plant: begin", () => {
  it("settles in a mode with everything whole, wherever it was", () => {
    const site = new VirtualPlant();
    site.obey({ grid: "lost" });
    site.obey({ failUps: "ups-1", to: "lost" });
    site.obey({ load: "idle", inS: 100 });
    site.run(5);
    site.plant.begin("mean");
    site.run(0.1);
    const { gridW, announced, ups } = site.plant.snapshot();
    // 19.45 MW, and the UPS batteries recharge.
    assert.ok(Math.abs(gridW / 19_449_816 - 1) < 0.03, `${gridW}`);
    assert.equal(announced, undefined);
    assert.ok(ups.every(({ mode }) => mode === "online"));
  });

  it("takes machines and weather from whoever begins", () => {
    const site = new VirtualPlant();
    site.plant.begin("full", { inferenceW: 2e6, ambientCel: 20 });
    site.run(0.1);
    const { inferenceW, ambientCel } = site.plant.snapshot();
    assert.deepEqual([inferenceW, ambientCel], [2e6, 20]);
  });
});

describe("plant: fast-forward", () => {
  it("reaches in seconds what small steps reach, and shows it", () => {
    const quick = new VirtualPlant();
    const exact = new VirtualPlant();
    for (const site of [quick, exact]) {
      site.plant.load("training-1hz");
      site.drive(3e6);
    }
    quick.plant.fastForward(60);
    exact.run(60);
    const energy = (site: VirtualPlant): number => site.read("pcc-meter", "energy.forward");
    assert.ok(Math.abs(energy(quick) / energy(exact) - 1) < 0.01);
    const soc = (site: VirtualPlant): number => site.plant.state.bess[0]?.battery.soc ?? 0;
    assert.ok(Math.abs(soc(quick) - soc(exact)) < 1e-4);
    assert.equal(
      quick.read("bess-1", "heartbeat") - exact.read("bess-1", "heartbeat"),
      0,
      "counted the seconds",
    );
  });
});

describe("plant: another site", () => {
  it("closes its balances with any number of UPS units and batteries", () => {
    for (const left of [["ups-1"], ["bess-1"], ["ups-1", "bess-1", "bess-2"], []]) {
      const kept = demoSite().filter(({ id }) => left.includes(id) || !/^(ups|bess)-/.test(id));
      const site = new VirtualPlant(undefined, kept);
      site.run(1);
      const { gridW, balanceError, ups } = site.plant.snapshot();
      assert.ok(balanceError < 1e-9);
      assert.ok(Math.abs(gridW / 25_753_840 - 1) < 0.001, `${left.join()} ${gridW}`);
      assert.equal(ups.length, left.includes("ups-1") ? 1 : 0);
    }
  });
});

describe("what changes in a plant, in words", () => {
  it("tells nothing at first, then what is different", () => {
    const site = new VirtualPlant();
    const watch = new PlantWatch();
    assert.deepEqual(watch.changes(site.plant.snapshot()), []);
    site.run(0.1);
    assert.deepEqual(watch.changes(site.plant.snapshot()), []);
    site.obey({ grid: "lost" });
    site.plant.trip("bess-1", "fault");
    site.run(0.1);
    const lines = watch.changes(site.plant.snapshot());
    assert.ok(lines.includes("grid: live → dead"));
    assert.ok(lines.includes("bess-1: running → fault"));
    assert.ok(lines.includes("ups-3: online → on-battery"));
    site.obey({ load: "idle", inS: 1 });
    assert.deepEqual(watch.changes(site.plant.snapshot()), ["announced load: none → idle"]);
  });
});
