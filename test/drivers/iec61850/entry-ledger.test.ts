import assert from "node:assert/strict";
import { EntryLedger } from "../../../src/drivers/iec61850/entry-ledger.ts";
import { bytesOfHex, hexOf } from "../../../src/drivers/iec61850/hex.ts";
import { ReportMemory } from "../../../src/drivers/iec61850/report-memory.ts";

function resumeOf(memory: ReportMemory): string | undefined {
  return memory.resume === undefined ? undefined : hexOf(memory.resume.entryId);
}

function entry(number: number): { readonly block: string; readonly entryId: Uint8Array } {
  return { block: "brcb01", entryId: Uint8Array.of(number) };
}

describe("entries of buffered blocks on their way to the disk", () => {
  it("count as stored up to the round that is, and not one further", () => {
    const ledger = new EntryLedger();
    const memory = new ReportMemory(undefined);
    for (const seq of [5, 6, 9]) ledger.note(seq, memory, entry(seq));
    ledger.stored(4);
    assert.deepEqual([resumeOf(memory), ledger.revision], [undefined, 0]);
    ledger.stored(8);
    assert.deepEqual([resumeOf(memory), ledger.size, ledger.revision], ["06", 1, 1]);
    ledger.stored(9);
    assert.deepEqual([resumeOf(memory), ledger.size, ledger.revision], ["09", 0, 2]);
  });

  it("are each of their own block", () => {
    const ledger = new EntryLedger();
    const [one, other] = [new ReportMemory(undefined), new ReportMemory(undefined)];
    ledger.note(1, one, entry(1));
    ledger.note(2, other, entry(2));
    ledger.stored(1);
    assert.deepEqual([resumeOf(one), resumeOf(other)], ["01", undefined]);
  });

  it("are bounded while nothing is stored: what is forgotten is told again, never lost", () => {
    const ledger = new EntryLedger();
    const memory = new ReportMemory(undefined);
    for (let seq = 1; seq <= 10_000; seq += 1) ledger.note(seq, memory, entry(seq & 0xff));
    assert.equal(ledger.size, 4_096);
    ledger.stored(10_000 - 4_096);
    assert.equal(resumeOf(memory), undefined);
    ledger.stored(10_000);
    assert.equal(resumeOf(memory), (10_000 & 0xff).toString(16));
  });

  it("are written as hexadecimal, and nothing else is read", () => {
    const bytes = Uint8Array.of(0, 1, 0xab, 0xff);
    assert.deepEqual(bytesOfHex(hexOf(bytes)), bytes);
    assert.deepEqual(bytesOfHex(""), new Uint8Array(0));
    for (const wrong of ["a", "0g", "0X", "AB"]) assert.equal(bytesOfHex(wrong), undefined);
  });
});
