import { strict as assert } from "node:assert";
import type { SimulatedDevice } from "../../src/simulator/device.ts";
import { seeded } from "../support/plant-random.ts";
import { VirtualSite } from "../support/virtual-site.ts";
import { smallSite } from "../support/virtual-world.ts";

const KILLS = 50;
const MW = 1e6;
const RAMP_W_PER_S = 50_000;
const LOOK_S = 0.01;
const REVERSION_S = 3;
/** Setpoints are rounded to a kilowatt; and the load has its noise, which a cap answers. */
const ROUNDING_W = 1_000;
const NOISE_W = 20_000;

/** More than one battery can give is needed of each: they run at full discharge. */
const fullDischarge = (text: string): string =>
  smallSite(text, "peak-cap")
    .replace(/ramp(Up|Down)KwPerS: \d+/g, `ramp$1KwPerS: ${RAMP_W_PER_S / 1_000}`)
    .replace(/peakCapKw: \d+/, "peakCapKw: 2000");

interface Watch {
  readonly device: SimulatedDevice;
  setpointW: number;
  sinceMs: number;
}

/** Looks at the registers of the batteries all the while, and says what they must never show. */
async function watched(
  site: VirtualSite,
  seconds: number,
  look: (watch: Watch, nextW: number, tookMs: number) => void,
  watches: readonly Watch[],
): Promise<void> {
  for (const until = site.nowS + seconds - LOOK_S / 2; site.nowS < until;) {
    await site.run(LOOK_S);
    for (const watch of watches) {
      const nextW = watch.device.readNumber("active-power-setpoint", Number.NaN);
      const now = site.clock.now();
      if (nextW === watch.setpointW) continue;
      look(watch, nextW, now - watch.sinceMs);
      watch.setpointW = nextW;
      watch.sinceMs = now;
    }
  }
}

async function killedAgainAndAgain(downS: (random: () => number) => number): Promise<{
  readonly site: VirtualSite;
  readonly steps: readonly string[];
  readonly reversions: number;
}> {
  const site = await VirtualSite.open({ change: fullDischarge, load: "full", hasDisk: true });
  await site.run(8);
  site.plant.trip("bess-2", "emergency-stop");
  await site.run(1);
  site.plant.clearCause("bess-2");
  await site.run(1);
  const watches = ["bess-1", "bess-2"].map((id): Watch => {
    const device = site.plant.device(id);
    const setpointW = device.readNumber("active-power-setpoint", Number.NaN);
    return { device, setpointW, sinceMs: site.clock.now() };
  });
  const [running] = watches;
  assert.equal(running?.setpointW, 12 * MW, "at full discharge");
  const before = running.device.counters.reversions;
  const steps: string[] = [];
  const random = seeded(1);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const look = (watch: Watch, nextW: number, tookMs: number): void => {
      const allowedW = (RAMP_W_PER_S * tookMs) / 1_000 + ROUNDING_W + NOISE_W;
      if (Math.abs(nextW - watch.setpointW) > allowedW)
        steps.push(`kill ${kill}, ${watch.device.id}: ${watch.setpointW} → ${nextW} W`);
    };
    await watched(site, 0.2 + random(), look, watches);
    await site.killControl();
    await watched(site, downS(random), look, watches);
    await site.startControl();
    await watched(site, 0.5, look, watches);
    const [trip] = site.status.trips;
    if (trip?.id !== "emergency-stop") steps.push(`kill ${kill}: the trip is forgotten`);
  }
  return { site, steps, reversions: running.device.counters.reversions - before };
}

describe(`${KILLS} times kill -9 of control at full discharge, in virtual time`, function () {
  this.timeout(120_000);

  it("goes on before the device reverts, without a step, and with its latches", async () => {
    const { site, steps, reversions } = await killedAgainAndAgain(
      // A restart takes 1.0 to 1.5 s, and the last write was up to a second before.
      (random) => 0.2 + 1.3 * random(),
    );
    assert.deepEqual(steps.slice(0, 5), []);
    assert.equal(reversions, 0);
    assert.deepEqual(
      site.status.units.map(({ mode }) => mode),
      ["ready", "tripped"],
    );
    assert.equal(site.plant.device("bess-2").readNumber("active-power-setpoint", NaN), 0);
    assert.equal(site.plant.device("bess-2").readNumber("run-command", NaN), 0);
    assert.ok(Math.abs((site.plant.snapshot()?.bess[0]?.powerW ?? 0) - 12 * MW) < 0.1 * MW);
    await site.close();
  });

  it("comes too late for a device when it is down for longer (negative control)", async () => {
    const { site, reversions } = await killedAgainAndAgain(() => REVERSION_S + 0.5);
    assert.ok(reversions > 0, "the device went its own way");
    await site.close();
  });
});
