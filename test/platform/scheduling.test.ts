import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isScheduledFifo } from "../../native/libc.ts";
import { runInRealTime } from "../../src/platform/scheduling.ts";

describe("real-time scheduling", () => {
  it("puts every thread of a process before all others, or says why not", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"]);
    const { pid } = child;
    assert.ok(pid !== undefined);
    try {
      const outcome = runInRealTime(pid);
      assert.equal(isScheduledFifo(pid), outcome === "real-time");
      if (outcome !== "real-time") assert.equal(outcome, "EPERM");
      else assert.equal(runInRealTime(pid), "real-time");
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
});
