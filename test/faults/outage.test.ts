import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import { type Got, percentile, type Subscriber, valuesOf } from "../integration/subscriber.ts";
import { auditLine } from "../../src/store/audit-ledger.ts";
import { servicesSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

const OUTAGE_MS = 60_000;
/** What the demonstration's plant gives; see the first figure that the test prints. */
const POINTS_PER_S = 1_000;
const LIVE_P99_MS = 1_000;

describe("a broker that is away for a minute", function () {
  this.timeout(400_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("outage", {
      load: "training-1hz",
      topics: ["tel/#"],
      settles: true,
      ready: ({ topic }) => topic === "tel/env-6",
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  it("loses nothing, keeps the order of both lanes, and does not hold up what is live", async () => {
    await delay(10_000);
    say(`before: ${rateOf(north.got).toFixed(0)} points/s`);
    assert(rateOf(north.got) >= POINTS_PER_S * 0.9, "the plant gives what the test is about");
    await run.killBroker();
    await delay(OUTAGE_MS);
    const waiting = (await servicesSight(run)).store.waitingRows;
    const from = north.got.length;
    const startedAt = performance.now();
    await run.startBroker();
    const drainedMs = await eventually("everything waiting is delivered", 180_000, async () => {
      const { store, publisher } = await servicesSight(run);
      return publisher.connected && store.waitingRows < 50
        ? performance.now() - startedAt
        : undefined;
    });
    await eventually("nothing is missing", 30_000, () =>
      north.ledger.verdict().lost === 0 ? true : undefined,
    );
    const late = north.got.slice(from).filter(({ body }) => body["bf"] === true);
    const drained = late.at(-1)?.atMs ?? startedAt;
    const live = north.got
      .slice(from)
      .filter(({ body, atMs }) => body["bf"] !== true && atMs <= drained)
      .map(({ body, utcMs }) => utcMs - Number(body["t"]));
    const verdict = north.ledger.verdict();
    say(
      `${waiting} messages waited; drained in ${(drainedMs / 1_000).toFixed(1)} s; ` +
        `live meanwhile (${live.length}): p50 ${percentile(live, 0.5)} ms, ` +
        `p99 ${percentile(live, 0.99)} ms, max ${percentile(live, 1)} ms`,
    );
    say(auditLine(verdict));
    assert(waiting > 2_000, `${waiting} messages waited`);
    assert(live.length > 20, "live messages came during the drain");
    assert(percentile(live, 0.99) <= LIVE_P99_MS);
    assert.equal(verdict.lost, 0);
    assert.equal(verdict.outOfOrder, 0);
    assert.deepEqual(north.differing, []);
  });
});

/** Values per second over the last ten seconds. */
function rateOf(got: readonly Got[]): number {
  const from = performance.now() - 10_000;
  return (
    got
      .filter(({ atMs }) => atMs > from)
      .reduce((sum, message) => sum + Object.keys(valuesOf(message)).length, 0) / 10
  );
}
