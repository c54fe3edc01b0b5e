import { strict as assert } from "node:assert";
import type { LocalOrder, OrderAnswer } from "../../src/control/exchange.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const MW = 1e6;
/** Import at full load, W: what the cap is set from, to ask the battery for a power. */
const FULL_LOAD_W = 25.754 * MW;
const RAMP_W_PER_S = 50_000;
const STEP_S = 0.01;
/** Of the machine: minutes of the plant in seconds of its processor, beside other work. */
const TIMEOUT_MS = 60_000;

function cappedFor(batteryW: number): (text: string) => string {
  const capKw = (FULL_LOAD_W - batteryW) / 1_000;
  return (text) => text.replace(/peakCapKw: \d+/, `peakCapKw: ${capKw}`);
}

const withoutCap = (text: string): string => text.replace(/ *peakCapKw: \d+\n/, "");

interface Seen {
  readonly lowest: number;
  readonly highest: number;
  /** Time spent above the bound, s. */
  readonly aboveS: number;
}

/** Looks at the plant itself in each of its own steps. */
async function watch(
  site: VirtualSite,
  seconds: number,
  terms: { readonly look: () => number; readonly bound?: number },
): Promise<Seen> {
  let lowest = Infinity;
  let highest = -Infinity;
  let aboveS = 0;
  for (let at = 0; at < seconds - STEP_S / 2; at += STEP_S) {
    await site.run(STEP_S);
    const value = terms.look();
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
    if (value > (terms.bound ?? Infinity)) aboveS += STEP_S;
  }
  return { lowest, highest, aboveS };
}

const gridOf = (site: VirtualSite): number => site.plant.snapshot()?.gridW ?? Number.NaN;
const bessOf = (site: VirtualSite): number => site.plant.snapshot()?.bessW ?? Number.NaN;
const unitOf = (site: VirtualSite, place: number): number =>
  site.plant.snapshot()?.bess[place]?.powerW ?? Number.NaN;

describe("scene 7: the converter of bess-1 trips", function () {
  this.timeout(TIMEOUT_MS);
  it("hands its share to bess-2 within 150 ms of a 12 MW discharge, at any phase", async () => {
    const taken: number[] = [];
    for (let phase = 0; phase < 5; phase += 1) {
      const site = await VirtualSite.open({ change: cappedFor(12 * MW), seed: phase });
      await site.run(8 + phase * STEP_S);
      assert.ok(Math.abs(bessOf(site) - 12 * MW) <= 0.05 * MW, `${bessOf(site)} W`);
      const beforeW = gridOf(site);
      const trippedMs = site.clock.now();
      site.plant.trip("bess-1", "fault");
      const look = (): number => gridOf(site) - beforeW;
      const pulse = await watch(site, 0.15, { look, bound: 0.3 * MW });
      assert.ok(pulse.highest <= 6.05 * MW, `${pulse.highest} W`);
      taken.push(unitOf(site, 1) / (12 * MW));
      const rest = await watch(site, 0.35, { look, bound: 0.3 * MW });
      assert.ok(pulse.aboveS + rest.aboveS <= 0.2, "the pulse is over within 200 ms");
      const [told] = site.eventsOf("pcs-fault", "bess-1");
      assert.equal(told?.phase, "raised");
      // The state is read with the power, in every cycle.
      assert.ok(told.atMs - trippedMs <= 60, `${told.atMs - trippedMs} ms`);
      const ids = new Set(site.events.map(({ id }) => id));
      assert.deepEqual(ids, new Set(["pcs-fault", "manufacturer-alarm"]));
      await site.close();
    }
    assert.ok(Math.min(...taken) >= 0.95, taken.join(" "));
    assert.ok(taken.reduce((sum, part) => sum + part, 0) / taken.length >= 0.98, taken.join(" "));
  });

  it("declares what bess-2 cannot take: 8 MW of 20", async () => {
    const site = await VirtualSite.open({ change: cappedFor(20 * MW) });
    await site.run(8);
    site.plant.trip("bess-1", "fault");
    await site.run(0.5);
    const [breach] = site.eventsOf("ramp-breach");
    const declared = Number(/^([\d.]+) MW/.exec(breach?.text ?? "")?.[1]);
    assert.ok(Math.abs(declared - 8) <= 0.1, breach?.text);
    assert.ok(Math.abs(unitOf(site, 1) - 12 * MW) <= 0.01 * MW);
    await site.close();
  });
});

