import { strict as assert } from "node:assert";
import type { Command } from "../../src/domain/command.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { laneOf } from "../../src/control/cycle.ts";
import {
  MW,
  type PlanOptions,
  STATE_FAULT,
  STATE_RUNNING,
  testPlan,
} from "../support/plant-plan.ts";
import { PlantSite, pressEmergencyStop } from "../support/plant-site.ts";

const FAST = 100 * MW;

function setPower(powerW: number, rampWPerS = FAST): Command["action"] {
  return { kind: "set-power", powerW, rampWPerS };
}

function setPowerAtSiteRamp(powerW: number): Command["action"] {
  return { kind: "set-power", powerW, rampWPerS: undefined };
}

function start(options: PlanOptions = {}) {
  const site = new PlantSite({ plan: testPlan(options) });
  site.run(200);
  /** Sends a command and runs long enough that it has been decided. */
  const send = (id: string, rest: Partial<Command> & Pick<Command, "action">) => {
    site.command({ id, ...rest });
    site.run(100);
    const steps = site.steps.filter((step) => step.commandId === id);
    return { stages: steps.map((step) => step.stage), steps, last: steps.at(-1)! };
  };
  const leases = () => site.last!.status.leases.map((lease) => lease.commandId);
  return { site, send, leases };
}

