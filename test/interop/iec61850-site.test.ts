import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { writeReport } from "../../src/app/write-report.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { eventually } from "../integration/site-run.ts";
import { withChain } from "../app/station-chain.ts";
import { findLibrary } from "./pyiec61850.ts";

const PATIENCE_MS = 30_000;

/** Processes of this one that have the library loaded. */
function workers(): readonly number[] {
  const list = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], {
    encoding: "utf8",
  });
  return list
    .split("\n")
    .filter((line) => line.includes("native-worker"))
    .map((line) => Number.parseInt(line, 10));
}

/** A process that is started takes its time. */
async function until(is: () => boolean, what: string): Promise<void> {
  await eventually(what, PATIENCE_MS, () => (is() ? true : undefined));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a site whose connections name libiec61850", function () {
  this.timeout(60_000);
  let library: string;

  before(function () {
    const found = findLibrary();
    if (found === undefined) this.skip();
    else library = found;
  });

  it("is read, reported to and commanded by it, and its process ends with the south side", async () => {
    let pid: number | undefined;
    await withChain(
      async (chain) => {
        await chain.run(async (south) => {
          const relay = chain.simulation.station("relay");
          await until(() => chain.lastOf("relay/position") !== undefined, "a position");
          pid = workers()[0];
          assert.equal(workers().length, 1, "one process for both devices");
          relay.setState("position", "closed");
          relay.flush();
          await until(() => chain.lastOf("relay/position")?.value === 2, "the report");
          await until(() => chain.lastOf("bess-station/control-location") !== undefined, "values");
          const stream = chain.context.deviceById.get("bess-station")?.definition.stream;
          const index = chain.context.table.indexById.get("bess-station/active-power-setpoint");
          assert.ok(stream !== undefined && index !== undefined);
          const setpoint = { point: pointIndex(index), value: 2e6, confirm: "read-back" } as const;
          const signal = new AbortController().signal;
          const [outcome] = (await south.driver(stream)?.write([setpoint], signal)) ?? [];
          assert.ok(outcome !== undefined);
          assert.equal(writeReport(setpoint, outcome).result, "accepted");
        });
      },
      { connection: `, library: ${JSON.stringify(library)}` },
    );
    const worker = pid ?? assert.fail("a process of its own");
    await until(() => !isThere(worker), "the end of the process");
  });

  it("turns bad when the process dies, and comes back by itself", async () => {
    await withChain(
      async (chain) => {
        await chain.run(async () => {
          await until(() => chain.lastOf("relay/position")?.quality === 0, "a position");
          const [pid] = workers();
          assert.ok(pid !== undefined);
          const killedAt = performance.now();
          process.kill(pid, "SIGSEGV");
          await until(() => (chain.lastOf("relay/position")?.quality ?? 0) >= 64, "the loss");
          const spentMs = performance.now() - killedAt;
          assert.ok(spentMs <= 2_500, `${spentMs} ms`);
          await until(() => chain.lastOf("relay/position")?.quality === 0, "the return");
        });
      },
      { connection: `, library: ${JSON.stringify(library)}` },
    );
  });
});