describe("scene 8: the registers of the grid meter freeze while the load swings", function () {
  this.timeout(TIMEOUT_MS);
  it("is found within 400 ms of the first edge, with the cap held by the feeders", async () => {
    for (let phase = 0; phase < 4; phase += 1) {
      const site = await VirtualSite.open({ load: "training-1hz", seed: phase });
      await site.run(10 + phase * 0.11);
      assert.deepEqual(site.events, []);
      const frozenMs = site.clock.now();
      const load = site.plant.snapshot()?.trainingW ?? 0;
      await site.plant.order({ device: "pcc-meter", fault: "frozen" });
      // The first edge that it misses.
      let edgeMs = Number.NaN;
      while (Number.isNaN(edgeMs)) {
        await site.run(STEP_S);
        const nowW = site.plant.snapshot()?.trainingW ?? 0;
        if (Math.abs(nowW - load) > MW) edgeMs = site.clock.now();
      }
      await site.run(0.42);
      const [raised] = site.eventsOf("meter-frozen", "pcc-meter");
      assert.equal(raised?.phase, "raised");
      assert.ok(raised.atMs - edgeMs <= 400, `${raised.atMs - edgeMs} ms`);
      assert.equal(site.status.source, "feeders");
      await site.run(0.1);
      const told = site.told("pcc-meter", "active-power");
      assert.equal(told.quality, "uncertain/stale");
      const goodAt = told.lastGoodAt;
      await site.run(4);
      assert.equal(site.told("pcc-meter", "active-power").lastGoodAt, goodAt);
      assert.ok(goodAt <= site.clock.utcNow() - (site.clock.now() - frozenMs) + 950);
      await site.plant.order({ device: "pcc-meter", fault: "none" });
      const { highest, lowest } = await watch(site, 2, { look: () => bessOf(site) });
      assert.ok(highest <= 6.5 * MW && lowest >= -0.1 * MW, `${lowest} to ${highest} W`);
      assert.equal(site.eventsOf("meter-frozen").at(-1)?.phase, "cleared");
      assert.equal(site.told("pcc-meter", "active-power").quality, "good");
      await site.close();
    }
  });

  it("holds, then lets 6 MW go within 120 s when the training meter freezes too", async () => {
    const site = await VirtualSite.open({ change: cappedFor(6 * MW) });
    await site.run(8);
    const startW = bessOf(site);
    assert.ok(Math.abs(startW - 6 * MW) <= 0.05 * MW, `${startW} W`);
    for (const device of ["pcc-meter", "m-train"])
      await site.plant.order({ device, fault: "silent" });
    const blindMs = site.clock.now();
    await site.run(1);
    assert.ok(Math.abs(bessOf(site) - startW) <= 0.05 * MW, "it is held for a second");
    let beforeW = bessOf(site);
    let worstWPerS = 0;
    let zeroMs = Number.NaN;
    while (site.clock.now() - blindMs < 130_000) {
      await site.run(1);
      const nowW = bessOf(site);
      worstWPerS = Math.max(worstWPerS, beforeW - nowW);
      beforeW = nowW;
      if (Number.isNaN(zeroMs) && nowW <= 2_000) zeroMs = site.clock.now();
    }
    assert.ok(worstWPerS <= RAMP_W_PER_S * 1.05, `${worstWPerS} W/s`);
    const tookS = (zeroMs - blindMs) / 1_000;
    assert.ok(tookS >= 119 && tookS <= 123, `${tookS} s`);
    assert.equal(site.eventsOf("meter-lost")[0]?.phase, "raised");
    for (const device of ["pcc-meter", "m-train"])
      await site.plant.order({ device, fault: "none" });
    const back = await watch(site, 5, { look: () => bessOf(site) });
    assert.ok(back.highest <= 6.1 * MW, "it comes back without a bump");
    assert.equal(site.eventsOf("meter-lost").at(-1)?.phase, "cleared");
    await site.close();
  });
});

