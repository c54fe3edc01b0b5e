import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";
import { seeded } from "../support/plant-random.ts";
import { BessWatch, worstStep } from "./bess-watch.ts";
import { controlSight, ifThere } from "./gateway-eye.ts";
import { say } from "./say.ts";

const KILLS = 50;
const FULL_W = 12e6;
const RAMP_W_PER_S = 50_000;
/** A setpoint is rounded to a kilowatt, and the samples are 18 ms apart. */
const ROUNDING_W = 3_000;

/** Each battery is asked for all that it has: the cap lies far below the load. */
const fullDischarge = (text: string): string => text.replace(/peakCapKw: \d+/, "peakCapKw: 2000");

describe(`${KILLS} times kill -9 of control at full discharge`, function () {
  this.timeout(600_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("fullkill", {
      load: "full",
      topics: ["status"],
      change: fullDischarge,
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  it("goes on before the device reverts, without a step, and with its latches", async () => {
    run.order({ trip: "bess-2", cause: "emergency-stop" });
    await eventually("the trip is latched", 10_000, async () => {
      const { trips } = await controlSight(run);
      return trips.length > 0 ? true : undefined;
    });
    run.order({ clearCause: "bess-2" });
    const running = await BessWatch.open(run.basePort + 3);
    const stopped = await BessWatch.open(run.basePort + 4);
    await eventually("bess-1 is at full discharge", 30_000, () =>
      running.last?.powerW === FULL_W && running.last.setpointW === FULL_W ? true : undefined,
    );
    await eventually("bess-2 stands", 10_000, () =>
      stopped.last?.powerW === 0 && stopped.last.setpointW === 0 ? true : undefined,
    );
    running.samples.length = 0;
    stopped.samples.length = 0;
    const random = seeded(1);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await run.roles.get("control")?.line(/"event":"started"/, 30_000);
      await delay(500 + 1_000 * random());
      const sight = await ifThere(controlSight(run));
      if (sight !== undefined)
        assert.ok(
          sight.trips.some(({ id }) => id === "emergency-stop"),
          `latched before kill ${kill}`,
        );
      await run.killRole("control");
      run.launchRole("control");
    }
    await run.roles.get("control")?.line(/"event":"started"/, 30_000);
    await delay(3_000);
    await running.close();
    await stopped.close();
    const setpoints = worstStep(running.samples, ({ setpointW }) => setpointW, RAMP_W_PER_S);
    const powers = worstStep(running.samples, ({ powerW }) => powerW, RAMP_W_PER_S);
    const lowestW = Math.min(...running.samples.map(({ setpointW }) => setpointW));
    say(`${KILLS} kills: worst step ${setpoints.text}, lowest setpoint ${lowestW} W`);
    assert.ok(setpoints.beyondW <= ROUNDING_W, `setpoint: ${setpoints.text}`);
    assert.ok(powers.beyondW <= ROUNDING_W, `power: ${powers.text}`);
    assert.ok(lowestW > 0.99 * FULL_W, "the device has never gone its own way");
    for (const { setpointW, powerW } of stopped.samples)
      assert.deepEqual([setpointW, powerW], [0, 0], "what is stopped stays so");
    const { trips, units } = await controlSight(run);
    assert.ok(trips.some(({ id }) => id === "emergency-stop"));
    assert.deepEqual(
      units.map(({ mode }) => mode),
      ["ready", "tripped"],
    );
  });
});
