import { strict as assert } from "node:assert";
import { answerOf, type Desk } from "../../src/app/smoothing-desk.ts";
import { decibels, rmsIn, spectrumOf } from "../control/smoothing/support/metrics.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const CYCLE_MS = 50;
const SECONDS = 30;
const STEP_S = 0.01;

/** What happened, in its order, with its time: a cycle begins and ends, an answer comes. */
interface Step {
  readonly what: "asked" | "answered" | "cycled";
  readonly atMs: number;
}

interface Run {
  readonly steps: readonly Step[];
  readonly cycles: readonly number[];
  readonly grid: Float64Array;
  readonly load: Float64Array;
}

/** A load of 1 Hz for half a minute, with a desk that takes its time. */
async function run(desk: (site: () => VirtualSite, steps: Step[]) => Desk): Promise<Run> {
  const steps: Step[] = [];
  const holder: { site?: VirtualSite } = {};
  const opened = (): VirtualSite => {
    assert.ok(holder.site !== undefined);
    return holder.site;
  };
  const site = await VirtualSite.open({
    control: "smoothing",
    load: "training-1hz",
    desk: desk(opened, steps),
  });
  holder.site = site;
  const cycles: number[] = [];
  site.onCycle.push(() => {
    cycles.push(opened().clock.now());
    steps.push({ what: "cycled", atMs: opened().clock.now() });
  });
  const count = Math.round(SECONDS / STEP_S);
  const grid = new Float64Array(count);
  const load = new Float64Array(count);
  for (let place = 0; place < count; place += 1) {
    await site.run(STEP_S);
    const plant = site.plant.snapshot();
    grid[place] = plant?.gridW ?? Number.NaN;
    load[place] = (plant?.gridW ?? 0) + (plant?.bessW ?? 0);
  }
  await site.close();
  return { steps, cycles, grid, load };
}

/** Answers after a time; Infinity: never. */
function slowDesk(afterMs: number) {
  return (site: () => VirtualSite, steps: Step[]): Desk => ({
    ask: (question, answer) => {
      const now = (): number => site().clock.now();
      steps.push({ what: "asked", atMs: now() });
      if (!Number.isFinite(afterMs)) return;
      void site()
        .clock.sleep(afterMs)
        .then(() => {
          steps.push({ what: "answered", atMs: now() });
          answer(answerOf(question));
        });
    },
  });
}

/** Answers inside of the cycle that asks. */
function hastyDesk(site: () => VirtualSite, steps: Step[]): Desk {
  return {
    ask: (question, answer) => {
      steps.push({ what: "asked", atMs: site().clock.now() });
      steps.push({ what: "answered", atMs: site().clock.now() });
      answer(answerOf(question));
    },
  };
}

/** True when no answer was waited for: nothing comes between a question and its cycle's end. */
function isNeverWaited(steps: readonly Step[]): boolean {
  return steps.every(({ what }, place) => {
    const next = steps[place + 1]?.what;
    return what !== "asked" || next === undefined || next === "asked" || next === "cycled";
  });
}

function gainDb({ grid, load }: Run): number {
  const band = { fromHz: 0.1, toHz: 20 };
  const from = Math.round(15 / STEP_S);
  const rms = (values: Float64Array): number =>
    rmsIn(spectrumOf(values.subarray(from), STEP_S), band);
  return decibels(rms(grid), rms(load));
}

describe("scenario 21: what is computed beside the cycle", function () {
  this.timeout(240_000);

  for (const [afterMs, mostDb] of [
    [100, -8],
    [3_000, -4],
    [9_000, 1],
    [Infinity, 1],
  ] as const)
    it(`comes after ${afterMs} ms: no cycle is late, left out or waits for it`, async () => {
      const seen = await run(slowDesk(afterMs));
      assert.ok(seen.cycles.length >= (SECONDS * 1_000) / CYCLE_MS - 1, `${seen.cycles.length}`);
      const apart = seen.cycles.slice(1).map((at, place) => at - (seen.cycles[place] ?? 0));
      assert.deepEqual(new Set(apart), new Set([CYCLE_MS]));
      assert.ok(isNeverWaited(seen.steps));
      assert.ok(seen.steps.some(({ what }) => what === "asked"));
      // Without an answer it is no worse than the load, by more than what the first seconds cost.
      assert.ok(gainDb(seen) <= mostDb, `${gainDb(seen)} dB`);
    });

  it("comes inside of the cycle: that is seen (negative control)", async () => {
    const { steps } = await run(hastyDesk);
    assert.equal(isNeverWaited(steps), false);
  });
});
