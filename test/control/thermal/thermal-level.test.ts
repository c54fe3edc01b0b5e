import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { compileEnvelope } from "../../../src/control/envelope.ts";
import type { CyclicReport } from "../../../src/control/exchange.ts";
import { type ShedCause } from "../../../src/control/thermal/shed.ts";
import {
  ASSETS_PER_TURN,
  createThermal,
  guardOf,
  parseThermalLatches,
  releaseThermal,
  stepThermal,
  thermalLatches,
} from "../../../src/control/thermal/thermal-level.ts";
import { pointIndex } from "../../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../../src/domain/time.ts";
import { PointImage } from "../../../src/points/image.ts";

import { deliveryPlan, Hall, POINTS, type PointName } from "../../support/thermal-hall.ts";

/** Less than the controllers themselves would ask for. */
const MOST_PERCENT = 90;
const LEAKING = { rope: 1, secondRope: 1 } as const;

describe("thermal controllers of a site", () => {
  for (const mode of ["observe", "request"] as const)
    it(`write nothing in ${mode}, whatever happens`, () => {
      const hall = new Hall(2, mode);
      hall.run(5);
      hall.set({ ...LEAKING, flow: 0, return_: 58 });
      hall.run(40);
      assert.deepEqual(hall.writes, []);
      const [wanted, other] =
        mode === "observe"
          ? ["shed-advised", "shed-requested"]
          : ["shed-requested", "shed-advised"];
      assert.ok(hall.ids().includes(wanted), hall.ids().join());
      assert.ok(!hall.ids().includes(other));
    });

  it("ask for all the load of a loop that they find at a standstill, its heat unmeasured", () => {
    const hall = new Hall(1, "request");
    hall.set({ flow: 0, return_: 32 });
    hall.run(10);
    assert.ok(hall.ids().includes("coolant-flow-lost"), hall.ids().join());
    const { shed } = hall.state.zones[0]!.state;
    assert.ok(shed.out.powerW >= 2.5e6, `${shed.out.powerW} W`);
    const resting = new Hall(1, "request");
    resting.set({ flow: 0, return_: 32, speed: 0 });
    resting.run(10);
    assert.deepEqual(resting.ids(), []);
  });

  it("ask for shed before the valve shuts and the pumps stop, in that order", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    const before = hall.writes.length;
    hall.set(LEAKING);
    hall.run(4);
    assert.ok(hall.ids().includes("shed-requested"));
    assert.ok(
      hall.writes.slice(before).every(({ value }) => value > 0),
      "nothing stops yet",
    );
    const [valve, pumps] = hall.run(20).filter(({ isProtective }) => isProtective);
    assert.deepEqual([valve?.point, valve?.value], [POINTS.zoneValve, 0]);
    assert.deepEqual([pumps?.point, pumps?.value], [POINTS.speed, 0]);
  });

  it("run the pumps at full speed while the coolant is warm, though its flow is enough", () => {
    for (const [supply, return_, least] of [
      [32, 42, 0],
      [43, 53, 100],
      [42.5, 51, 100],
    ] as const) {
      const hall = new Hall(1, "control");
      hall.run(5);
      hall.set({ supply, return_ });
      hall.run(20);
      const speed = hall.writes.filter(({ point }) => point === POINTS.speed).at(-1)?.value ?? 0;
      assert.ok(least === 0 ? speed < 90 : speed >= least, `${speed} % at ${supply} °C`);
    }
  });

  const DANGERS = [
    ["coolant-hot", 20, () => ({ supply: 46, return_: 61 })],
    ["coolant-heating", 60, (s: number) => ({ return_: 44 + 0.2 * s })],
    ["cooling-unknown", 65, () => ({ flow: "lost", supply: "lost", return_: "lost" })],
    ["coolant-flow-lost", 10, () => ({ flow: 0 })],
    ["leak-confirmed", 5, () => LEAKING],
  ] as const satisfies readonly (readonly [
    ShedCause,
    number,
    (s: number) => Partial<Record<PointName, number | "lost">>,
  ])[];
  for (const [cause, withinS, valuesAt] of DANGERS)
    it(`ask for shed within ${withinS} s: ${cause}`, () => {
      const hall = new Hall(1, "request");
      const isAsked = () => hall.state.zones[0]?.state.shed.causes[cause].isAsked;
      hall.run(30);
      assert.equal(isAsked(), false);
      let s = 0;
      hall.run(withinS, () => {
        hall.set(valuesAt(s));
        s += 1;
      });
      assert.equal(isAsked(), true);
      assert.ok(hall.ids().includes("shed-requested"));
    });

  it("start the standby pump for a lost one, and none in a zone that is shut off", () => {
    const hall = new Hall(1, "control");
    const starts = (seconds: number) =>
      hall.run(seconds).filter(({ point }) => point === POINTS.standby);
    assert.deepEqual(starts(10), []);
    hall.set({ flow: 0.9 * 3_614 });
    const [start] = starts(4);
    assert.ok(start !== undefined);
    assert.equal(start.value, 1);
    // Refused, it is tried again, as long as coolant may flow at all.
    const { point, value, sentAt } = start;
    const refused = { point, value, sentAt, readBack: undefined, result: "refused" } as const;
    const refuse = () => {
      hall.outcomes = [{ ...refused, reason: "DEVICE_EXCEPTION" }];
    };
    refuse();
    assert.equal(starts(15).length, 1);
    hall.set(LEAKING);
    hall.run(30);
    assert.ok(hall.writes.some(({ isProtective, value: sent }) => isProtective && sent === 0));
    refuse();
    assert.deepEqual(starts(30), []);
  });

  it("ask for a safe state again each second until the device shows it", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    hall.set(LEAKING);
    hall.run(30);
    const stops = () =>
      hall.run(5).filter(({ point, value }) => point === POINTS.speed && value === 0);
    assert.equal(stops().length, 5);
    hall.set({ speed: 0, zoneValve: 0 });
    hall.run(2);
    assert.deepEqual(stops(), []);
    hall.set({ speed: 83 });
    assert.ok(stops().length >= 4, "somebody started them again");
  });

  it("tell that a device does not take its setpoint, and ask again later", () => {
    const hall = new Hall(1, "control");
    const [write] = hall.run(3);
    assert.ok(write !== undefined);
    const { point, value, sentAt } = write;
    const refused = { point, value, sentAt, readBack: undefined } as const;
    hall.outcomes = [{ ...refused, result: "refused", reason: "DEVICE_EXCEPTION" }];
    assert.deepEqual(hall.run(5), []);
    assert.deepEqual(hall.ids(), ["cooling-write-refused"]);
    assert.ok(hall.run(10).length > 0);
    hall.outcomes = [{ ...refused, result: "accepted", reason: undefined }];
    hall.run(1);
    assert.deepEqual(hall.ids("cleared"), ["cooling-write-refused"]);
  });

  it("tell of each actuator of an asset by itself whether it is refused", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    hall.set(LEAKING);
    hall.run(30);
    const report = (point: number, result: "accepted" | "refused"): CyclicReport => ({
      point: pointIndex(point),
      value: 0,
      sentAt: monotonicMs(hall.now),
      readBack: undefined,
      ...(result === "refused"
        ? { result, reason: "DEVICE_EXCEPTION" }
        : { result, reason: undefined }),
    });
    hall.outcomes = [report(POINTS.zoneValve, "refused")];
    hall.run(0.05);
    hall.outcomes = [report(POINTS.speed, "refused"), report(POINTS.speed, "accepted")];
    hall.run(0.05);
    const told = hall.events.filter(({ id }) => id === "cooling-write-refused");
    assert.deepEqual(
      told.map(({ phase, point }) => [phase, point]),
      [
        ["raised", "valve-position-setpoint"],
        ["raised", "pump-speed-setpoint"],
        ["cleared", "pump-speed-setpoint"],
      ],
    );
  });

  it("send a setpoint again of which nobody knows whether it arrived", () => {
    const hall = new Hall(1, "control");
    const [write] = hall.run(3);
    assert.ok(write !== undefined);
    hall.run(30);
    const { point, value, sentAt } = write;
    assert.deepEqual(hall.run(3), [], "a value that stands is not repeated");
    hall.outcomes = [
      { point, value, sentAt, result: "unknown", reason: "LINK_TIMEOUT", readBack: undefined },
    ];
    assert.equal(hall.run(2).length, 1);
  });

  it("let go of an asset that somebody else takes, and come back without a step", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    hall.mode = "observe";
    hall.set({ speed: 50 });
    assert.deepEqual(hall.run(30), []);
    hall.mode = "control";
    const [first] = hall.run(2);
    assert.ok(first !== undefined && Math.abs(first.value - 50) <= 10, `${first?.value}`);
  });

  it("step a few assets in a turn, each once in a period, however many there are", () => {
    const hall = new Hall(100, "observe");
    const steps = new Map<string, number>();
    const count = (): number =>
      [...hall.state.zones].filter(({ dueAt }) => dueAt > -Infinity).length;
    hall.run(0.05);
    assert.equal(count(), ASSETS_PER_TURN);
    hall.run(1);
    assert.equal(count(), 100);
    for (let turn = 0; turn < 200; turn += 1) {
      const before = hall.state.zones.map(({ dueAt }) => dueAt);
      hall.run(0.05);
      const moved = hall.state.zones.filter(({ dueAt }, place) => dueAt !== before[place]);
      assert.ok(moved.length <= ASSETS_PER_TURN);
      for (const { plan } of moved) steps.set(plan.asset, (steps.get(plan.asset) ?? 0) + 1);
    }
    for (const times of steps.values()) assert.ok(times >= 9 && times <= 11, `${times} in 10 s`);
  });

  it("save their latches, and take them back: a restart does not start pumps of a leak", () => {
    const hall = new Hall(2, "control");
    hall.run(5);
    hall.set(LEAKING);
    hall.run(40);
    const saved = parseThermalLatches(JSON.parse(JSON.stringify(thermalLatches(hall.state))));
    assert.ok(saved !== "unreadable");
    assert.deepEqual(
      saved.latches.map(({ asset, cause }) => [asset, cause]),
      [["cdu-1", "leak-confirmed"]],
    );
    hall.set({ rope: 0, secondRope: 0, speed: 0, flow: 0 });
    hall.state = createThermal(hall.plan, saved);
    const starts = hall.run(20).filter(({ point, value }) => point === POINTS.speed && value > 0);
    assert.deepEqual(starts, []);
    hall.state = createThermal(hall.plan, undefined);
    const free = hall.run(20).filter(({ point, value }) => point === POINTS.speed && value > 0);
    assert.ok(free.length > 0, "the negative control: without the latch they start");
  });

  it("save one delivery that is isolated in the turn in which another one comes back", () => {
    const state = createThermal(
      { periodMs: 1_000, rooms: [], zones: [], deliveries: [deliveryPlan(0), deliveryPlan(1)] },
      undefined,
    );
    const image = new PointImage(2);
    let now = 0;
    const turn = (seconds: number, first: number | "lost", second: number): number => {
      now += seconds * 1_000;
      image.post({
        points: Uint32Array.of(0, 1),
        values: Float64Array.of(Number(first), second),
        quality: Uint8Array.of(first === "lost" ? qualityCode("no-communication") : GOOD, GOOD),
        sourceTimes: undefined,
        texts: undefined,
        receivedAt: monotonicMs(now),
        receivedUtc: utcMs(now),
      });
      image.take();
      return stepThermal(state, {
        now: monotonicMs(now),
        utc: utcMs(now),
        view: image.view,
        envelope: compileEnvelope([]),
        outcomes: [],
        modeOf: (_asset, asked) => asked,
      }).latchRevision;
    };
    for (let s = 0; s < 70; s += 1) turn(1, "lost", 30);
    turn(1, "lost", 500);
    const before = turn(2, "lost", 500);
    const after = turn(2, 30, 500);
    assert.deepEqual(
      state.deliveries.map(({ state: { isolation } }) => isolation),
      ["none", "contamination"],
    );
    assert.ok(after > before, `${before} → ${after}`);
  });

  it("write nothing after latches that cannot be read, until a person has looked", () => {
    for (const broken of [undefined, {}, { version: 2, latches: [] }, { version: 1, latches: [1] }])
      assert.equal(parseThermalLatches(broken), "unreadable");
    const hall = new Hall(1, "control");
    hall.state = createThermal(hall.plan, "unreadable");
    assert.deepEqual(hall.run(10), []);
    assert.deepEqual(hall.ids(), ["cooling-latches-unreadable"]);
    const order = { kind: "reset", trip: "all", by: "anna" } as const;
    assert.equal(releaseThermal(hall.state, order)?.result, "done");
    assert.ok(hall.run(10).length > 0);
  });

  it("answer a reset: cause there, hold-off, done, and none of theirs", () => {
    const hall = new Hall(1, "request");
    hall.run(5);
    const reset = (trip: string) => releaseThermal(hall.state, { kind: "reset", trip, by: "anna" });
    assert.equal(reset("all"), undefined);
    assert.equal(reset("emergency-stop"), undefined);
    hall.set(LEAKING);
    hall.run(10);
    assert.deepEqual(reset("leak-confirmed")?.reason, "cause-present");
    hall.set({ rope: 0, secondRope: 0 });
    hall.run(30);
    assert.deepEqual(reset("all")?.reason, "hold-off");
    hall.run(60);
    assert.deepEqual(reset("leak-confirmed")?.result, "done");
    hall.run(2);
    assert.ok(hall.ids("cleared").includes("shed-requested"));
  });

  it("do not release load while the coolant would not take it", () => {
    const hall = new Hall(1, "request");
    hall.run(5);
    hall.set({ return_: 61 });
    hall.run(5);
    // The load goes, and the flow after it: 0.25 MW in 400 L/min.
    hall.set({ return_: 33 });
    hall.run(600);
    hall.set({ return_: 41, flow: 400 });
    hall.run(70);
    releaseThermal(hall.state, { kind: "reset", trip: "all", by: "anna" });
    hall.run(10);
    assert.ok(!hall.ids("cleared").includes("shed-requested"), "2.5 MW do not fit into 400 L/min");
    hall.set({ flow: 3_614, return_: 33 });
    hall.run(10);
    assert.ok(hall.ids("cleared").includes("shed-requested"));
  });

  it("judge a command by what they know of the zone", () => {
    const hall = new Hall(1, "observe");
    hall.run(5);
    const judge = (asset: string, percent: number) =>
      guardOf(hall.state, asset, { kind: "pump-speed", percent });
    assert.equal(judge("cdu-1", 70)?.result, "allowed");
    assert.equal(judge("cdu-1", 20)?.result, "refused");
    assert.equal(judge("cdu-9", 20), undefined);
  });

  it("keep every write inside the envelope, whatever is read", () => {
    const value = fc.oneof(
      fc.double({ min: -50, max: 5_000, noNaN: true }),
      fc.double(),
      fc.constant("lost" as const),
      fc.constantFrom(0, 1),
    );
    const names = Object.keys(POINTS) as PointName[];
    const step = fc.record(Object.fromEntries(names.map((name) => [name, value])));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        const hall = new Hall(1, "control", { mostPercent: MOST_PERCENT });
        hall.run(2);
        for (const values of steps) {
          hall.set(values);
          hall.run(3);
        }
        for (const { value: written, point, isProtective } of hall.writes) {
          assert.ok(written >= 0 && written <= MOST_PERCENT, `${written}`);
          if (point === POINTS.speed && !isProtective) assert.ok(written >= 30);
        }
        const asked = hall.ids().filter((id) => id === "shed-requested").length;
        const ended = hall.ids("cleared").filter((id) => id === "shed-requested").length;
        assert.ok(ended <= asked);
      }),
      { numRuns: 60 },
    );
  });
});
