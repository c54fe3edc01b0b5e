import { strict as assert } from "node:assert";
import type { Command } from "../../src/domain/command.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { cycle, statusOf } from "../../src/control/cycle.ts";
import type { CyclicReport, LocalOrder } from "../../src/control/exchange.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { createControl, latchState } from "../../src/control/state.ts";
import { frequencySettings } from "../../src/app/frequency-settings.ts";
import type { ControlConfig } from "../../src/config/schema.ts";
import { PointImage } from "../../src/points/image.ts";
import {
  CHILLER_RUN,
  MECHANICAL,
  METER,
  MW,
  pointCountOf,
  STATE_FAULT,
  STATE_OFF,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { HandCycle, powerCommand } from "./support/hand-cycle.ts";
import { siteSettings } from "./smoothing/support/arms.ts";
import { LOOPS } from "./smoothing/support/timing.ts";
import { readingOf } from "../support/plant-reading.ts";
import { lostReading, PlantSite, type SeenCycle } from "../support/plant-site.ts";

/** Cycles by hand: every value is what the test last said. */
function byHand(plan: ControlPlan) {
  const image = new PointImage(pointCountOf(plan.units.length));
  const state = createControl(plan, { now: monotonicMs(1_000), latches: undefined });
  const values: Record<number, number> = { [METER]: 20 * MW };
  for (const place of plan.units.keys()) {
    const points = unitPoints(place);
    values[points.power] = 0;
    values[points.setpoint] = 0;
    values[points.soc] = 60;
    values[points.chargeLimit] = 12 * MW;
    values[points.dischargeLimit] = 12 * MW;
    values[points.state] = STATE_RUNNING;
    values[points.alarms] = 0;
    values[points.heartbeat] = 0;
  }
  let now = 1_000;
  const orders: LocalOrder[] = [];
  const turn = (
    changes: Readonly<Record<number, number>> = {},
    rest: {
      readonly outcomes?: readonly CyclicReport[];
      readonly bad?: readonly number[];
      readonly commands?: readonly Command[];
    } = {},
  ): SeenCycle => {
    now += 50;
    Object.assign(values, changes);
    for (const place of plan.units.keys()) values[unitPoints(place).heartbeat]! += 1;
    const { bad = [], outcomes = [], commands = [] } = rest;
    const good = Object.fromEntries(
      Object.entries(values).filter(([point]) => !bad.includes(Number(point))),
    );
    image.post(readingOf(good, { at: now }));
    if (bad.length > 0) image.post(lostReading(bad, now));
    image.take();
    const inputs = {
      now: monotonicMs(now),
      utc: utcMs(now),
      view: image.view,
      commands,
      orders: orders.splice(0),
      outcomes,
    };
    const result = cycle(state, inputs);
    return { ...result, status: statusOf(state) };
  };
  const order = (asked: LocalOrder) => orders.push(asked);
  return { state, turn, order };
}

function askFor(powerW: number): Command {
  return {
    id: "a",
    holder: "cloud",
    asset: "bess-1",
    action: { kind: "set-power", powerW, rampWPerS: undefined },
    priority: 7,
    sequence: 1,
    leaseMs: 60_000,
    notAfter: monotonicMs(99_000),
    receivedUtc: utcMs(0),
  };
}

describe("control cycle", () => {
  it("is a function of its state and inputs: a copy of the state goes on alike", () => {
    const plan = testPlan({ peakCapW: 20 * MW });
    const options = { training: (ms: number) => (ms % 1_000 < 500 ? 20 : 10) * MW, seed: 5 };
    const site = new PlantSite({ plan, ...options });
    site.run(2_000);
    site.command({ id: "a", action: { kind: "set-power", powerW: 3 * MW, rampWPerS: undefined } });
    site.run(500);
    let compared = 0;
    let copy = structuredClone(site.control);
    site.onCycle.push((result) => {
      const inputs = {
        now: monotonicMs(site.nowMs),
        utc: utcMs(Date.UTC(2026, 0, 1) + site.nowMs),
        view: site.image.view,
        commands: [],
        orders: [],
        outcomes: [],
      };
      // Outcomes of a tick are not kept by the site; without commands they change nothing here.
      const { writes } = cycle(copy, inputs);
      assert.deepEqual([statusOf(copy), writes], [result.status, result.writes]);
      copy = structuredClone(site.control);
      compared += 1;
    });
    site.run(3_000);
    assert.equal(compared, 60);
  });

  it("asserts that time does not run backwards", () => {
    const plan = testPlan();
    const state = createControl(plan, { now: monotonicMs(1_000), latches: undefined });
    const { view } = new PointImage(pointCountOf(2));
    const inputs = { utc: utcMs(0), view, commands: [], orders: [], outcomes: [] };
    assert.throws(() => cycle(state, { ...inputs, now: monotonicMs(999) }), {
      name: "AssertionError",
    });
  });

  it("takes a pause of its own for one second at most: a stall is not a step", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: undefined }), batteriesW: 10 * MW });
    site.run(1_000);
    const beforeW = site.last!.status.totalW;
    site.isControlDead = true;
    site.run(2_500);
    site.isControlDead = false;
    site.run(50);
    const stepW = beforeW - site.last!.status.totalW;
    assert.ok(stepW > 0 && stepW <= 0.05 * MW + 1, `${stepW} W`);
  });

  it("puts protective writes before all others", () => {
    const base = testPlan({ withFeeders: false, peakCapW: 16 * MW });
    const trips = base.trips.map((trip, unit) => ({ ...trip, units: [unit] }));
    const { turn } = byHand({ ...base, trips });
    turn();
    turn();
    const { writes } = turn({ [unitPoints(1).alarms]: 64, [METER]: 25 * MW });
    assert.deepEqual(
      writes.map((write) => [write.asset, write.isProtective]),
      [
        ["bess-2", true],
        ["bess-2", true],
        ["bess-1", false],
      ],
    );
  });

  it("writes a held setpoint again each second, and a new one only when it moved a step", () => {
    const { turn } = byHand(testPlan({ peakCapW: 16 * MW, withFeeders: false }));
    turn();
    const moving = Array.from({ length: 40 }, (_, count) => {
      const powers = { [unitPoints(0).power]: 2 * MW, [unitPoints(1).power]: 2 * MW };
      return turn({ ...powers, [METER]: 16 * MW + (count % 2) }).writes.length;
    });
    assert.equal(moving[0], 2);
    assert.deepEqual(
      moving.slice(1).filter((count) => count > 0),
      [2],
      "2 s of a load that moves by a watt",
    );
  });

  it("says where everything stands, between cycles as well", () => {
    const { state, turn } = byHand(testPlan());
    assert.equal(statusOf(state).units[0]?.mode, "unknown");
    assert.equal(statusOf(state).units[0]?.powerW, undefined);
    assert.equal(statusOf(state).units[0]?.setpointW, undefined);
    assert.equal(statusOf(state).gridW, undefined);
    const { status } = turn();
    assert.deepEqual(statusOf(state), status);
    assert.equal(status.gridW, 20 * MW);
    assert.equal(status.units[0]?.bindingLevel, "start");
    const authority = { isLocalAsked: false, holds: [], lockouts: [], yields: [] };
    assert.deepEqual(latchState(state, utcMs(0)), { version: 2, authority, latches: [] });
  });

  it("starts with what saved latches say", () => {
    const state = createControl(testPlan(), {
      now: monotonicMs(0),
      utc: utcMs(0),
      latches: "unreadable",
    });
    assert.equal(statusOf(state).trips[0]?.id, "latches-unreadable");
    assert.equal(state.trips.revision, 1);
  });

  it("lets a limit that is no longer known fade at the ramp", () => {
    const { turn } = byHand(testPlan({ peakCapW: 10 * MW, withFeeders: false, rampWPerS: 1 * MW }));
    const [first, second] = [unitPoints(0), unitPoints(1)];
    turn();
    turn();
    const fading = turn({}, { bad: [first.dischargeLimit, first.chargeLimit] });
    assert.equal(fading.status.units[0]?.highW, 12 * MW - 25_000);
    let last = fading;
    for (let count = 0; count < 40; count += 1)
      last = turn({}, { bad: [first.dischargeLimit, first.chargeLimit, second.soc] });
    const [one, two] = last.status.units;
    assert.ok(Math.abs(one!.highW - (12 * MW - 41 * 25_000)) <= 30_000, `${one!.highW}`);
    assert.ok(Math.abs(one!.lowW + (12 * MW - 41 * 25_000)) <= 30_000, `${one!.lowW}`);
    assert.ok(two!.highW < 12 * MW && two!.lowW > -12 * MW);
  });

  it("takes the ratings where a unit states no limits, and never more", () => {
    const plan = testPlan({ withFeeders: false });
    const units = plan.units.map((unit) => ({
      ...unit,
      points: { ...unit.points, chargeLimit: undefined, dischargeLimit: undefined },
    }));
    const { turn } = byHand({ ...plan, units });
    turn();
    assert.deepEqual(
      turn().status.units.map((unit) => [unit.lowW, unit.highW]),
      [
        [-12 * MW, 12 * MW],
        [-12 * MW, 12 * MW],
      ],
    );
    const stated = byHand(plan);
    stated.turn();
    const { status } = stated.turn({ [unitPoints(0).dischargeLimit]: 99 * MW });
    assert.equal(status.units[0]?.highW, 12 * MW);
  });

  it("does not charge above its ceiling", () => {
    const { turn } = byHand(testPlan({ withFeeders: false, peakCapW: undefined }));
    turn();
    const full = turn({ [unitPoints(0).soc]: 95 });
    assert.ok(Math.abs(full.status.units[0]?.lowW ?? 1) <= 1);
    assert.equal(full.status.units[0]?.highW, 12 * MW);
  });

  it("keeps export at its limit when the load falls away under a discharge", () => {
    const plan = testPlan({ peakCapW: undefined });
    const site = new PlantSite({ plan, batteriesW: 20 * MW });
    site.run(1_000);
    site.training = () => 4 * MW;
    site.run(300);
    assert.ok(site.gridW >= -0.05 * MW, `${site.gridW} W`);
    assert.equal(site.last?.status.bindingLevel, "connection");
    assert.equal(site.last.status.units[0]?.bindingLevel, "connection");
  });

  it("names the limit of the unit that is at it", () => {
    const { turn, state } = byHand(testPlan({ withFeeders: false, peakCapW: 8 * MW }));
    turn();
    turn();
    const { status } = turn({ [unitPoints(0).dischargeLimit]: 2 * MW });
    assert.deepEqual(
      status.units.map((unit) => unit.bindingLevel),
      ["device-limits", "peak-cap"],
    );
    assert.equal(state.total.totalW, 12 * MW);
    // The site gives 8 MW to the grid and may give nothing.
    const other = byHand(testPlan({ withFeeders: false, peakCapW: undefined }));
    other.turn({ [METER]: -8 * MW });
    other.turn();
    const limited = other.turn({ [unitPoints(1).chargeLimit]: 1 * MW });
    assert.deepEqual(
      limited.status.units.map((unit) => [unit.bindingLevel, unit.lowW]),
      [
        ["connection", -12 * MW],
        ["device-limits", -1 * MW],
      ],
    );
  });

  it("tells when the envelope holds a setpoint back, and when it no longer does", () => {
    const base = testPlan({ withFeeders: false, peakCapW: 16 * MW });
    const envelope = base.envelope.map((entry) => ({ ...entry, rampPerS: 10 * MW }));
    const { turn } = byHand({ ...base, envelope });
    turn();
    turn({ [unitPoints(0).setpoint]: 0 });
    const told: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      const { writes, events } = turn();
      for (const write of writes) assert.ok(write.value <= 2 * MW);
      for (const event of events)
        if (event.id === "envelope-clamped") told.push(`${event.device ?? ""} ${event.phase}`);
    }
    assert.deepEqual(told, ["bess-1 cleared", "bess-2 cleared"]);
  });

  it("tells when the reserve is left again", () => {
    const { turn } = byHand(testPlan({ withFeeders: false, rampWPerS: 5 * MW }));
    turn();
    turn();
    let told: readonly string[] = [];
    for (const soc of [30, 60]) {
      const { events } = turn({ [unitPoints(0).soc]: soc });
      told = [...told, ...events.map((event) => `${event.id} ${event.phase}`)];
      for (let count = 0; count < 5_000; count += 1) {
        const later = turn().events.filter((event) => event.id === "reserve-reached");
        told = [...told, ...later.map((event) => `${event.id} ${event.phase}`)];
        if (later.length > 0) break;
      }
    }
    assert.deepEqual(told, ["reserve-reached raised", "reserve-reached cleared"]);
  });

  it("tells once that the cap is not covered while a load swings, and its end 10 s after", () => {
    const { turn } = byHand(testPlan({ peakCapW: 20 * MW, withFeeders: false }));
    const told: string[] = [];
    const go = (cycles: number, meterW: number): void => {
      for (let passed = 0; passed < cycles; passed += 1)
        told.push(
          ...turn({ [METER]: meterW })
            .events.filter(({ id }) => id === "ramp-breach")
            .map(({ phase }) => phase),
        );
    };
    go(2, 18 * MW);
    for (let swings = 0; swings < 20; swings += 1) {
      go(10, 90 * MW);
      go(10, 18 * MW);
    }
    assert.deepEqual(told, ["raised"]);
    go(180, 18 * MW);
    assert.deepEqual(told, ["raised"]);
    go(20, 18 * MW);
    assert.deepEqual(told, ["raised", "cleared"]);
  });

  it("tells once that a swinging import is above its limit, and its end 10 s after the last", () => {
    const { turn } = byHand(testPlan({ importLimitW: 28 * MW, withFeeders: false }));
    const told: string[] = [];
    const go = (cycles: number, meterW: number, bad: readonly number[] = []): void => {
      for (let passed = 0; passed < cycles; passed += 1)
        told.push(
          ...turn({ [METER]: meterW }, { bad })
            .events.filter(({ id }) => id === "import-limit-exceeded")
            .map(({ phase }) => phase),
        );
    };
    go(1, 27 * MW);
    go(7, 28.5 * MW);
    go(3, 27 * MW);
    assert.deepEqual(told, [], "the edge of a load is no excess");
    for (let swings = 0; swings < 30; swings += 1) {
      go(10, 28.5 * MW);
      go(10, 27 * MW);
    }
    assert.deepEqual(told, ["raised"]);
    go(188, 27 * MW);
    assert.deepEqual(told, ["raised"]);
    go(60, 27 * MW, [METER]);
    assert.deepEqual(told, ["raised"], "nobody knows while the meter is gone");
    go(2, 27 * MW);
    assert.deepEqual(told, ["raised", "cleared"]);
  });

  it("calls a read-back that nobody here wrote a second writer, and tells its end", () => {
    const { turn } = byHand(testPlan({ peakCapW: 18 * MW, withFeeders: false }));
    const [first, second] = [unitPoints(0), unitPoints(1)];
    const shown = { [METER]: 18 * MW, [first.power]: 1 * MW, [second.power]: 1 * MW };
    turn();
    turn();
    for (let count = 0; count < 6; count += 1)
      turn({ ...shown, [first.setpoint]: 1 * MW, [second.setpoint]: 1 * MW });
    const told = [1, 2, 3].map(() => turn({ [first.setpoint]: 3 * MW }));
    assert.deepEqual(
      told.map(({ events }) => events.map(({ id }) => id)),
      [[], ["setpoint-differs", "second-writer"], []],
      "once, at the second",
    );
    assert.match(told[1]?.events[0]?.text ?? "", /second writer/);
    assert.equal(told[2]?.status.units[0]?.mode, "yielded");
    assert.equal(turn({ [first.setpoint]: 1 * MW }).events[0]?.phase, "cleared");
    turn({ [first.setpoint]: 4 * MW }, {});
    assert.deepEqual(turn({ [first.setpoint]: 1 * MW }).events, [], "a single one may cross");
  });

  it("takes a unit for silent when its points were bad for 400 ms, not by one lost poll", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    const { power } = unitPoints(0);
    turn();
    turn({ [power]: 2 * MW });
    const bad = Array.from({ length: 9 }, () => turn({}, { bad: [power] }));
    assert.deepEqual(
      bad.map(({ status }) => status.units[0]?.mode),
      [...Array.from({ length: 8 }, () => "ready"), "silent"],
    );
    assert.deepEqual(
      bad.flatMap(({ events }) => events.map(({ id }) => id)),
      ["unit-silent"],
    );
    assert.equal(bad[7]?.status.units[0]?.powerW, 2 * MW);
  });

  it("counts a silent unit down from the last word that it may have heard", () => {
    const base = testPlan({ peakCapW: undefined, withFeeders: false, rampWPerS: 24 * MW });
    const hand = new HandCycle(base, pointCountOf(2));
    hand.run(200);
    hand.turn({}, { commands: [powerCommand("bess-1", 4 * MW)] });
    hand.run(1_000);
    const { power, setpoint } = unitPoints(0);
    hand.bad.add(power);
    let sentAt = Number.NaN;
    let fallsAt = Number.NaN;
    while (Number.isNaN(fallsAt) && hand.now < 20_000) {
      const isAsked = hand.now === 1_000 + 250 + 1_000 + 250;
      const commands = isAsked ? [powerCommand("bess-1", 3 * MW, 2)] : [];
      const { writes } = hand.turn({}, { commands });
      if (writes.some(({ point }) => point === setpoint)) sentAt = hand.now;
      if ((hand.status.units[0]?.powerW ?? 0) < 4 * MW) fallsAt = hand.now;
    }
    assert.ok(sentAt > 2_450, `the last word went out at ${sentAt}`);
    assert.equal(fallsAt, sentAt + 3_000, "its own timer starts with that");
  });

  it("does not tell the end of a fault that it cannot read, nor silence by one lost poll", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    const { state, power, heartbeat } = unitPoints(0);
    const lost = { bad: [state, power, heartbeat] };
    const told: string[] = [];
    const modes: (string | undefined)[] = [];
    const go = (...terms: Parameters<typeof turn>): void => {
      const { events, status } = turn(...terms);
      told.push(...events.map(({ id, phase }) => `${id} ${phase}`));
      modes.push(status.units[0]?.mode);
    };
    go();
    go({ [state]: STATE_FAULT });
    go({}, lost);
    go();
    assert.deepEqual(modes.splice(0), ["starting", "faulted", "faulted", "faulted"]);
    assert.deepEqual(told.splice(0), ["pcs-fault raised"]);
    for (let cycles = 0; cycles < 10; cycles += 1) go({}, lost);
    assert.deepEqual(told.splice(0), ["unit-silent raised"], "that is news, the fault is not");
    assert.equal(modes.splice(0).at(-1), "silent");
    go({}, { bad: [state] });
    go();
    assert.deepEqual(modes.splice(0), ["faulted", "faulted"], "no setpoints before it is read");
    assert.deepEqual(told.splice(0), ["unit-silent cleared"]);
    go({ [state]: STATE_RUNNING });
    assert.deepEqual(told, ["pcs-fault cleared"]);
    assert.deepEqual(modes, ["starting"]);
  });

  it("does not judge a setpoint by a reading that is not good", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    const { setpoint } = unitPoints(0);
    for (let count = 0; count < 10; count += 1) turn();
    for (let count = 0; count < 10; count += 1)
      assert.deepEqual(turn({}, { bad: [setpoint] }).events, []);
  });

  it("ends a command as unknown when its setpoint can be sent and not read back", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    turn();
    const command = askFor(1 * MW);
    const { setpoint } = unitPoints(0);
    const accepted = {
      point: setpoint,
      reason: undefined,
      readBack: undefined,
      result: "accepted",
    };
    const bad = [setpoint];
    const first = turn({}, { commands: [command], bad });
    const sentAt = first.writes[0]?.sentAt ?? monotonicMs(0);
    const steps = [...first.steps];
    for (let count = 0; count < 70; count += 1) {
      // What was sent before the command says nothing of it.
      const early = { ...accepted, value: 0, sentAt: sentAt - 50 };
      const outcomes = count === 1 ? [early, { ...accepted, value: 0, sentAt }] : [early];
      const turned = turn({}, { bad, outcomes: outcomes as CyclicReport[] });
      if (count === 0) assert.deepEqual(turned.steps, []);
      steps.push(...turned.steps);
    }
    assert.deepEqual(
      steps.map((step) => step.stage),
      ["received", "accepted", "written", "unknown"],
    );
    assert.deepEqual(
      [steps.at(-1)?.reason, steps.at(-1)?.readBack],
      ["unconfirmed", "unconfirmed"],
    );
  });

  it("does not end a command by the late refusal of an earlier setpoint", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    turn();
    const earlier = turn().writes[0]?.sentAt ?? monotonicMs(1_100);
    const { setpoint: point } = unitPoints(0);
    const command = askFor(1 * MW);
    const refusal = { point, value: 0, result: "refused", reason: "X", readBack: undefined };
    turn({}, { commands: [command] });
    const late = turn({}, { outcomes: [{ ...refusal, sentAt: earlier } as CyclicReport] });
    assert.deepEqual(late.steps, []);
    const own = { ...refusal, sentAt: monotonicMs(earlier + 50) } as CyclicReport;
    assert.equal(turn({}, { outcomes: [own] }).steps[0]?.reason, "device-refused");
  });

  it("notes outcomes of its own setpoints only", () => {
    const { turn } = byHand(testPlan({ withFeeders: false }));
    turn();
    const foreign = { point: METER, value: 1, result: "refused", reason: "X", readBack: undefined };
    assert.deepEqual(turn({}, { outcomes: [foreign as CyclicReport] }).events, []);
    const unknown = { ...foreign, point: unitPoints(0).setpoint, result: "unknown" };
    assert.deepEqual(turn({}, { outcomes: [unknown as CyclicReport] }).events, []);
    const refused = { ...unknown, result: "refused", reason: undefined };
    assert.match(
      turn({}, { outcomes: [refused as CyclicReport] }).events[0]?.text ?? "",
      /no reason/,
    );
  });

  it("holds a tripped unit without a run command by its setpoint alone", () => {
    const plan = testPlan({ withFeeders: false, peakCapW: 10 * MW });
    const units = plan.units.map((unit) => ({
      ...unit,
      points: { ...unit.points, run: undefined },
    }));
    const { turn } = byHand({ ...plan, units });
    const { alarms, setpoint } = unitPoints(0);
    turn();
    turn({ [setpoint]: 5 * MW });
    const { writes } = turn({ [alarms]: 64 });
    assert.deepEqual(
      writes.map((write) => [write.value, write.isProtective]),
      [
        [0, true],
        [0, true],
      ],
    );
    assert.equal(turn({ [setpoint]: 0 }).writes.length, 0, "read back");
  });

  it("takes the run command's own read-back where no state shows that a unit stopped", () => {
    const plan = testPlan({ withFeeders: false });
    const units = plan.units.map((unit) => ({
      ...unit,
      points: {
        ...unit.points,
        run: { ...unit.points.run!, stopped: [], alarmReset: undefined },
      },
    }));
    const { turn } = byHand({ ...plan, units });
    const { alarms, run } = unitPoints(0);
    turn();
    assert.equal(turn({ [alarms]: 64, [run]: 1, [unitPoints(1).run]: 1 }).writes.length, 4);
    assert.equal(turn().writes.length, 4, "still running");
    assert.equal(turn({ [run]: 0, [unitPoints(1).run]: 0 }).writes.length, 0);
  });

  it("lets the envelope judge START and the reset of alarms, and hold off no STOP", () => {
    const base = testPlan({ withFeeders: false, peakCapW: undefined });
    const condition = { point: CHILLER_RUN, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "remote", condition, maxAgeMs: 125 }];
    const envelope = base.envelope.map((entry) => ({ ...entry, interlocks }));
    const { turn, order } = byHand({ ...base, envelope });
    const { alarms, run, alarmReset } = unitPoints(0);
    turn({ [CHILLER_RUN]: 0 });
    const own = ({ writes }: SeenCycle) =>
      writes.filter(({ asset }) => asset === "bess-1").map(({ point, value }) => [point, value]);
    assert.deepEqual(own(turn({ [alarms]: 64 })), [
      [run, 0],
      [unitPoints(0).setpoint, 0],
    ]);
    const stopped = { [unitPoints(0).state]: STATE_OFF, [unitPoints(1).state]: STATE_OFF };
    turn({ ...stopped, [alarms]: 0 });
    order({ kind: "reset", trip: "all", by: "anna" });
    for (let count = 0; count < 30; count += 1) assert.deepEqual(own(turn()), []);
    const writes = Array.from({ length: 20 }, () => own(turn({ [CHILLER_RUN]: 1 }))).flat();
    assert.ok(writes.some(([point, value]) => point === run && value === 1));
    assert.ok(writes.some(([point, value]) => point === alarmReset && value === 1));
  });

  it("writes no START that the envelope has no entry for", () => {
    const base = testPlan({ withFeeders: false, peakCapW: undefined });
    const envelope = base.envelope.filter(({ pointName }) => pointName !== "alarm-reset");
    const { turn, order } = byHand({ ...base, envelope });
    const { alarms, state, run, alarmReset } = unitPoints(0);
    turn({ [alarms]: 64 });
    turn({ [alarms]: 0, [state]: STATE_OFF });
    order({ kind: "reset", trip: "all", by: "anna" });
    const points = turn().writes.map(({ point }) => point);
    assert.ok(points.includes(run));
    assert.ok(!points.includes(alarmReset));
  });

  it("asks a unit to start for a while after its reset, and then gives up", () => {
    const plan = testPlan({ withFeeders: false, peakCapW: undefined });
    const site = new PlantSite({ plan });
    site.run(500);
    site.units[0]!.alarmBits = 64;
    site.run(500);
    site.units[0]!.alarmBits = 0;
    site.run(200);
    site.units[0]!.ignores = true;
    site.order({ kind: "reset", trip: "all", by: "anna" });
    let starts = 0;
    site.onCycle.push((result) => {
      const own = result.writes.filter((write) => write.point === unitPoints(0).run);
      starts += own.filter((write) => write.value === 1).length;
    });
    site.run(20_000);
    assert.equal(starts, 11, "each second for 10 s");
    assert.equal(site.units[0]!.state, STATE_OFF);
    assert.equal(site.units[1]!.state, STATE_RUNNING);
  });
});

