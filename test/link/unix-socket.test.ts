import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { socketPath } from "../../src/link/socket-paths.ts";
import { closeUnix, connectUnix, listenUnix } from "../../src/link/unix-socket.ts";
import { socketDirectory } from "./link-rig.ts";

describe("unix sockets", () => {
  let directory: ReturnType<typeof socketDirectory>;
  beforeEach(() => (directory = socketDirectory()));
  afterEach(() => {
    directory.remove();
  });
  const listen = async (path: string) =>
    listenUnix({ path, onConnection: (socket) => socket.destroy() });
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const never = new AbortController().signal;

  it("gives the socket to owner and group, and a directory that it makes to nobody", async () => {
    const path = socketPath(directory.path, "control/local");
    const server = await listen(path);
    assert.equal(modeOf(path), 0o660);
    assert.equal(modeOf(join(directory.path, "control/local")), 0o700);
    await closeUnix(server, []);
    assert.equal(existsSync(path), false);
  });

  it("leaves the rights of a directory that is there", async () => {
    chmodSync(directory.path, 0o750);
    const server = await listen(join(directory.path, "socket"));
    assert.equal(modeOf(directory.path), 0o750);
    await closeUnix(server, []);
  });

  it("replaces the socket of a process that was killed", async () => {
    const path = join(directory.path, "socket");
    const script = `require("net").createServer()
      .listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script, path]);
    assert.ok(existsSync(path), "the killed process left its socket");
    const server = await listen(path);
    (await connectUnix(path, never)).destroy();
    await closeUnix(server, []);
  });

  it("does not take a socket on which somebody listens, and leaves him alone", async () => {
    const path = join(directory.path, "socket");
    const server = await listen(path);
    await assert.rejects(listen(path), { code: "INSTANCE_RUNNING" });
    (await connectUnix(path, never)).destroy();
    await closeUnix(server, []);
  });

  it("does not remove a file that is no socket", async () => {
    const path = join(directory.path, "notes");
    writeFileSync(path, "mine");
    await assert.rejects(listen(path), { code: "CONFIG_INVALID" });
    assert.ok(existsSync(path));
  });

  it("says that a path is too long instead of cutting it", async () => {
    const path = join(directory.path, "x".repeat(108 - directory.path.length - 1));
    assert.equal(Buffer.byteLength(path), 108);
    await assert.rejects(listen(path), /path of a socket is too long.*|maxBytes=107/);
    await assert.rejects(connectUnix(path, never), { code: "CONFIG_INVALID" });
    const server = await listen(path.slice(0, -1));
    await closeUnix(server, []);
  });

  it("says where it cannot listen", async () => {
    const path = join(directory.path, "notes");
    writeFileSync(path, "mine");
    await assert.rejects(listen(join(path, "socket")), { code: "CONFIG_INVALID" });
  });

  it("says that nobody listens, or why it gave up", async () => {
    const path = join(directory.path, "socket");
    await assert.rejects(connectUnix(path, never), { code: "PEER_LOST", retry: "transient" });
    await assert.rejects(connectUnix(path, AbortSignal.abort(new Error("enough"))), /enough/);
    const server = await listen(path);
    const controller = new AbortController();
    const connecting = connectUnix(path, controller.signal);
    controller.abort(new Error("changed my mind"));
    await assert.rejects(connecting, /changed my mind/);
    await closeUnix(server, []);
  });
});
