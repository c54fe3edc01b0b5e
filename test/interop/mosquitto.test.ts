import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, runCommand, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";

const OUTAGE_MS = 5_000;
const AUDIT_S = 6;

describe("mosquitto as the broker", function () {
  this.timeout(180_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("mosquitto", {
      load: "low",
      topics: ["tel/#", "ack/#", "status"],
      settles: true,
    });
    await north.wait("the last device", 60_000, ({ topic }) => topic === "tel/env-6");
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  it("keeps model and status for whoever comes later, and battery status only for a while", async () => {
    const seen = await retainedOf(run, ["model", "status", "battery/status"]);
    assert.equal(seen.get("model")?.expiryS, undefined);
    assert.match(seen.get("model")?.payload ?? "", /"active_power_w"/);
    assert.match(seen.get("status")?.payload ?? "", /"status":"online"/);
    const { expiryS = 0 } = seen.get("battery/status") ?? {};
    assert.ok(expiryS > 0 && expiryS < 60, `battery/status expires in ${expiryS} s`);
  });

  it("brings a command, and its answers with the measured effect", async () => {
    await north.publish("cmd/battery/control", {
      PSWD_version: "1.0",
      command_id: "m-1",
      timestamp: new Date().toISOString(),
      command_type: "discharge",
      target_power_mw: 1,
      duration_sec: 5,
      ramp_rate_mw_per_sec: 1,
    });
    const last = await north.wait(
      "the end of the command",
      60_000,
      ({ topic, body }) => topic === "ack/m-1" && body["final"] === true,
    );
    assert.equal(last.body["status"], "executed");
    const stages = north.on("ack/m-1").map(({ body }) => body["stage"]);
    assert.deepEqual(
      stages,
      ["received", "accepted", "written", "read-back", "effect", "done"],
      "every step came, in order",
    );
  });

  it("is killed and comes back, and nothing is lost or out of order", async () => {
    const before = north.ledger.verdict().received;
    await run.killBroker();
    await delay(OUTAGE_MS);
    await run.startBroker();
    await eventually("everything is there", 60_000, () => {
      const { lost, received } = north.ledger.verdict();
      return lost === 0 && received > before + 100 ? true : undefined;
    });
    const verdict = north.ledger.verdict();
    assert.equal(verdict.outOfOrder, 0);
    assert.deepEqual(north.differing, []);
  });

  it("carries what `store audit` certifies", async () => {
    const args = ["store", "audit", "--broker", run.brokerUrl, "--seconds", String(AUDIT_S)];
    const { status, out, err } = await runCommand(...args, "--clean");
    assert.equal(status, 0, out + err);
    assert.match(out, /\b0 lost\b/);
  });
});

interface Retained {
  /** Undefined: kept for ever. */
  readonly expiryS: number | undefined;
  readonly payload: string;
}

/** What `mosquitto_sub` gets at once, by topic. */
async function retainedOf(
  { brokerUrl }: SiteRun,
  topics: readonly string[],
): Promise<Map<string, Retained>> {
  const prefix = "dcpi/v1/hall-1/gw-1/";
  const filters = topics.flatMap((topic) => ["-t", prefix + topic]);
  const { port } = new URL(brokerUrl);
  const child = spawn(
    "mosquitto_sub",
    ["-V", "5", "-p", port, "-W", "2", "--retained-only", "-F", "%t %E %p", ...filters],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  await new Promise((resolve) => child.once("close", resolve));
  const found = new Map<string, Retained>();
  for (const line of text.split("\n")) {
    const [, topic, expiry, payload] = /^(\S+) (\d*) ?(\{.*)$/.exec(line) ?? [];
    if (topic === undefined || payload === undefined) continue;
    const expiryS = expiry === "" ? undefined : Number(expiry);
    found.set(topic.slice(prefix.length), { expiryS, payload });
  }
  return found;
}
