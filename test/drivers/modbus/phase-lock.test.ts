import { strict as assert } from "node:assert";
import { PhaseLock } from "../../../src/drivers/modbus/phase-lock.ts";

const PERIOD_MS = 50;

/** Rounds of one byte, one in each period from `fromMs` on. */
function note(lock: PhaseLock, values: readonly number[], fromMs = 0, leadMs = 5): void {
  for (const [at, value] of values.entries()) {
    const dueMs = fromMs + at * PERIOD_MS;
    lock.note(Uint8Array.of(value), { dueMs, periodMs: PERIOD_MS, leadMs });
  }
}

function counting(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at % 256);
}

describe("phase lock", () => {
  it("asks for nothing while it only looks, whatever becomes of the lead", () => {
    const asked: number[] = [];
    const lock = new PhaseLock((shiftMs) => asked.push(shiftMs));
    note(lock, counting(30), 0, 5);
    note(lock, counting(30), 1_500, 9);
    assert.equal(lock.state, "observing");
    assert.deepEqual([...new Set(asked)], [0]);
  });

  it("moves reads once it has seen that each round is new, and cycles with their lead", () => {
    const asked: number[] = [];
    const lock = new PhaseLock((shiftMs) => asked.push(shiftMs));
    note(lock, counting(66), 0, 5);
    assert.equal(lock.state, "searching");
    const before = asked.at(-1) ?? Number.NaN;
    assert.ok(before < 0, "earlier");
    note(lock, [66], 66 * PERIOD_MS, 7);
    assert.equal(asked.at(-1), before - 0.5 + 2, "a lead that grows by 2 moves the cycle by 2");
  });

  it("finds the place where a round was not new, and goes back from it", () => {
    const asked: number[] = [];
    const lock = new PhaseLock((shiftMs) => asked.push(shiftMs));
    note(lock, [...counting(80), 79]);
    assert.equal(lock.state, "locked");
    assert.equal((asked.at(-1) ?? 0) - (asked.at(-2) ?? 0), 2);
  });

  it("takes no rhythm from rounds that are not one after the other", () => {
    const lock = new PhaseLock(() => undefined);
    note(lock, counting(66));
    assert.equal(lock.state, "searching");
    note(lock, [1], 70 * PERIOD_MS);
    assert.equal(lock.state, "observing");
  });

  it("compares all bytes of a round, and rounds of different length as different", () => {
    const lock = new PhaseLock(() => undefined);
    for (let at = 0; at < 66; at += 1) {
      const bytes = new Uint8Array(2 + (at % 2)).fill(7);
      lock.note(bytes, { dueMs: at * PERIOD_MS, periodMs: PERIOD_MS, leadMs: 5 });
    }
    assert.equal(lock.state, "searching");
  });
});
