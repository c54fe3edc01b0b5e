import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StealMeter, stealTicks } from "../../src/platform/steal-time.ts";

const stat = (first: number, second: number): string =>
  [
    `cpu  10 0 10 100 0 0 1 ${first + second} 0 0`,
    `cpu0 5 0 5 50 0 0 1 ${first} 0 0`,
    `cpu1 5 0 5 50 0 0 0 ${second} 0 0`,
    "intr 1234 0 0",
    "ctxt 99",
    "",
  ].join("\n");

describe("steal time", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "steal-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("is read for each processor, and not for their sum", () => {
    assert.deepEqual(stealTicks(stat(7, 9)), [7, 9]);
    assert.deepEqual(stealTicks("cpu  1 2 3\ncpu0 1 2 3\n"), [], "a kernel that does not tell");
    assert.deepEqual(stealTicks(""), []);
  });

  it("tells what was kept since the last call from the processor that lacked most", () => {
    const file = path.join(folder, "stat");
    writeFileSync(file, stat(100, 200));
    const meter = new StealMeter(file);
    assert.equal(meter.takenMs(), 0, "what was before does not count");
    writeFileSync(file, stat(103, 207));
    assert.equal(meter.takenMs(), 70);
    assert.equal(meter.takenMs(), 0);
    meter.close();
    assert.equal(meter.takenMs(), 0);
  });

  it("is nothing where the system does not tell", () => {
    const meter = new StealMeter(path.join(folder, "missing"));
    assert.equal(meter.takenMs(), 0);
    meter.close();
  });

  it("reads what this system says", () => {
    const meter = new StealMeter();
    assert.ok(meter.takenMs() >= 0);
    meter.close();
  });
});
