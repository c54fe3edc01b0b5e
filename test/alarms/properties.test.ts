import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { alarmProcessing } from "../../src/domain/alarms/processing.ts";
import { SEVERITIES } from "../../src/domain/alarms/severities.ts";
import type { Severity } from "../../src/domain/event.ts";
import { BoardBench } from "./board-bench.ts";

const IDS: readonly (readonly [string, Severity])[] = [
  ["no-communication", "warning"],
  ["unit-silent", "warning"],
  ["pcs-fault", "critical"],
  ["supply-hot", "warning"],
  ["supply-hot", "critical"],
  ["emergency-stop", "trip"],
  ["battery-trip", "trip"],
  ["local-mode", "info"],
];
const DEVICES = ["a", "b", "c", "d", "e", "f", "g"];

const ACT = fc.record({
  kind: fc.constantFrom("raise", "raise", "clear", "ack", "ack-all", "shelve", "unshelve", "lost"),
  alarm: fc.constantFrom(...IDS),
  device: fc.constantFrom(...DEVICES),
  waitS: fc.constantFrom(0, 0.25, 1, 4, 12, 70, 4_000),
});

type Act = typeof ACT extends fc.Arbitrary<infer T> ? T : never;

/** What is active by a book of its own, with since when. */
class Book {
  readonly active = new Map<string, { readonly sinceMs: number; severity: Severity }>();

  take({ kind, alarm: [id, severity], device }: Act, nowMs: number): void {
    const name = `${id} ${device}`;
    if (kind === "raise") {
      const known = this.active.get(name);
      if (known === undefined) this.active.set(name, { sinceMs: nowMs, severity });
      else known.severity = severity;
    }
    if (kind === "clear") this.active.delete(name);
  }

  /** What has to be in a list now: active longer than its delay. */
  due(nowMs: number): string[] {
    return [...this.active]
      .filter(([name, { sinceMs, severity }]) => {
        const { onDelayMs } = alarmProcessing(name.split(" ")[0] ?? "", severity);
        return nowMs - sinceMs >= onDelayMs;
      })
      .map(([name]) => name);
  }
}

function act(bench: BoardBench, { kind, alarm: [id, severity], device }: Act): void {
  if (kind === "raise") bench.raise(id, { severity, device });
  if (kind === "clear") bench.clear(id, { device });
  if (kind === "ack") bench.ack(id, device);
  if (kind === "ack-all") bench.ack();
  if (kind === "shelve") bench.shelve(id, device, 1);
  if (kind === "unshelve") bench.board.unshelve({ id, device, by: "bert" }, bench.at);
  if (kind === "lost") bench.board.sourceLost("control", bench.at.utc);
}

const RUNS = { numRuns: 300 };
const ACTS = fc.array(ACT, { maxLength: 40 });

describe("whatever is done with alarms", () => {
  it("what is active is in the list", () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        const bench = new BoardBench();
        const book = new Book();
        for (const one of acts) {
          act(bench, one);
          book.take(one, bench.nowMs);
          bench.pass(one.waitS);
          const listed = new Set(bench.list.map(({ id, device = "" }) => `${id} ${device}`));
          for (const name of book.due(bench.nowMs)) assert.ok(listed.has(name), name);
        }
      }),
      RUNS,
    );
  });

  it("an acknowledgement takes nothing active out of the list, and resets nothing", () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        const bench = new BoardBench();
        const told = () =>
          IDS.flatMap(([id]) => DEVICES.map((device) => bench.board.isTold(id, device)));
        for (const one of acts) {
          act(bench, one);
          bench.pass(one.waitS);
          const active = bench.list.filter(({ state }) => state !== "returned");
          const before = told();
          bench.ack();
          assert.deepEqual(told(), before);
          assert.deepEqual(
            bench.list.map(({ id, device }) => [id, device]).sort(),
            active.map(({ id, device }) => [id, device]).sort(),
          );
          assert.ok(bench.list.every(({ state }) => state !== "unacknowledged"));
        }
      }),
      RUNS,
    );
  });

  it("a trip calls at once, and is neither shelved nor suppressed", () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        const bench = new BoardBench();
        for (const one of acts) {
          const [id, severity] = one.alarm;
          const isNew = !bench.board.isTold(id, one.device);
          const before = bench.called.length;
          act(bench, one);
          if (one.kind === "raise" && severity === "trip" && isNew)
            assert.deepEqual(bench.called.slice(before), [`${id} ${one.device}`]);
          bench.pass(one.waitS);
          for (const alarm of bench.list)
            if (alarm.severity === "trip")
              assert.ok(alarm.state !== "shelved" && alarm.state !== "suppressed");
        }
      }),
      RUNS,
    );
  });

  it("everything that waits for somebody has called, or is counted in the flood", () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        const bench = new BoardBench();
        for (const one of acts) {
          act(bench, one);
          bench.pass(one.waitS);
          const called = new Set(bench.called);
          for (const { id, device = "", state, isCollected } of bench.list)
            if (state === "unacknowledged" && isCollected !== true)
              assert.ok(called.has(`${id} ${device}`.trim()), `${id} ${device}`);
        }
      }),
      RUNS,
    );
  });
});

describe("processing of alarms", () => {
  it("never delays, suppresses, gathers or shelves a trip, whatever is said of its id", () => {
    for (const id of Object.values(SEVERITIES).flat()) {
      const how = alarmProcessing(id, "trip");
      assert.deepEqual([how.onDelayMs, how.offDelayMs], [0, 0], id);
      assert.deepEqual([how.suppressedBy, how.gathersAs, how.canBeShelved], [[], undefined, false]);
    }
  });
});
