import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  isScheduledFifo,
  lockExclusively,
  openDatagramSocket,
  scheduleFifo,
  sendDatagram,
} from "../../native/libc.ts";

/** A foreign receiver: Node has no datagram sockets of this family. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\\0"))
print("bound", flush=True)
print(s.recv(4096).decode(), flush=True)
`;

describe("libc", function () {
  this.timeout(20_000);
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "libc-"))));
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("locks a file for one opener at a time", () => {
    const path = join(directory, "lock");
    const first = openSync(path, "a");
    const second = openSync(path, "a");
    assert.equal(lockExclusively(first), "locked");
    assert.equal(lockExclusively(second), "held-by-another");
    closeSync(first);
    assert.equal(lockExclusively(second), "locked");
    closeSync(second);
    assert.throws(() => lockExclusively(second), {
      code: "FILE_UNREADABLE",
      context: { reason: "cannot be locked", errno: "EBADF" },
    });
  });

  for (const kind of ["path", "abstract"] as const) {
    it(`sends a datagram to a socket with ${kind} name`, async function () {
      const address =
        kind === "path" ? join(directory, "notify") : `@libc-test-${process.pid}-${Date.now()}`;
      const receiver = spawn("python3", ["-c", RECEIVER, address]);
      let text = "";
      receiver.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const isThere = await Promise.race([
        once(receiver, "error").then(() => false),
        once(receiver.stdout, "data").then(() => true),
      ]);
      if (!isThere) this.skip();
      assert.equal(sendDatagram(openDatagramSocket(), address, "READY=1\nSTATUS=läuft"), undefined);
      await once(receiver, "close");
      assert.equal(text, "bound\nREADY=1\nSTATUS=läuft\n");
    });
  }

  it("says why a datagram was not sent", () => {
    const fd = openDatagramSocket();
    assert.equal(sendDatagram(fd, join(directory, "nobody"), "x"), "ENOENT");
    assert.equal(sendDatagram(fd, `/${"x".repeat(107)}`, "x"), "ENAMETOOLONG");
  });

  it("puts every thread of a process under SCHED_FIFO where that is allowed", async () => {
    const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => 1, 1000)"]);
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    assert.equal(isScheduledFifo(pid), false);
    const refused = scheduleFifo(pid, 1);
    if (refused === undefined) assert.equal(isScheduledFifo(pid), true);
    else assert.equal(refused, "EPERM");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.throws(() => scheduleFifo(pid, 0), /1 to 99/);
  });
});
