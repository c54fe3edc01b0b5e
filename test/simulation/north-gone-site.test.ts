import { strict as assert } from "node:assert";
import type { SiteContext } from "../../src/app/site-context.ts";
import { NorthlessSite, RAMP_W_PER_S } from "../support/northless-site.ts";
import { MW } from "../support/virtual-oracle.ts";
import type { ControlKind } from "../support/virtual-world.ts";

/** How long nothing comes from the north, s; an hour is SIM_NORTH_GONE_S=3600. */
const GONE_S = Number(process.env["SIM_NORTH_GONE_S"] ?? 300);
const SHORTEST_S = 300;
const SETTLED_S = 20;
const LEASED_W = 2.5 * MW;
const LEASE_S = 60;
const WITHIN_W = 0.1 * MW;

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
  const at = async (part: number): Promise<void> => run.until(SETTLED_S + part * GONE_S);
  await run.discharge({ id: "last", powerW: LEASED_W, leaseS: LEASE_S });
  await at(0.4);
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

function judged(run: NorthlessSite): void {
  assert.deepEqual(run.steps.slice(0, 5), []);
  assert.deepEqual(run.oracle.violations.slice(0, 5), []);
}

describe(`the whole of control, and nothing north of it for ${GONE_S} s`, function () {
  this.timeout(Math.max(240_000, 500 * GONE_S));

  for (const control of ["peak-cap", "smoothing"] as const)
    it(`moves nothing faster than the ramp, is safe, and takes commands back: ${control}`, async () => {
      assert.ok(GONE_S >= SHORTEST_S, "what happens in it needs its time");
      const run = await opened(control);
      const { site } = run;
      await withoutNorth(run);
      judged(run);
      assert.deepEqual(site.status.leases, [], "the lease ran out");
      assert.equal(site.eventsOf("lease-expired").length, 1);
      assert.equal(site.status.source, "meter");
      assert.deepEqual(
        site.status.units.map(({ mode }) => mode),
        ["ready", "tripped"],
        "what an emergency stop has latched stays so",
      );
      assert.equal(run.setpointW("bess-2"), 0);
      assert.equal(site.plant.device("bess-2").readNumber("run-command", NaN), 0);

      // What waited in the north all the while is too late; what is new sets out at the ramp.
      const beforeW = run.batteryW;
      const referenceW = site.status.smoothing?.referenceW ?? 0;
      await run.discharge({ id: "stale", powerW: 9 * MW, leaseS: 600, saidAtS: SETTLED_S });
      await run.discharge({ id: "new", powerW: LEASED_W, leaseS: 600 });
      await run.run(LEASED_W / RAMP_W_PER_S + 2);
      judged(run);
      console.log(JSON.stringify(site.answers.map((a) => [a.topic, a.body["command_id"], a.body["status"], a.body["stage"], a.body["reason"], a.body["error"]])));
      console.log(run.looks, run.judged, run.largestW, [...run.oracle.looked], beforeW, run.batteryW, referenceW, site.status.smoothing?.referenceW);
      console.log(site.events.map((e) => `${e.atMs} ${e.id} ${e.phase} ${e.device ?? ""} ${e.text}`).join("\n"));
      await site.order({ kind: "reset", trip: "all", by: "anna" });
      await run.run(20);
      judged(run);
      console.log(site.status.units.map(({ mode }) => mode));
      await site.close();
    });
});
