import assert from "node:assert/strict";
import type { ControlStatus } from "../../src/control/exchange.ts";
import { RequestClient } from "../../src/link/request-client.ts";
import { socketPath } from "../../src/link/socket-paths.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { gooseProcess, oneValueFrame } from "../support/goose-wire.ts";
import { eventually, SiteRun } from "./site-run.ts";

const START_MS = 180_000;
const SOON_MS = 20_000;
const GOOSE_OF_SITE = `  goose:
    subscriptions:
      - { name: relay-1, stops: [bess-1], onLoss: safe-state }
  batteries:
`;
describe("a trip by GOOSE, from the frame to the process that controls", function () {
  this.timeout(SOON_MS * 3);
  const clock = new SystemClock();
  const end = new AbortController();
  let run: SiteRun;
  let local: RequestClient;
  let send: (bytes: Uint8Array) => void;
  let goose: Promise<void>;

  before(async function () {
    this.timeout(START_MS);
    run = await SiteRun.open("goose", (text) => text.replace("  batteries:\n", GOOSE_OF_SITE));
    const socket = socketPath(run.runtimeDirectory, "goose/states");
    const subscriber = await gooseProcess({ socket, clock }, end.signal);
    goose = subscriber.finished;
    send = subscriber.send;
    send(oneValueFrame(1, false));
    await run.startPlant("mean");
    await run.startRole("control");
    local = new RequestClient({
      socketPath: socketPath(run.runtimeDirectory, "control/local"),
      clock,
      random: Math.random,
    });
  });
  after(async () => {
    local.close();
    await run.close();
    end.abort();
    await goose;
  });

  const status = async (): Promise<ControlStatus> => {
    const answer = await local.request("status", {}, AbortSignal.timeout(SOON_MS));
    return (answer as { readonly control: ControlStatus }).control;
  };

  /** Modes of the units, once the first is in this one; with the trips that are latched. */
  async function once(mode: string): Promise<readonly string[]> {
    return eventually(`bess-1 is ${mode}`, SOON_MS, async () => {
      const { units, trips } = await status();
      if (units[0]?.mode !== mode) return undefined;
      return [...units.map((unit) => unit.mode), ...trips.map(({ id }) => id)];
    });
  }

  it("stops the battery that the site names, until it is reset after the demand", async () => {
    assert.deepEqual(await once("ready"), ["ready", "ready"]);
    const sentAt = performance.now();
    send(oneValueFrame(2, true));
    assert.deepEqual(await once("tripped"), ["tripped", "ready", "goose-safe-state"]);
    process.stdout.write(`      tripped after ${(performance.now() - sentAt).toFixed(0)} ms\n`);
    const early = await run.command("reset", "all", "--by", "tester");
    assert.equal(early.status, 1, early.out + early.err);
    send(oneValueFrame(3, false));
    await eventually("the reset is done", SOON_MS, async () => {
      const { status: code } = await run.command("reset", "all", "--by", "tester");
      return code === 0 ? true : undefined;
    });
    assert.deepEqual(await once("ready"), ["ready", "ready"]);
  });

  it("stops it when gateway-goose is gone, because the site says so", async () => {
    end.abort();
    await goose;
    assert.deepEqual(await once("tripped"), ["tripped", "ready", "goose-loss-stop"]);
  });
});
