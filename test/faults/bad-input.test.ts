import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { socketPath } from "../../src/link/socket-paths.ts";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, runCommand, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";
import { servicesSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

/** One line, and no stack of ours in it. */
function assertOneSentence(text: string): void {
  const lines = text.trim().split("\n");
  assert.equal(lines.length, 1, text);
  assert.doesNotMatch(text, /\n\s+at |node:internal/);
}

describe("bad input", function () {
  this.timeout(240_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("bad", {
      load: "mean",
      topics: ["tel/#", "evt/#", "ack/#", "status"],
      settles: true,
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  const nothingLost = async (): Promise<void> => {
    const from = performance.now();
    await north.wait(
      "telemetry goes on",
      20_000,
      ({ topic, atMs }) => topic === "tel/ups-1" && atMs > from,
    );
    const holes = (): string[] =>
      north.ledger
        .verdict()
        .streams.flatMap(({ stream, epochs }) =>
          epochs
            .filter(({ lost }) => lost > 0 && stream !== "gateway-services")
            .map(({ missing }) => `${stream} ${JSON.stringify(missing)}`),
        );
    await eventually("nothing is missing", 30_000, () =>
      holes().length === 0 ? true : undefined,
    ).catch(() => undefined);
    assert.deepEqual(holes(), []);
    assert.deepEqual(north.differing, []);
  };

  it("in a site file: every role ends with 2 and names file, line and column", async () => {
    const file = path.join(run.folder, "wrong.yaml");
    const text = await readFile(run.file, "utf8");
    await writeFile(file, text.replace("periodMs: 50", "periodMs: fifty"));
    const line = text.split("\n").findIndex((each) => each.includes("periodMs: 50")) + 1;
    for (const role of ["control", "field", "services", "run"]) {
      const { status, err, out } = await runCommand(role, "--config", file);
      assert.equal(status, 2, err);
      assertOneSentence(err);
      assert(err.includes(`wrong.yaml:${line}:`), err);
      assert.equal(out, "");
    }
  });

  it("in a profile: the role ends with 2, the check with 1, both name the place", async () => {
    const folder = path.join(run.folder, "profiles", "janitza");
    await mkdir(folder, { recursive: true });
    const shipped = await readFile("device-profiles/janitza/umg604.json", "utf8");
    const broken = path.join(folder, "umg604.json");
    await writeFile(broken, shipped.replace('"type": "float32"', '"type": "float33"'));
    const file = path.join(run.folder, "own-profiles.yaml");
    const text = await readFile(run.file, "utf8");
    await writeFile(
      file,
      text.replace("gateway: gw-1\n", "gateway: gw-1\nprofileDirectory: profiles\n"),
    );
    const role = await runCommand("control", "--config", file);
    assert.equal(role.status, 2, role.err);
    assertOneSentence(role.err);
    assert.match(role.err, /umg604/);
    assert.match(role.err, /float33|type/);
    const check = await runCommand("profile", "check", broken);
    assert.equal(check.status, 1, check.out + check.err);
    assert.match(check.out + check.err, /umg604(\.json)?:\d+:\d+/);
  });

  it("on the socket of the rounds: the connection is closed, the links of the others stay", async () => {
    for (const producer of ["field", "control"] as const)
      for (const bytes of [
        randomBytes(64),
        Buffer.alloc(16, 0xff),
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      ]) {
        const socket = connect(socketPath(run.runtimeDirectory, `${producer}/rounds`));
        socket.on("error", () => undefined);
        socket.resume();
        socket.write(bytes);
        const closed = new Promise((resolve) => socket.once("close", resolve));
        const isClosed = await Promise.race([
          closed.then(() => true),
          delay(10_000).then(() => false),
        ]);
        socket.destroy();
        assert(isClosed, `${producer} closes on ${bytes.toString("hex").slice(0, 32)}`);
      }
    for (const role of run.roles.values()) assert.equal(role.child.exitCode, null);
    await nothingLost();
  });

  it("of 1 MB on a command topic: refused and counted, and the next command is heard", async () => {
    const { gate } = await servicesSight(run);
    const big = JSON.stringify({
      PSWD_version: "1.0",
      command_id: "big",
      x_pad: "x".repeat(1 << 20),
    });
    await north.publish("cmd/battery/control", big);
    const middle = JSON.stringify({
      PSWD_version: "1.0",
      command_id: "mid",
      x_pad: "x".repeat(100_000),
    });
    await north.publish("cmd/battery/control", middle);
    const after = await eventually("a refusal is counted", 10_000, async () => {
      const sight = await servicesSight(run);
      return sight.gate.oversize > gate.oversize ? sight.gate : undefined;
    });
    say(`${after.offered - gate.offered} offered, ${after.oversize} too long`);
    assert.match(run.roles.get("services")?.text() ?? "", /"command-refused","reason":"oversize"/);
    await north.publish("cmd/battery/control", {
      PSWD_version: "1.0",
      command_id: "h-1",
      timestamp: new Date().toISOString(),
      command_type: "standby",
      duration_sec: 1,
    });
    await north.wait("the next is heard", 10_000, ({ topic }) => topic === "ack/h-1");
    await nothingLost();
  });

  it("in the database: told, kept aside, and what comes after is stored and delivered", async () => {
    const data = path.join(run.folder, "data", "services");
    await run.roles.get("services")?.kill("SIGTERM");
    const file = path.join(data, "outbox.db");
    const { size } = await stat(file);
    await truncate(file, Math.floor(size / 2));
    await run.startRole("services");
    const told = await north.wait(
      "the damage is told",
      20_000,
      ({ body }) => body["event_id"] === "store-corrupt",
    );
    say(String(told.body["text"]));
    const kept = (await readdir(data)).filter(
      (name) => name.startsWith("outbox.db") && name !== "outbox.db",
    );
    assert(kept.length > 0, "the damaged file is kept");
    await nothingLost();
  });
});
