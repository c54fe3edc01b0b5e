import { strict as assert } from "node:assert";
import { WORD_FRESH_MS, WorkloadRoster, WORKLOADS_MAX } from "../../src/app/workload-roster.ts";
import type { WorkloadState } from "../../src/dcpi/shed/orders.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { MW, sightOf } from "../dcpi/shed/workloads.ts";

function announce(
  roster: WorkloadRoster,
  workload: string,
  terms: {
    readonly atMs?: number;
    readonly powerMw?: number;
    readonly stepsMw?: readonly (readonly [atMs: number, powerMw: number])[];
  },
): void {
  const { atMs = 0, powerMw, stepsMw = [] } = terms;
  const { dialect, flexibility, rampWPerS } = sightOf(workload, 0);
  const steps = stepsMw.map(([at, power]) => ({ at: monotonicMs(at), powerW: power * MW }));
  const powerW = powerMw === undefined ? undefined : powerMw * MW;
  const said = { workload, powerW, peakW: 9 * MW, slackMs: 0 };
  const timestamp = utcMs(atMs);
  roster.announce(
    {
      ...{ ...said, dialect, flexibility, rampWPerS, timestamp },
      ...{ steps: [], ignored: [], correlation: undefined },
    },
    { ...said, steps, withinMs: 0, notAfter: monotonicMs(atMs) },
    monotonicMs(atMs),
  );
}

function report(
  roster: WorkloadRoster,
  state: WorkloadState,
  { powerMw, atMs }: { readonly powerMw?: number; readonly atMs: number },
): boolean {
  const powerW = powerMw === undefined ? undefined : powerMw * MW;
  const status = { workload: "job-1", dialect: "dcpi", state, powerW } as const;
  return roster.report({ ...status, timestamp: utcMs(atMs) }, monotonicMs(atMs));
}

const drawn = (roster: WorkloadRoster, atMs: number): readonly string[] =>
  [...roster.sights(monotonicMs(atMs))].map(({ workload, powerW }) => `${workload} ${powerW / MW}`);

describe("who runs here", () => {
  it("draws what it has announced for this time", () => {
    const roster = new WorkloadRoster();
    announce(roster, "job-1", {
      powerMw: 2,
      stepsMw: [
        [1_000, 5],
        [2_000, 0],
      ],
    });
    assert.deepEqual(drawn(roster, 0), ["job-1 2"]);
    assert.deepEqual(drawn(roster, 1_000), ["job-1 5"]);
    assert.deepEqual(drawn(roster, 2_000), [], "it has ended");
  });

  it("goes on from what it drew when it announces anew and does not say", () => {
    const roster = new WorkloadRoster();
    announce(roster, "job-1", { powerMw: 2 });
    announce(roster, "job-1", { atMs: 10, stepsMw: [[5_000, 7]] });
    announce(roster, "job-2", { atMs: 10, stepsMw: [[5_000, 7]] });
    assert.deepEqual(drawn(roster, 100), ["job-1 2"]);
  });

  it("draws what it says, as long as that is fresh and was said after the announcement", () => {
    const roster = new WorkloadRoster();
    announce(roster, "job-1", { atMs: 10, powerMw: 5 });
    assert.equal(report(roster, "running", { powerMw: 4, atMs: 20 }), true);
    assert.deepEqual(drawn(roster, 20 + WORD_FRESH_MS), ["job-1 4"]);
    assert.deepEqual(drawn(roster, 21 + WORD_FRESH_MS), ["job-1 5"]);
    report(roster, "terminated", { atMs: 100_000 });
    assert.deepEqual(drawn(roster, 900_000), []);
    announce(roster, "job-1", { atMs: 900_000, powerMw: 3 });
    assert.deepEqual(drawn(roster, 900_000), ["job-1 3"]);
    report(roster, "paused", { powerMw: 0.5, atMs: 900_001 });
    assert.deepEqual(drawn(roster, 900_001), ["job-1 0.5"]);
  });

  it("does not take a word that is older than the last", () => {
    const roster = new WorkloadRoster();
    report(roster, "running", { atMs: 20 });
    assert.equal(report(roster, "paused", { atMs: 10 }), false);
    assert.equal(roster.wordOf("job-1")?.state, "running");
  });

  it("forgets whom it has not heard of for longest, beyond its limit", () => {
    const roster = new WorkloadRoster();
    for (let count = 0; count < WORKLOADS_MAX; count += 1)
      announce(roster, `job-${count}`, { powerMw: 1 });
    announce(roster, "job-0", { powerMw: 1 });
    announce(roster, "one-more", { powerMw: 1 });
    assert.deepEqual(roster.counters, { workloads: WORKLOADS_MAX, forgotten: 1 });
    assert.deepEqual(
      ["job-0", "job-1", "one-more"].map((id) => roster.isKnown(id)),
      [true, false, true],
    );
  });
});
