import { authorityRecord, fullAuthority } from "../../src/control/authority/authority.ts";
import { strict as assert } from "node:assert";
import type { PlantEvent } from "../../src/domain/event.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import {
  isTripped,
  LATCHES_UNREADABLE,
  latchTrips,
  noTrips,
  resetTrips,
} from "../../src/control/trips.ts";
import { latchRecord, parseLatchRecord, restoreTrips } from "../../src/control/trip-record.ts";
import { PointImage } from "../../src/points/image.ts";
import { ESTOP_BIT, pointCountOf, testPlan, unitPoints } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const CLOCKS = { now: 0, utc: 0 };
const PRESSED = 2 ** ESTOP_BIT;

function start() {
  const base = testPlan();
  const plan = {
    ...base,
    trips: base.trips.map((rule, unit) => ({ ...rule, units: unit === 0 ? [0, 1] : [1] })),
  };
  const image = new PointImage(pointCountOf(2));
  const state = noTrips(plan);
  const events: PlantEvent[] = [];
  let at = 0;
  const read = (first: number, second: number, quality = 0) => {
    at += 50;
    image.post(readingOf({ [unitPoints(0).alarms]: first }, { at: at - 1, quality }));
    image.post(readingOf({ [unitPoints(1).alarms]: second }, { at, quality }));
    image.take();
    latchTrips(state, plan, { view: image.view, now: monotonicMs(at), utc: utcMs(at) }, events);
  };
  const reset = (trip: string) => {
    const order = { kind: "reset", trip, by: "anna" } as const;
    const answer = resetTrips(state, plan, { now: monotonicMs(at), utc: utcMs(at), order }, events);
    return answer.reason ?? answer.result;
  };
  return { plan, state, events, read, reset };
}

describe("trips", () => {
  it("latch with their first-out cause and stay when the cause is gone", () => {
    const { state, events, read } = start();
    read(0, 0);
    assert.equal(state.latched.length, 0);
    read(PRESSED, PRESSED);
    read(0, 0);
    assert.deepEqual(
      state.latched.map((trip) => [trip.device, trip.isFirstOut]),
      [
        ["bess-1", true],
        ["bess-2", false],
      ],
    );
    assert.deepEqual(
      events.map((event) => [event.id, event.phase, event.severity]),
      [
        ["emergency-stop", "raised", "trip"],
        ["emergency-stop", "raised", "trip"],
      ],
    );
    assert.equal(state.revision, 2);
  });

  it("name as first-out the cause that came first within one cycle", () => {
    const { state, read } = start();
    read(0, 0);
    const { plan } = start();
    const image = new PointImage(pointCountOf(2));
    image.post(readingOf({ [unitPoints(0).alarms]: PRESSED }, { at: 40 }));
    image.post(readingOf({ [unitPoints(1).alarms]: PRESSED }, { at: 30 }));
    image.take();
    latchTrips(state, plan, { view: image.view, now: monotonicMs(50), utc: utcMs(50) }, []);
    assert.deepEqual(
      state.latched.map((trip) => [trip.device, trip.isFirstOut]),
      [
        ["bess-2", true],
        ["bess-1", false],
      ],
    );
  });

  it("hold the units of their rule", () => {
    const { state, read } = start();
    read(0, PRESSED);
    assert.deepEqual([isTripped(state, 0), isTripped(state, 1)], [false, true]);
  });

  it("are neither set by a bad value nor lifted while the cause cannot be seen", () => {
    const { state, read, reset } = start();
    read(PRESSED, 0, qualityCode("no-communication"));
    assert.equal(state.latched.length, 0);
    read(PRESSED, 0, qualityCode("stale"));
    assert.equal(state.latched.length, 1, "an uncertain cause trips");
    read(0, 0, qualityCode("stale"));
    assert.equal(reset("all"), "cause-unknown");
    read(0, 0, qualityCode("no-communication"));
    assert.equal(reset("emergency-stop"), "cause-unknown");
    read(0, 0);
    assert.equal(reset("emergency-stop"), "done");
    assert.equal(state.latched.length, 0);
  });

  it("are not lifted while their cause is there, nor by a wrong name", () => {
    const { state, events, read, reset } = start();
    assert.equal(reset("all"), "no-such-trip");
    read(PRESSED, PRESSED);
    assert.equal(reset("insulation-fault"), "no-such-trip");
    assert.equal(reset("all"), "cause-present");
    read(0, PRESSED);
    assert.equal(reset("all"), "cause-present");
    assert.deepEqual(
      state.latched.map((trip) => trip.device),
      ["bess-2"],
      "one was lifted",
    );
    assert.equal(events.at(-1)?.phase, "cleared");
    assert.match(events.at(-1)?.text ?? "", /reset by anna/);
  });

  it("survive a restart as they were", () => {
    const { plan, state, read } = start();
    read(PRESSED, 0);
    const saved = parseLatchRecord(
      JSON.parse(
        JSON.stringify(latchRecord(state, plan, authorityRecord(fullAuthority()), CLOCKS)),
      ),
    );
    assert.notEqual(saved, "unreadable");
    const restored = noTrips(plan);
    restoreTrips(restored, plan, saved, CLOCKS);
    assert.deepEqual(restored.latched, state.latched);
  });

  it("hold every unit when they could not be read, until they are reset", () => {
    const { plan, state, reset } = start();
    restoreTrips(state, plan, "unreadable", CLOCKS);
    assert.deepEqual([isTripped(state, 0), isTripped(state, 1)], [true, true]);
    assert.equal(state.latched[0]?.id, LATCHES_UNREADABLE);
    assert.equal(reset("all"), "done");
  });

  it("hold every unit when a saved one names a unit that is no more", () => {
    for (const assets of [["bess-9"], []]) {
      const { plan, state } = start();
      const latch = { id: "x", device: "d", text: "t", at: 1, isFirstOut: true, assets };
      restoreTrips(state, plan, { version: 1, latches: [latch] }, CLOCKS);
      assert.deepEqual(state.latched[0]?.units, [0, 1]);
    }
  });

  const latch = { id: "x", device: "d", text: "t", at: 1, isFirstOut: true, assets: ["bess-1"] };
  const unreadable = [
    ["nothing", undefined],
    ["null", null],
    ["a list", []],
    ["another version", { version: 2, latches: [] }],
    ["no latches", { version: 1 }],
    ["a latch that is none", { version: 1, latches: [7] }],
    ["a latch without a name", { version: 1, latches: [{ ...latch, id: 1 }] }],
    ["a latch without a time", { version: 1, latches: [{ ...latch, at: "now" }] }],
    ["a latch without first-out", { version: 1, latches: [{ ...latch, isFirstOut: 1 }] }],
    ["a latch without units", { version: 1, latches: [{ ...latch, assets: "bess-1" }] }],
    ["a latch of numbered units", { version: 1, latches: [{ ...latch, assets: [1] }] }],
  ] as const;
  for (const [name, document] of unreadable) {
    it(`cannot be read from ${name}`, () => {
      assert.equal(parseLatchRecord(document), "unreadable");
    });
  }
});