describe("levels of a site that smooths", () => {
  const rampWPerS = 0.05 * MW;
  const settings = siteSettings(LOOPS.d95, {
    lowW: 4 * MW,
    highW: 26 * MW,
    rampUpWPerS: rampWPerS,
    rampDownWPerS: rampWPerS,
    dischargeRatingW: 24 * MW,
    chargeRatingW: 24 * MW,
  });

  /** What the batteries are asked for they give, so that the load is what the test says. */
  function following(plan: ControlPlan) {
    const { turn, state } = byHand(plan);
    return (
      loadW: number,
      changes: Readonly<Record<number, number>> = {},
      rest: Parameters<typeof turn>[1] = {},
    ): SeenCycle => {
      const [first = 0, second = 0] = state.total.shares.powersW;
      const given = { [unitPoints(0).power]: first, [unitPoints(1).power]: second };
      return turn({ ...given, ...changes, [METER]: loadW - first - second }, rest);
    };
  }

  it("let the governor move the batteries at the ramp, under the cap's name where that asks", () => {
    const turn = following(
      testPlan({ withFeeders: false, peakCapW: 14 * MW, smoothing: settings }),
    );
    turn(20 * MW);
    const before = turn(20 * MW).status;
    let status = before;
    for (let count = 0; count < 100; count += 1) ({ status } = turn(20 * MW));
    const fromW = before.smoothing?.referenceW ?? Number.NaN;
    const toW = status.smoothing?.referenceW ?? Number.NaN;
    assert.ok(Math.abs(fromW - toW - 5 * rampWPerS) <= 0.01 * MW, `${fromW - toW} W in 5 s`);
    assert.ok(Math.abs(status.totalW - (20 * MW - toW)) <= 0.05 * MW, `${status.totalW} W`);
    assert.deepEqual([before.bindingLevel, status.bindingLevel], ["peak-cap", "peak-cap"]);
    const free = following(
      testPlan({ withFeeders: false, peakCapW: undefined, smoothing: settings }),
    );
    free(20 * MW);
    free(20 * MW);
    for (let count = 0; count < 10; count += 1) ({ status } = free(10 * MW));
    assert.equal(status.bindingLevel, "governor");
    assert.ok(Math.abs(status.totalW + 10 * MW) <= 0.2 * MW, `${status.totalW} W`);
  });

  it("let the answer to the frequency stand above a grid instruction, below the connection", () => {
    const frequency = {
      settings: frequencySettings(
        { grid: { rampUpKwPerS: 50, rampDownKwPerS: 50 } } as ControlConfig,
        {
          powerKw: 20_000,
          deadBandMhz: 10,
          fullAtMhz: 200,
          direction: "both",
          nominalHz: 50,
          sustainMinutes: 0,
        },
        settings,
      ),
      point: { point: MECHANICAL, maxAgeMs: 300 },
      stillMs: 10_000,
    };
    const base = testPlan({ withFeeders: false, exportLimitW: -2 * MW, peakCapW: undefined });
    const turn = following({ ...base, smoothing: settings, frequency });
    turn(20 * MW, { [MECHANICAL]: 50 });
    const asked = { ...askFor(1 * MW), asset: "battery", priority: 4 };
    let { status } = turn(20 * MW, {}, { commands: [asked] });
    for (let count = 0; count < 60; count += 1)
      ({ status } = turn(20 * MW, { [MECHANICAL]: 50 - Math.min(count * 0.02, 0.5) }));
    assert.equal(status.totalW, 18 * MW, "2 MW of import stay");
    assert.equal(status.bindingLevel, "frequency-duty");
  });
});

