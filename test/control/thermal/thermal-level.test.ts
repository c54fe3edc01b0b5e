import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { compileEnvelope } from "../../../src/control/envelope.ts";
import {
  ASSETS_PER_TURN,
  createThermal,
  guardOf,
  parseThermalLatches,
  releaseThermal,
  stepThermal,
  thermalLatches,
} from "../../../src/control/thermal/thermal-level.ts";
import { GOOD, qualityCode } from "../../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../../src/domain/time.ts";
import { PointImage } from "../../../src/points/image.ts";

import { deliveryPlan, Hall, POINTS, type PointName } from "../../support/thermal-hall.ts";

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
        const hall = new Hall(1, "control");
        hall.run(2);
        for (const values of steps) {
          hall.set(values);
          hall.run(3);
        }
        for (const { value: written, point, isProtective } of hall.writes) {
          assert.ok(written >= 0 && written <= 100, `${written}`);
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