describe("scene 9: the north is gone during a leased discharge of 5 MW", function () {
  this.timeout(TIMEOUT_MS);
  it("ends the lease at 60 s and is at zero at 160 s, at the ramp", async () => {
    const site = await VirtualSite.open({ change: withoutCap });
    await site.run(2);
    const action = { kind: "set-power", powerW: 5 * MW, rampWPerS: 10 * MW } as const;
    site.command({ id: "lease", action, leaseMs: 60_000 });
    const takenMs = site.clock.now();
    await site.run(5);
    assert.ok(Math.abs(bessOf(site) - 5 * MW) <= 0.01 * MW, `${bessOf(site)} W`);
    const held = await watch(site, 54.9, { look: () => bessOf(site) });
    assert.ok(held.lowest >= 4.99 * MW);
    let beforeW = bessOf(site);
    let worstW = 0;
    let zeroMs = Number.NaN;
    while (Number.isNaN(zeroMs) && site.clock.now() - takenMs < 200_000) {
      await site.run(1);
      worstW = Math.max(worstW, beforeW - bessOf(site));
      beforeW = bessOf(site);
      if (beforeW <= 2_000) zeroMs = site.clock.now();
    }
    const tookS = (zeroMs - takenMs) / 1_000;
    assert.ok(Math.abs(tookS - 160) <= 2, `${tookS} s`);
    assert.ok(worstW <= RAMP_W_PER_S * 1.05, `${worstW} W in a second`);
    assert.equal(site.eventsOf("lease-expired").length, 1);
    await site.close();
  });
});

describe("scene 12: the emergency stop at 10 MW", function () {
  this.timeout(TIMEOUT_MS);
  it("stops both in the cycle that sees it, at 0 W within 100 ms of that, and latches", async () => {
    const site = await VirtualSite.open({ change: cappedFor(10 * MW) });
    await site.run(8);
    assert.ok(Math.abs(bessOf(site) - 10 * MW) <= 0.05 * MW);
    for (const unit of ["bess-1", "bess-2"]) site.plant.trip(unit, "emergency-stop");
    await site.run(0.06);
    const [told] = site.eventsOf("emergency-stop");
    assert.equal(told?.severity, "trip");
    await site.run(0.1);
    assert.ok(Math.abs(bessOf(site)) <= 0.05 * MW, `${bessOf(site)} W`);
    for (const unit of ["bess-1", "bess-2"]) {
      assert.equal(site.plant.device(unit).readNumber("active-power-setpoint", NaN), 0, unit);
      assert.equal(site.plant.device(unit).readNumber("run-command", NaN), 0, unit);
    }
    const action = { kind: "set-power", powerW: 5 * MW, rampWPerS: undefined } as const;
    site.command({ id: "remote", action });
    await site.run(1);
    assert.equal(site.stagesOf("remote").at(-1), "refused");
    const early = await ordered(site, { kind: "reset", trip: "all", by: "anna" });
    assert.equal(early.result, "refused", "the cause is still there");
    await site.killControl();
    await site.run(0.5);
    await site.startControl();
    await site.run(3);
    assert.ok(site.status.trips.length > 0, "it survives kill -9");
    assert.ok(Math.abs(bessOf(site)) <= 0.05 * MW);
    for (const unit of ["bess-1", "bess-2"]) site.plant.clearCause(unit);
    await site.run(2);
    const reset = await ordered(site, { kind: "reset", trip: "all", by: "anna" });
    assert.equal(reset.result, "done", JSON.stringify(reset));
    await site.run(10);
    assert.ok(Math.abs(bessOf(site) - 10 * MW) <= 0.05 * MW, "the cap is kept again");
    await site.close();
  });
});

/** An order is answered by the next cycle. */
async function ordered(site: VirtualSite, order: LocalOrder): Promise<OrderAnswer> {
  const answer = site.order(order);
  await site.run(0.2);
  return answer;
}