describe("a unit whose interlock holds setpoints off", () => {
  const REMOTE = CHILLER_RUN;
  const [first, second] = [unitPoints(0), unitPoints(1)];

  function withInterlock() {
    const base = testPlan({ withFeeders: false, peakCapW: undefined, exportLimitW: 20 * MW });
    const condition = { point: REMOTE, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "remote", condition, maxAgeMs: 125 }];
    const plan = {
      ...base,
      envelope: base.envelope.map((entry) =>
        entry.pointName === "active-power-setpoint" ? { ...entry, interlocks } : entry,
      ),
    };
    return byHand(plan);
  }
  const setpoints = ({ writes }: SeenCycle) => writes.map(({ value }) => value);
  const modes = ({ status }: SeenCycle) => status.units.map(({ mode }) => mode);

  it("is told what it gives when the interlock is first seen, however late", () => {
    const { turn } = withInterlock();
    for (let count = 0; count < 8; count += 1) {
      const powerW = (12 - count / 10) * MW;
      const late = turn({ [first.power]: powerW, [second.power]: powerW }, { bad: [REMOTE] });
      assert.deepEqual(setpoints(late), []);
      assert.deepEqual(modes(late), ["starting", "starting"]);
      assert.equal(late.status.totalW, 2 * powerW);
    }
    const told = { [first.power]: 11 * MW, [second.power]: 11 * MW, [REMOTE]: 1 };
    assert.deepEqual(setpoints(turn(told)), [11 * MW, 11 * MW]);
    const next = turn();
    assert.deepEqual(modes(next), ["ready", "ready"]);
    assert.deepEqual(setpoints(next), [10.998 * MW, 10.998 * MW], "2.5 kW of ramp, shared");
  });

  it("goes on from where local control has left it", () => {
    const { turn } = withInterlock();
    const running = { [first.power]: 6 * MW, [second.power]: 6 * MW, [REMOTE]: 1 };
    turn(running);
    turn();
    turn({ [REMOTE]: 0 });
    assert.deepEqual(modes(turn()), ["starting", "starting"]);
    for (let count = 0; count < 20; count += 1)
      assert.deepEqual(setpoints(turn({ [first.power]: count * -0.1 * MW })), []);
    turn({ [first.power]: -2 * MW, [second.power]: 9 * MW });
    assert.deepEqual(setpoints(turn({ [REMOTE]: 1 })), [-2 * MW, 9 * MW]);
    const next = setpoints(turn());
    assert.equal(next.length, 2);
    assert.ok(Math.abs(next[0]! + 2 * MW) <= 3_500, `${next[0]} W`);
    assert.ok(Math.abs(next[1]! - 9 * MW) <= 3_500, `${next[1]} W`);
  });
});

describe("quality of what control reads", () => {
  it("never lets an uncertain power through as a measurement", () => {
    const plan = testPlan({ withFeeders: false });
    const image = new PointImage(pointCountOf(2));
    const state = createControl(plan, { now: monotonicMs(0), latches: undefined });
    let last: SeenCycle | undefined;
    // 3 s until a unit reverts, and 12 MW at 25 kW/s until it has.
    const revertedMs = 483_000;
    for (let now = 50; now <= revertedMs; now += 50) {
      const quality = now < 2_000 ? qualityCode("stale") : GOOD;
      image.post(readingOf({ [METER]: 20 * MW, [unitPoints(0).power]: MW }, { at: now, quality }));
      image.take();
      const inputs = { commands: [], orders: [], outcomes: [], view: image.view };
      const turned = cycle(state, { ...inputs, now: monotonicMs(now), utc: utcMs(now) });
      last = { ...turned, status: statusOf(state) };
      if (now < revertedMs) assert.equal(last.status.source, "none");
      if (now < 2_000) assert.deepEqual(last.writes, []);
    }
    assert.equal(last?.status.source, "meter", "the unit never heard counts as reverted");
  });
});
