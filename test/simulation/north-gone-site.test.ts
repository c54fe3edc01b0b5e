import { strict as assert } from "node:assert";
import type { SiteContext } from "../../src/app/site-context.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { NorthlessSite, RAMP_W_PER_S } from "../support/northless-site.ts";
import { MW } from "../support/virtual-oracle.ts";
import type { ControlKind } from "../support/virtual-world.ts";

/** How long nothing comes from the north, s; an hour is SIM_NORTH_GONE_S=3600. */
const GONE_S = Number(process.env["SIM_NORTH_GONE_S"] ?? 300);
/** What happens in it needs its time. */
const SHORTEST_S = 300;
const SETTLED_S = 20;
const LEASED_W = 2.5 * MW;
const LEASE_S = 60;
const LEASED_RAMP_S = LEASED_W / RAMP_W_PER_S;
/** With smoothing the charge of the batteries has its say beside the lease. */
const NEAR_W = { "peak-cap": 0.1 * MW, smoothing: 0.5 * MW } as const;
/** SunSpec 715: AlarmReset, then OpCtl START. */
const RESET_AT_DEVICE = [40_405, 40_406] as const;
const BOTH = ["peak-cap", "smoothing"] as const;

const contexts = new Map<ControlKind, SiteContext>();

async function opened(control: ControlKind): Promise<NorthlessSite> {
  const context = contexts.get(control);
  const run = await NorthlessSite.open({ control, ...(context === undefined ? {} : { context }) });
  contexts.set(control, run.site.context);
  await run.until(SETTLED_S);
  return run;
}

/** The last word of the north, and everything that happens at the site until it is back. */
async function withoutNorth(run: NorthlessSite): Promise<void> {
  const { site } = run;
  const near = NEAR_W[run.control];
  const before = heldW(run);
  const at = async (part: number): Promise<void> => run.until(SETTLED_S + part * GONE_S);
  await run.discharge({ id: "last", powerW: LEASED_W, leaseS: LEASE_S });
  await run.run(LEASED_RAMP_S + 2);
  const held = heldW(run) - before;
  assert.ok(Math.abs(held - LEASED_W) < near, `what is leased is held: ${held} W`);
  await at(0.4);
  const left = heldW(run) - before;
  assert.ok(Math.abs(left) < near, `what was leased is gone: ${left} W`);
  await site.plant.fault("bess-1", { kind: "blackhole" });
  await run.run(6);
  await site.plant.clear("bess-1");
  await at(0.5);
  site.plant.load("full");
  await at(0.55);
  await site.plant.fault("pcc-meter", { kind: "silent" });
  await run.run(4);
  await site.plant.clear("pcc-meter");
  await at(0.6);
  site.plant.trip("bess-2", "emergency-stop");
  await run.run(10);
  site.plant.clearCause("bess-2");
  await at(0.7);
  site.plant.load("training-1hz");
  await at(0.8);
  site.plant.load("low");
  await at(0.88);
  await site.plant.fault("bess-1", { kind: "reboot", downMs: 1_000 });
  await run.run(3);
  await site.plant.clear("bess-1");
  await at(1);
}

/** How much less than the load the grid is asked for: by the cap's total, or by the reference. */
function heldW(run: NorthlessSite): number {
  const { referenceW } = run.site.status.smoothing ?? {};
  return referenceW === undefined ? run.batteryW : run.loadW - referenceW;
}

function judged(run: NorthlessSite): void {
  assert.deepEqual(run.steps.slice(0, 5), []);
  assert.deepEqual(run.oracle.violations.slice(0, 5), []);
}