describe("leases", () => {
  it("run through every step of a command's life to its measured effect", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW) });
    site.run(1_000);
    assert.deepEqual(site.stagesOf("a"), [
      "received",
      "accepted",
      "written",
      "read-back",
      "effect",
      "done",
    ]);
    const done = site.steps.at(-1)!;
    assert.ok(done.final);
    assert.ok(Math.abs((done.measured ?? 0) - 5 * MW) <= 0.05 * MW);
    assert.equal(done.readBack, "applied");
    assert.deepEqual(leases(), ["a"], "the lease stays in force");
  });

  it("outlive a moment without an answer of any unit on the way to the target", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW, 0.5 * MW) });
    site.run(1_000);
    for (const unit of site.units) unit.isCut = true;
    site.run(700);
    assert.deepEqual(
      site.last!.status.units.map(({ mode }) => mode),
      ["silent", "silent"],
    );
    for (const unit of site.units) unit.isCut = false;
    site.run(4_000);
    assert.equal(site.stagesOf("a").at(-1), "read-back", "its ramp is not over");
    assert.deepEqual(leases(), ["a"]);
    site.run(10_000);
    assert.equal(site.stagesOf("a").at(-1), "done");
    assert.ok(Math.abs(site.batteryW - 5 * MW) <= 0.05 * MW, `${site.batteryW}`);
  });

  it("count the effect when the ramp is over, not before", () => {
    const { site, send } = start();
    send("a", { action: setPower(1 * MW, 0.5 * MW) });
    site.run(1_800);
    assert.equal(site.stagesOf("a").at(-1), "read-back");
    site.run(600);
    assert.equal(site.stagesOf("a").at(-1), "done");
  });

  it("clamp a request to the envelope, and say so", () => {
    const { send } = start();
    const { stages, steps } = send("a", { action: setPower(99 * MW) });
    assert.equal(stages[1], "clamped");
    assert.deepEqual([steps[1]?.applied, steps[1]?.requested], [24 * MW, 99 * MW]);
  });

  it("refuse a request outside an envelope that refuses", () => {
    const { send, leases } = start({ envelopeMode: "refuse" });
    assert.equal(send("a", { action: setPower(99 * MW) }).last.reason, "out-of-envelope");
    assert.equal(send("b", { action: setPower(-99 * MW) }).last.reason, "out-of-envelope");
    assert.deepEqual(leases(), []);
    assert.equal(send("c", { action: setPower(24 * MW) }).stages[1], "accepted");
  });

  it("say what the units cannot give now, and keep the target", () => {
    const site = new PlantSite({ plan: testPlan(), soc: 31 });
    site.run(200);
    site.command({ id: "a", action: setPower(20 * MW) });
    site.run(100);
    const step = site.steps.find((found) => found.stage === "clamped");
    assert.equal(step?.reason, "limits-now");
    assert.ok(Math.abs((step.applied ?? 0) - 6.23 * MW) <= 0.01 * MW, `${step.applied ?? 0}`);
    assert.equal(site.last?.status.leases[0]?.targetW, 20 * MW);
  });

  it("name the envelope and the limits apart", () => {
    const site = new PlantSite({ plan: testPlan() });
    site.command({ id: "a", action: setPower(99 * MW) });
    site.command({ id: "b", action: setPower(5 * MW), asset: "bess-1", holder: "cloud" });
    site.run(50);
    const found = (id: string) =>
      site.steps.filter((step) => step.commandId === id).map((step) => step.stage);
    assert.deepEqual(found("a"), ["received", "clamped", "superseded"]);
    assert.deepEqual(found("b"), ["received", "accepted"], "a unit that starts is not limited");
  });

  it("take of one holder and asset only a higher sequence", () => {
    const { send } = start();
    send("a", { action: setPower(1 * MW), sequence: 7 });
    assert.equal(
      send("b", { action: setPower(2 * MW), sequence: 7 }).last.reason,
      "stale-sequence",
    );
    assert.equal(
      send("c", { action: setPower(2 * MW), sequence: 6 }).last.reason,
      "stale-sequence",
    );
    assert.equal(send("d", { action: setPower(2 * MW), sequence: 8 }).stages[1], "accepted");
  });

  it("remember a sequence after the lease has ended", () => {
    const { site, send } = start();
    send("a", { action: setPower(1 * MW), sequence: 7, leaseMs: 200 });
    site.run(500);
    assert.equal(
      send("b", { action: setPower(2 * MW), sequence: 7 }).last.reason,
      "stale-sequence",
    );
  });

  it("are superseded by their own holder without a step", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW) });
    site.run(1_000);
    const beforeW = site.last!.status.totalW;
    send("b", { action: setPowerAtSiteRamp(0) });
    assert.ok(beforeW - site.last!.status.totalW <= 0.011 * MW);
    assert.deepEqual(leases(), ["b"]);
    assert.equal(site.stagesOf("a").at(-1), "done", "a command ends once");
  });

  it("end a command that is superseded before its effect as superseded", () => {
    const { site, send } = start();
    send("a", { action: setPower(5 * MW, 0.1 * MW) });
    send("b", { action: setPower(1 * MW) });
    assert.equal(site.stagesOf("a").at(-1), "superseded");
  });

  it("yield to another holder only when it is stronger, also on part of the asset", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW), priority: 6 });
    const other = { holder: "market", action: setPower(1 * MW) };
    assert.equal(send("b", { ...other, priority: 6 }).last.reason, "lease-held");
    assert.equal(send("c", { ...other, asset: "bess-2", priority: 7 }).last.reason, "lease-held");
    assert.equal(send("d", { ...other, asset: "bess-2", priority: 4 }).stages[1], "accepted");
    assert.equal(site.stagesOf("a").filter((stage) => stage === "superseded").length, 1);
    assert.deepEqual(leases(), ["d"]);
  });

  it("are let go by their holder alone, and then ramp away", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW) });
    site.run(1_000);
    const foreign = send("b", { holder: "market", action: { kind: "release" } });
    assert.equal(foreign.last.reason, "no-lease");
    const own = send("c", { action: { kind: "release" } });
    assert.deepEqual(own.stages, ["received", "accepted", "done"]);
    assert.deepEqual(leases(), []);
    site.run(10_000);
    assert.ok(Math.abs(site.last!.status.totalW - 4.5 * MW) <= 0.02 * MW);
    assert.equal(send("d", { action: { kind: "release" } }).last.reason, "no-lease");
  });

  const refusals: readonly (readonly [
    string,
    Partial<Command> & Pick<Command, "action">,
    string,
  ])[] = [
    ["an asset it does not know", { asset: "bess-9", action: setPower(1) }, "unknown-asset"],
    [
      "a point that belongs to the direct lane",
      { action: { kind: "set-point", point: "active-power-setpoint", value: 1 } },
      "owned-by-control",
    ],
    ["a power that is none", { action: setPower(Number.NaN) }, "bad-value"],
    ["a ramp that is none", { action: setPower(1, 0) }, "bad-value"],
    ["a priority above commands", { priority: 3, action: setPower(1) }, "bad-priority"],
    ["a priority below the schedule", { priority: 8, action: setPower(1) }, "bad-priority"],
    ["a lease without a length", { leaseMs: 0, action: setPower(1) }, "bad-lease"],
    ["a lease longer than the longest", { leaseMs: 3_600_001, action: setPower(1) }, "bad-lease"],
  ];
  for (const [name, command, reason] of refusals) {
    it(`refuse ${name}`, () => {
      const { stages, last } = start().send("a", command);
      assert.deepEqual(stages, ["received", "refused"]);
      assert.equal(last.reason, reason);
    });
  }

  it("do not begin when the command comes too late", () => {
    const { send } = start();
    const late = send("a", { action: setPower(1 * MW), notAfter: monotonicMs(0) });
    assert.deepEqual(late.stages, ["received", "expired"]);
  });

  it("remember a bounded number of holders and forget the oldest without a lease", () => {
    const { send } = start();
    let count = 0;
    const ask = (holder: string, rest: Partial<Command> = {}) => {
      const brief = { asset: "bess-2", leaseMs: 1, priority: 7, action: setPower(1 * MW) };
      const { steps, last } = send(`${holder}-${count++}`, { holder, ...brief, ...rest });
      return steps.some(({ stage }) => stage === "accepted") ? "accepted" : last.reason;
    };
    ask("h-0", { asset: "bess-1", leaseMs: 3_600_000 });
    for (let other = 1; other < 16; other += 1) ask(`h-${other}`);
    assert.equal(ask("h-1", { sequence: 0 }), "stale-sequence");
    assert.equal(ask("h-16"), "accepted");
    assert.equal(ask("h-1", { sequence: 0 }), "accepted", "forgotten");
    assert.equal(ask("h-0", { asset: "bess-1", sequence: 0 }), "stale-sequence", "it has a lease");
  });

  it("refuse one more holder where all that are remembered have a lease", () => {
    const leases = { maximumMs: 3_600_000, maximumHolders: 1 };
    const site = new PlantSite({ plan: { ...testPlan(), leases } });
    site.run(200);
    site.command({ id: "a", holder: "h-0", asset: "bess-1", action: setPower(1) });
    site.command({ id: "b", holder: "h-1", asset: "bess-2", action: setPower(1) });
    site.run(100);
    const reasons = site.steps.filter(({ commandId }) => commandId === "b").map((s) => s.reason);
    assert.ok(reasons.includes("too-many-holders"));
  });

  it("are refused while a unit is tripped, and end with the trip", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(5 * MW, 0.1 * MW) });
    pressEmergencyStop(site.units[1]!, true);
    site.run(150);
    assert.equal(site.stagesOf("a").at(-1), "refused");
    assert.deepEqual(leases(), []);
    assert.equal(send("b", { action: setPower(1 * MW) }).last.reason, "tripped");
  });

  it("are refused where no unit can be asked", () => {
    const { site, send } = start();
    site.units[0]!.state = STATE_FAULT;
    site.run(200);
    const one = send("a", { asset: "bess-1", action: setPower(1 * MW) });
    assert.equal(one.last.reason, "not-available");
    assert.equal(send("b", { action: setPower(1 * MW) }).stages[1], "accepted");
  });

  it("are refused for a unit whose setpoint has no envelope", () => {
    const base = testPlan();
    const envelope = base.envelope.filter((entry) => entry.asset !== "bess-1");
    const site = new PlantSite({ plan: { ...base, envelope } });
    site.run(200);
    site.command({ id: "a", action: setPower(1 * MW) });
    site.run(2_000);
    assert.equal(site.steps.at(-1)?.reason, "out-of-envelope");
    assert.equal(site.units[0]?.setpointW, 0);
    assert.equal(site.eventsOf("envelope-clamped").length, 1);
  });

  it("end as refused when the device refuses the write", () => {
    const { site, send, leases } = start();
    site.units[0]!.refuses = true;
    send("a", { action: setPower(2 * MW) });
    site.run(200);
    assert.equal(site.steps.at(-1)?.reason, "device-refused");
    assert.deepEqual(leases(), []);
    assert.deepEqual(
      site.eventsOf("write-refused").map((event) => event.phase),
      ["raised"],
    );
    site.units[0]!.refuses = false;
    site.run(2_000);
    assert.equal(site.eventsOf("write-refused").at(-1)?.phase, "cleared");
  });

  it("end with differs when a device acknowledges and ignores", () => {
    const { site, send, leases } = start();
    site.units[0]!.ignores = true;
    send("a", { action: setPower(2 * MW) });
    site.run(1_000);
    const steps = site.steps.filter((step) => step.commandId === "a");
    assert.deepEqual(
      steps.map((step) => step.stage),
      ["received", "accepted", "written", "read-back", "refused"],
    );
    assert.deepEqual(
      steps.slice(-2).map((step) => step.readBack),
      ["differs", "differs"],
    );
    assert.deepEqual(leases(), []);
    assert.match(site.eventsOf("setpoint-differs")[0]?.text ?? "", /accepted .* and still shows/);
    site.units[0]!.ignores = false;
    site.run(2_000);
    assert.equal(site.eventsOf("setpoint-differs").at(-1)?.phase, "cleared");
  });

  it("end as unknown when the unit is lost before it could be read back", () => {
    const { site, send } = start();
    for (const unit of site.units) unit.isCut = true;
    send("a", { action: setPower(2 * MW) });
    site.run(4_000);
    const last = site.steps.at(-1)!;
    assert.deepEqual([last.stage, last.reason], ["unknown", "not-available"]);
  });

  it("end as unknown when the effect can no longer be measured", () => {
    const { site, send } = start();
    send("a", { action: setPower(2 * MW) });
    assert.deepEqual(site.stagesOf("a").at(-1), "read-back");
    for (const unit of site.units) unit.isCut = true;
    site.run(4_000);
    const last = site.steps.at(-1)!;
    assert.deepEqual([last.stage, last.reason], ["unknown", "effect-not-measured"]);
  });

  it("shrink with the battery while nothing is known of the grid, and go on from there", () => {
    const { site, send } = start({ peakCapW: undefined });
    send("a", { action: setPower(5 * MW) });
    site.run(1_000);
    site.isMeterCut = true;
    site.areFeedersCut = true;
    site.run(1_000 + 300 + 40_000);
    const shrunkW = site.last!.status.leases[0]?.partW ?? 0;
    assert.ok(Math.abs(shrunkW - 3 * MW) <= 0.1 * MW, `${shrunkW} W of the lease`);
    site.isMeterCut = false;
    site.areFeedersCut = false;
    let beforeW = site.last!.status.totalW;
    site.onCycle.push((result) => {
      assert.ok(Math.abs(result.status.totalW - beforeW) <= 5 * MW + 1, "at the command's ramp");
      beforeW = result.status.totalW;
    });
    site.run(2_000);
    assert.ok(Math.abs(site.batteryW - 5 * MW) <= 0.05 * MW);
  });

  it("do not move while nothing is known of the grid", () => {
    const { site, send } = start({ peakCapW: undefined });
    site.isMeterCut = true;
    site.areFeedersCut = true;
    site.run(400);
    assert.equal(site.last!.status.source, "none");
    send("a", { action: setPower(5 * MW) });
    site.run(300);
    assert.equal(site.last!.status.leases[0]?.partW, 0);
    assert.equal(site.batteryW, 0);
  });

  it("that end while nothing is known of the grid let go from what is held, at the ramp", () => {
    const { site, send } = start({ peakCapW: undefined });
    send("a", { action: setPower(5 * MW), leaseMs: 1_500 });
    site.run(1_000);
    site.isMeterCut = true;
    site.areFeedersCut = true;
    site.run(900);
    assert.equal(site.eventsOf("lease-expired").length, 1);
    assert.equal(site.last!.status.source, "none");
    assert.equal(site.last!.status.totalW, 5 * MW);
    site.isMeterCut = false;
    site.areFeedersCut = false;
    let beforeW = site.last!.status.totalW;
    site.onCycle.push((result) => {
      assert.ok(beforeW - result.status.totalW <= 0.05 * MW * 0.05 + 1, "no step on return");
      beforeW = result.status.totalW;
    });
    site.run(1_000);
    assert.ok(beforeW < 5 * MW);
  });

  it("do not run ahead of what the units can give, and go on at their ramp", () => {
    const { site, send } = start({ peakCapW: undefined });
    send("a", { action: setPower(20 * MW, 2 * MW) });
    site.run(20_000);
    site.units[0]!.state = STATE_FAULT;
    site.run(5_000);
    assert.ok(Math.abs(site.last!.status.totalW - 12 * MW) <= 0.01 * MW);
    site.units[0]!.state = STATE_RUNNING;
    let beforeW = site.last!.status.totalW;
    site.onCycle.push((result) => {
      assert.ok(result.status.totalW - beforeW <= 0.1 * MW + 1, "at 2 MW/s");
      beforeW = result.status.totalW;
    });
    site.run(6_000);
    assert.ok(Math.abs(site.batteryW - 20 * MW) <= 0.1 * MW);
  });

  it("expire by the monotonic clock, whatever the wall clock does", () => {
    const { site, send, leases } = start();
    send("a", { action: setPower(2 * MW), leaseMs: 1_000, receivedUtc: utcMs(0) });
    site.run(850);
    assert.deepEqual(leases(), ["a"]);
    site.run(100);
    assert.deepEqual(leases(), []);
    assert.equal(site.eventsOf("lease-expired").length, 1);
  });

  it("expire a command that had no effect yet as expired", () => {
    const { site, send } = start();
    send("a", { action: setPower(5 * MW, 0.1 * MW), leaseMs: 1_000 });
    site.run(1_000);
    assert.equal(site.stagesOf("a").at(-1), "expired");
  });

  it("fix their units at a grid instruction: the peak cap takes the others", () => {
    const { site, send } = start({ peakCapW: 20 * MW });
    send("a", { asset: "bess-1", priority: 4, action: setPower(1 * MW) });
    site.run(1_000);
    const [one, two] = site.last!.status.units;
    assert.deepEqual([one?.setpointW, one?.bindingLevel], [1 * MW, "grid-instruction"]);
    assert.equal(two?.bindingLevel, "peak-cap");
    assert.ok(Math.abs((two.setpointW ?? 0) - 4.754 * MW) <= 0.01 * MW);
    send("b", { priority: 4, action: setPower(2 * MW) });
    site.run(1_000);
    assert.ok(Math.abs(site.last!.status.totalW - 2 * MW) <= 0.01 * MW);
    assert.equal(site.last!.status.bindingLevel, "grid-instruction");
    assert.ok(site.last!.status.shortfallW > 3 * MW, "the cap is told to be short");
  });

  it("give way to the import limit even at a grid instruction", () => {
    const { site, send } = start({ peakCapW: undefined, importLimitW: 22 * MW });
    send("a", { priority: 4, action: setPower(0) });
    site.run(1_000);
    assert.ok(Math.abs(site.gridW - 22 * MW) <= 0.05 * MW);
    assert.equal(site.last!.status.bindingLevel, "connection");
  });

  it("are for units and groups; everything else goes over the direct lane", () => {
    const { site } = start();
    const command = { asset: "battery", action: setPower(1) } as Command;
    assert.equal(laneOf(site.control, command), "cyclic");
    assert.equal(laneOf(site.control, { ...command, asset: "bess-1" }), "cyclic");
    assert.equal(laneOf(site.control, { ...command, asset: "chiller-1" }), "direct");
    const point = { kind: "set-point", point: "alarm-reset", value: 1 } as const;
    assert.equal(laneOf(site.control, { ...command, asset: "bess-1", action: point }), "direct");
  });
});
