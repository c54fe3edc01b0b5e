import { strict as assert } from "node:assert";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { becomeSingleInstance, holderOf } from "../../src/platform/single-instance.ts";

const MAIN = "test/platform/lock-holder/main.ts";

async function holder(lockFile: string) {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [
    "--import",
    "tsx",
    MAIN,
    lockFile,
  ]);
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

function acquire(lockFile: string): () => void {
  return () => {
    becomeSingleInstance(lockFile);
  };
}

describe("single instance", function () {
  // Each process is compiled as it starts.
  this.timeout(60_000);
  let directory: string;
  let lockFile: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lock-"));
    lockFile = join(directory, "control.lock");
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("refuses a second process and names the first, whose kill -9 frees the place", async () => {
    const first = await holder(lockFile);
    assert.equal(first.said, "held");
    const pid = first.child.pid ?? 0;
    assert.throws(acquire(lockFile), {
      code: "INSTANCE_RUNNING",
      context: { lockFile, pid },
    });
    const second = await holder(lockFile);
    assert.equal(second.said, "INSTANCE_RUNNING");
    if (second.child.exitCode === null) await once(second.child, "exit");
    assert.equal(second.child.exitCode, 2);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const third = await holder(lockFile);
    assert.equal(third.said, "held");
    assert.equal(readFileSync(lockFile, "utf8"), `${third.child.pid ?? 0}\n`);
    third.child.stdin.end();
    if (third.child.exitCode === null) await once(third.child, "exit");
    // Not only a violent end frees it; this process holds it until the tests are over.
    becomeSingleInstance(lockFile);
    assert.equal(readFileSync(lockFile, "utf8"), `${process.pid}\n`);
  });

  it("says when the lock file cannot be made", () => {
    assert.throws(acquire(join(directory, "none", "x.lock")), {
      code: "FILE_UNREADABLE",
    });
  });

  it("is looked at without being taken", () => {
    assert.equal(holderOf(lockFile), undefined, "nobody was ever here");
    assert.equal(existsSync(lockFile), false);
    becomeSingleInstance(lockFile);
    assert.equal(holderOf(lockFile), process.pid);
    assert.equal(holderOf(lockFile), process.pid, "the look before let nothing go");
    const former = join(directory, "former.lock");
    writeFileSync(former, "4711\n");
    assert.equal(holderOf(former), undefined, "whoever wrote it is gone");
    assert.equal(holderOf(former), undefined, "the look itself holds nothing");
    assert.equal(readFileSync(former, "utf8"), "4711\n");
    acquire(former)();
  });
});
