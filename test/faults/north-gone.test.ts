import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";
import { batteryOrder } from "./battery-order.ts";
import { BessWatch, type BessSample, type WorstStep, worstStep } from "./bess-watch.ts";
import { controlSight, ifThere } from "./gateway-eye.ts";
import { say } from "./say.ts";

const RAMP_W_PER_S = 50_000;
const UNITS = 2;
/** The device's own rule: without a write for so long it goes to 0 W by itself. */
const REVERSION_MS = 3_000;
/** Between two samples may lie two cycles and the 1 kW step of the register, W. */
const SAMPLING_W = 4_000;

async function openReady(name: string, load: string): Promise<[SiteRun, Subscriber]> {
  const [run, north] = await openSite(name, { load, topics: ["ack/#", "status"] });
  await eventually("both batteries are ready", 30_000, async () => {
    const { units } = await controlSight(run);
    return units.every(({ mode }) => mode === "ready") ? true : undefined;
  });
  return [run, north];
}

async function watchBoth(run: SiteRun): Promise<BessWatch[]> {
  return Promise.all([3, 4].map(async (offset) => BessWatch.open(run.basePort + offset)));
}

function sumW(watches: readonly BessWatch[], pick: (sample: BessSample) => number): number {
  return watches.reduce((sum, { last }) => sum + (last === undefined ? Number.NaN : pick(last)), 0);
}

describe("control without services and without a broker", function () {
  this.timeout(300_000);

  it("goes on: the lease ends and its part ramps to zero, the peak cap and protection work", async () => {
    const [run, north] = await openReady("alone", "low");
    const watches = await watchBoth(run);
    try {
      const given = { target_power_mw: 2, duration_sec: 12, ramp_rate_mw_per_sec: 2 };
      await north.publish("cmd/battery/control", batteryOrder("f-1", given));
      await eventually("2 MW flow", 20_000, () =>
        Math.abs(sumW(watches, ({ powerW }) => powerW) - 2e6) < 20_000 ? true : undefined,
      );
      await run.killRole("services");
      await run.killBroker();
      const before = await controlSight(run);
      assert.equal(before.leases.length, 1, "the lease is still in force");
      const from = watches.map(({ samples }) => samples.length);
      await eventually("the lease ends", 20_000, async () =>
        (await controlSight(run)).leases.length === 0 ? true : undefined,
      );
      const startMs = performance.now();
      await eventually("its part is gone", 60_000, () =>
        Math.abs(sumW(watches, ({ setpointW }) => setpointW)) < 1 ? true : undefined,
      );
      const tookS = (performance.now() - startMs) / 1_000;
      say(`2 MW ramped away in ${tookS.toFixed(1)} s (40 s at 50 kW/s)`);
      assert(tookS > 35 && tookS < 45, `${tookS} s`);
      for (const [at, watch] of watches.entries()) {
        const tail = watch.samples.slice(from[at]);
        const worst = worstStep(tail, ({ setpointW }) => setpointW, RAMP_W_PER_S / UNITS);
        assert(worst.beyondW <= SAMPLING_W, `${worst.text} beyond the ramp`);
      }

      run.order({ load: "full" });
      const capped = await eventually("the cap holds", 60_000, async () => {
        const sight = await controlSight(run);
        const isCapped = Math.abs((sight.gridW ?? 0) - 20e6) < 100_000 && sight.totalW > 5e6;
        return isCapped ? sight : undefined;
      });
      say(`peak cap: ${capped.totalW} W of battery, grid ${String(capped.gridW)} W`);

      run.order({ trip: "bess-1", cause: "emergency-stop" });
      const tripped = await eventually("the trip is latched", 5_000, async () => {
        const sight = await controlSight(run);
        return sight.trips.length > 0 ? sight : undefined;
      });
      assert(tripped.trips.some(({ id }) => id === "emergency-stop"));
      const [unit] = tripped.units;
      assert.equal(unit?.mode, "tripped");
    } finally {
      for (const watch of watches) await watch.close();
      await north.close();
      await run.close();
    }
  });
});

describe("control killed at full discharge", function () {
  this.timeout(300_000);

  it("is back before the device reverts, begins with what is measured and takes no step", async () => {
    const [run, north] = await openReady("kill", "full");
    const watches = await watchBoth(run);
    try {
      const given = { target_power_mw: 24, duration_sec: 600, ramp_rate_mw_per_sec: 12 };
      await north.publish("cmd/battery/control", batteryOrder("f-2", given));
      await eventually("24 MW flow", 30_000, () =>
        sumW(watches, ({ powerW }) => powerW) > 23.9e6 ? true : undefined,
      );
      await delay(1_000);
      for (let kill = 1; kill <= 5; kill += 1) await killOnce(run, watches, kill);
    } finally {
      for (const watch of watches) await watch.close();
      await north.close();
      await run.close();
    }
  });
});

async function killOnce(run: SiteRun, watches: readonly BessWatch[], kill: number): Promise<void> {
  const from = watches.map(({ samples }) => samples.length);
  const beforeW = sumW(watches, ({ powerW }) => powerW);
  await run.killRole("control");
  const killedAt = performance.now();
  run.launchRole("control");
  const backMs = await eventually("control drives again", 20_000, async () => {
    const sight = await ifThere(controlSight(run));
    const isReady = sight?.units.every(({ mode }) => mode === "ready") === true;
    return isReady ? performance.now() - killedAt : undefined;
  });
  await delay(3_000);
  const none: WorstStep = { beyondW: 0, text: "none" };
  let power = none;
  let setpoint = none;
  for (const [at, watch] of watches.entries()) {
    const tail = watch.samples.slice(from[at]);
    const worse = (pick: (sample: BessSample) => number, known: WorstStep): WorstStep => {
      const worst = worstStep(tail, pick, RAMP_W_PER_S / UNITS);
      return worst.beyondW > known.beyondW ? worst : known;
    };
    power = worse(({ powerW }) => powerW, power);
    setpoint = worse(({ setpointW }) => setpointW, setpoint);
  }
  const nowW = sumW(watches, ({ powerW }) => powerW);
  say(
    `kill ${kill}: ${(beforeW / 1e6).toFixed(3)} MW, ready after ${Math.round(backMs)} ms, ` +
      `beyond the ramp: power ${power.text}, setpoint ${setpoint.text}; ` +
      `now ${(nowW / 1e6).toFixed(3)} MW`,
  );
  assert(backMs < REVERSION_MS, `${backMs} ms`);
  assert(power.beyondW <= SAMPLING_W, `power: ${power.text}`);
  assert(setpoint.beyondW <= SAMPLING_W, `setpoint: ${setpoint.text}`);
}
