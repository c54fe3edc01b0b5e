import { strict as assert } from "node:assert";
import type { SiteContext } from "../../src/app/site-context.ts";
import { MW } from "../support/virtual-oracle.ts";
import { type ControlKind, World, type WorldOptions } from "../support/virtual-world.ts";

const FAULTS_S = 20;
const pinned = process.env["SIM_SEED"];
const count = Number(process.env["SIM_SEEDS"] ?? 60);
const seeds = pinned === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(pinned)];

/** Of sites that were opened before: profiles and site file are compiled once. */
const contexts = new Map<ControlKind, SiteContext>();

function controlOf(seed: number): ControlKind {
  return seed % 2 === 0 ? "smoothing" : "peak-cap";
}

async function opened(options: Omit<WorldOptions, "control">): Promise<World> {
  const control = controlOf(options.seed);
  const context = contexts.get(control);
  const world = await World.open({ ...options, control, ...(context && { context }) });
  contexts.set(control, world.site.context);
  return world;
}

function add(sum: Map<string, number>, part: ReadonlyMap<string, number>): void {
  for (const [key, value] of part) sum.set(key, (sum.get(key) ?? 0) + value);
}

describe("simulation: the whole of control among faults", function () {
  this.timeout(60_000);
  const hits = new Map<string, number>();
  const looked = new Map<string, number>();

  for (const seed of seeds)
    it(`is safe in every moment, and recovers (SIM_SEED=${seed})`, async () => {
      const world = await opened({ seed });
      const { site, oracle } = world;
      await world.suffer(FAULTS_S);
      await world.heal();
      add(hits, world.hits);
      add(looked, oracle.looked);
      if (process.env.DBG) for (const e of world.story) console.log(e);
      if (process.env.DBG) for (const e of site.events) console.log(e.atMs, e.id, e.device, e.phase, e.text);
      assert.deepEqual(oracle.violations.slice(0, 5), []);
      assert.deepEqual(site.eventsOf("second-writer"), [], "there is no other writer");
      assert.deepEqual(
        site.status.units.map(({ mode }) => mode),
        ["ready", "ready"],
      );
      assert.deepEqual(world.standing, [], "alarms that nothing justifies");
      await site.close();
    });

  it("has met every kind of fault, and looked at everything", function () {
    if (seeds.length < 50) this.skip();
    console.log(Object.fromEntries([...hits].sort()), Object.fromEntries(looked), MW);
  });
});