describe(`the whole of control, and nothing north of it for ${GONE_S} s`, function () {
  // Nothing in it waits: how long it takes says what else the machine does.
  this.timeout(Math.max(900_000, 1_500 * GONE_S));

  for (const control of BOTH)
    it(`moves nothing faster than the ramp, is safe, takes commands back: ${control}`, async () => {
      assert.ok(GONE_S >= SHORTEST_S, `${GONE_S} s`);
      const run = await opened(control);
      const { site } = run;
      await withoutNorth(run);
      judged(run);
      assert.deepEqual(site.status.leases, [], "the lease ran out");
      assert.equal(site.eventsOf("lease-expired").length, 1);
      assert.equal(site.status.source, "meter");
      const modes = (): readonly string[] => site.status.units.map(({ mode }) => mode);
      assert.deepEqual(modes(), ["ready", "tripped"], "what a stop has latched stays so");
      const stopped = site.plant.device("bess-2");
      assert.deepEqual([run.setpointW("bess-2"), stopped.readNumber("run-command", NaN)], [0, 0]);

      // The north is back. What waited there is too late, and what is stopped stays so.
      await run.discharge({ id: "stale", powerW: 9 * MW, leaseS: 600, saidAtS: SETTLED_S });
      await run.discharge({ id: "early", powerW: 9 * MW, leaseS: 600 });
      await run.run(5);
      assert.equal(refusalOf(run, "stale"), "too-old");
      assert.equal(refusalOf(run, "early"), "tripped");
      assert.equal(await run.reset(), "done");
      await run.run(15);
      assert.deepEqual(modes(), ["ready", "ready"]);
      judged(run);

      // What is new sets out at the ramp from where everything is.
      const near = NEAR_W[control];
      const before = heldW(run);
      await run.discharge({ id: "new", powerW: LEASED_W, leaseS: 600 });
      await run.run(LEASED_RAMP_S / 2);
      const halfway = heldW(run) - before;
      assert.ok(Math.abs(halfway - LEASED_W / 2) < near, `half is there: ${halfway} W`);
      await run.run(LEASED_RAMP_S / 2 + 2);
      const held = heldW(run) - before;
      assert.ok(Math.abs(held - LEASED_W) < near, `all is there: ${held} W`);
      judged(run);
      assert.ok(run.judgedPart > 0.4, `${run.judgedPart} of it could be judged`);
      if (GONE_S > SHORTEST_S) process.stdout.write(`      ${run.figures}\n`);
      await site.close();
    });
});

/** Why a command was refused, as its sender was told. */
function refusalOf({ site }: NorthlessSite, id: string): unknown {
  const last = site.answers.findLast(({ body }) => body["command_id"] === id)?.body;
  return last?.["stage"] === "refused" ? last["reason"] : last?.["stage"];
}

describe("an hour without a north: what its judges find (negative controls)", function () {
  this.timeout(900_000);

  for (const control of BOTH)
    it(`a ramp that is ten times as fast: ${control}`, async () => {
      const toldRampWPerS = 10 * RAMP_W_PER_S;
      const run = await NorthlessSite.open({ control, toldRampWPerS });
      await run.until(SETTLED_S);
      await run.discharge({ id: "last", powerW: LEASED_W, leaseS: LEASE_S });
      await run.run(4);
      assert.match(run.steps[0] ?? "", /^(setpoints|reference) at 20\.\d+ s: \d+ W at once$/);
      await run.site.close();
    });

  it("a lease that has no end", async () => {
    const run = await opened("peak-cap");
    await run.discharge({ id: "last", powerW: LEASED_W, leaseS: 3_600 });
    await run.run(LEASE_S + LEASED_RAMP_S + 2);
    assert.equal(run.site.status.leases.length, 1);
    assert.ok(Math.abs(heldW(run) - LEASED_W) < NEAR_W["peak-cap"], "it is not gone");
    await run.site.close();
  });

  it("a control that does not look for trips", async () => {
    const plan = (known: ControlPlan): ControlPlan => ({ ...known, trips: [] });
    const run = await NorthlessSite.open({ control: "peak-cap", plan });
    await run.until(5);
    run.site.plant.load("full");
    await run.run(5);
    run.site.plant.trip("bess-2", "emergency-stop");
    await run.run(3);
    run.site.plant.clearCause("bess-2");
    await run.run(2);
    // Somebody lets it go at the battery itself, and not at the gateway.
    const device = run.site.plant.device("bess-2");
    for (const address of RESET_AT_DEVICE)
      device.write(device.units[0] ?? 1, { table: "holding", address }, [1]);
    await run.run(8);
    assert.match(run.oracle.violations[0] ?? "", /^(stopped|start) /);
    await run.site.close();
  });
});
