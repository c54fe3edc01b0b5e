import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ChildLimits,
  ChildRole,
  type ChildState,
  runChildren,
} from "../../src/platform/child.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { until } from "../support/until.ts";

const MAIN = "test/platform/stop-child/main.ts";

describe("child roles", function () {
  this.timeout(30_000);
  let directory: string;
  let record: string;
  let stop: AbortController;
  const running: Promise<void>[] = [];
  beforeEach(() => {
    stop = new AbortController();
    directory = mkdtempSync(join(tmpdir(), "child-"));
    record = join(directory, "record");
    writeFileSync(record, "");
  });
  // Also after a failure: a role that nobody stops is started again for ever.
  afterEach(async () => {
    stop.abort();
    await Promise.allSettled(running.splice(0));
    rmSync(directory, { recursive: true });
  });

  function role(name: string, args: string[], limits: Partial<ChildLimits> = {}) {
    const states: ChildState[] = [];
    const child = new ChildRole({
      name,
      command: process.execPath,
      args,
      clock: new SystemClock(),
      random: () => 0,
      onState: (state) => states.push(state),
      limits: { firstRestartMs: 1, longestRestartMs: 4, ...limits },
    });
    return { child, states };
  }
  const ending = async (run: Promise<void>) => {
    running.push(run);
    return run;
  };
  const real = (name: string, ...habit: string[]) => [
    "--import",
    "tsx",
    MAIN,
    name,
    record,
    ...habit,
  ];
  const lines = () => readFileSync(record, "utf8").trim().split("\n");
  const started = async (...names: string[]) =>
    until(() => names.every((name) => lines().includes(`${name} started`)), names.join());

  it("starts a role again whenever it ends", async () => {
    const { child, states } = role("field", ["-e", "process.exit(1)"]);
    const done = ending(child.run(stop.signal));
    await until(() => states.filter(({ state }) => state === "ended").length >= 3);
    stop.abort();
    await done;
    assert.deepEqual(states[1], { state: "ended", name: "field", end: { status: 1 } });
  });

  it("does not start again what refuses its input, and says who", async () => {
    const { child, states } = role("control", ["-e", "process.exit(2)"]);
    await assert.rejects(ending(child.run(stop.signal)), {
      code: "CONFIG_INVALID",
      context: { role: "control", command: process.execPath, reason: "its input is wrong" },
    });
    assert.equal(states.length, 2);
  });

  it("says when there is nothing to start", async () => {
    const child = new ChildRole({
      name: "scada",
      command: join(directory, "none"),
      args: [],
      clock: new SystemClock(),
      random: () => 0,
      onState: () => assert.fail("nothing started"),
    });
    await assert.rejects(ending(child.run(stop.signal)), { code: "CONFIG_INVALID" });
  });

  it("stops the roles in the order of the list, each after the one before is gone", async () => {
    const names = ["services", "field", "control"];
    const roles = names.map((name) => role(name, real(name)));
    const ended: string[] = [];
    const done = ending(
      runChildren(
        roles.map(({ child }) => child),
        stop.signal,
      ),
    );
    await started(...names);
    stop.abort();
    await done;
    for (const line of lines()) if (line.includes("stops")) ended.push(line.split(" ")[0] ?? "");
    assert.deepEqual(ended, names);
    for (const { states } of roles) {
      assert.deepEqual(states.at(-1)?.state === "ended" && states.at(-1), {
        state: "ended",
        name: states[0]?.name,
        end: { status: 0 },
      });
    }
  });

  it("stops all when one cannot be helped, and fails with its error", async () => {
    const good = role("services", real("services"));
    const bad = role("field", ["-e", "process.exit(2)"]);
    await assert.rejects(ending(runChildren([good.child, bad.child], stop.signal)), {
      code: "CONFIG_INVALID",
    });
    assert.equal(good.states.at(-1)?.state, "ended");
  });

  it("ends a role that does not stop", async () => {
    const { child, states } = role("field", real("field", "stubborn"), { graceMs: 50 });
    const done = ending(child.run(stop.signal));
    await started("field");
    stop.abort();
    await done;
    const last = states.at(-1);
    assert.ok(last?.state === "ended" && "signal" in last.end, JSON.stringify(last));
  });

  it("ends with its parent, however that dies", async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, ${JSON.stringify(real("orphan"))}, {
        stdio: ["pipe", "inherit", "inherit"],
      });
      console.log(child.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ["-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await started("orphan");
    parent.kill("SIGKILL");
    await once(parent, "exit");
    // The child holds the parent's standard output: it closes when the child is gone, too.
    if (!parent.stdout.destroyed) {
      parent.stdout.resume();
      await once(parent.stdout, "close");
    }
    assert.match(lines().at(-1) ?? "", /orphan stops: the parent process is gone/);
  });
});
