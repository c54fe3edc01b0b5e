import assert from "node:assert/strict";
import { RequestClient } from "../../src/link/request-client.ts";
import { socketPath } from "../../src/link/socket-paths.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { withThermal } from "../support/thermal-site.ts";
import { eventually, SiteRun } from "./site-run.ts";

const START_MS = 180_000;
const SOON_MS = 30_000;
/** With all pumps the flow of full load needs so much, %. */
const USUAL_PERCENT = 83;

interface Zone {
  readonly asset: string;
  readonly shed: { readonly isAsked: boolean; readonly isLatched: boolean };
}

describe("coolant that fails, from the device to the process that controls and back", function () {
  this.timeout(SOON_MS * 3);
  let run: SiteRun;
  let local: RequestClient;

  before(async function () {
    this.timeout(START_MS);
    run = await SiteRun.open("cooling", withThermal);
    await run.startPlant("full");
    await run.startRole("field");
    await run.startRole("control");
    local = new RequestClient({
      socketPath: socketPath(run.runtimeDirectory, "control/local"),
      clock: new SystemClock(),
      random: Math.random,
    });
  });
  after(async () => {
    local.close();
    await run.close();
  });

  async function zone(asset: string): Promise<Zone> {
    const answer = await local.request("thermal", {}, AbortSignal.timeout(SOON_MS));
    const { zones } = answer as { readonly zones: readonly Zone[] };
    const found = zones.find((each) => each.asset === asset);
    assert(found !== undefined);
    return found;
  }

  /** What the device itself says. */
  async function speedOf(device: string): Promise<number> {
    const { status, out, err } = await run.command(
      ...["device", "read", device, "pump-speed-setpoint", "--json"],
    );
    assert.equal(status, 0, err);
    const { value } = JSON.parse(out) as { readonly value: unknown };
    assert(typeof value === "number", out);
    return value;
  }

  it("has the pumps that are left turn faster, by a write that field carries out", async () => {
    await eventually("the flow is known", SOON_MS, async () => {
      const speed = await speedOf("cdu-3");
      return Math.abs(speed - USUAL_PERCENT) < 3 ? speed : undefined;
    });
    run.order({ failPump: "cdu-3", pump: 2 });
    run.order({ failPump: "cdu-4", pump: 2 });
    const speed = await eventually("the pumps of cdu-3 turn faster", SOON_MS, async () => {
      const now = await speedOf("cdu-3");
      return now > 90 ? now : undefined;
    });
    assert.ok(speed < 98, `${speed} %`);
    assert.ok((await speedOf("cdu-4")) < 90, "cdu-4 is only observed");
  });

  it("says why the pumps turn as they do, and that nothing is asked of those of others", async () => {
    const driven = await run.command("why", "cdu-3/pump-speed-setpoint");
    assert.equal(driven.status, 0, driven.out + driven.err);
    const [summary = "", ...links] = driven.out.split("\n");
    assert.match(summary, /^cdu-3\/pump-speed-setpoint is asked for 9[0-9][.][0-9] %: /);
    for (const link of ["measurement", "level", "write", "effect"])
      assert.ok(
        links.some((line) => line.trimStart().startsWith(link)),
        `${link}: ${driven.out}`,
      );
    const observed = await run.command("why", "cdu-5/pump-speed-setpoint");
    assert.match(observed.out, /^nothing is asked of cdu-5.*in mode request nothing is written/);
  });

  it("asks for the load to go, latched over a kill -9, until a person resets it", async () => {
    for (const pump of [1, 2, 3, 4]) run.order({ failPump: "cdu-5", pump });
    const isAsked = async (): Promise<true | undefined> => {
      const { shed } = await zone("cdu-5");
      return shed.isAsked && shed.isLatched ? true : undefined;
    };
    await eventually("load is asked to go", SOON_MS, isAsked);
    // What is told of a latch is on the disk; before that a kill may lose it.
    await eventually("the latch is told", SOON_MS, async () => {
      const { out } = await run.command("alarms");
      return out.includes("coolant-flow-lost") ? true : undefined;
    });
    await run.killRole("control");
    await run.startRole("control");
    await eventually("it is asked for again", SOON_MS, isAsked);
    const early = await run.command("reset", "coolant-flow-lost", "--by", "tester");
    assert.equal(early.status, 1, early.out + early.err);
    assert.equal(await isAsked(), true);
  });

  it("goes on with cdu-3 after the kill where it stood", async () => {
    const speed = await speedOf("cdu-3");
    assert.ok(speed > 88 && speed < 98, `${speed} %`);
  });
});
