import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import {
  type Got,
  percentile,
  qualitiesOf,
  type Subscriber,
  valuesOf,
} from "../integration/subscriber.ts";
import { say } from "./say.ts";

const PULLED = "ups-1";
/** Slowest group of its profile. */
const SLOWEST_MS = 2_000;
/** From the device to the subscriber, and the tenth of a period that a poll may be late, ms. */
const MARGIN_MS = 300;
const WATCH_MS = 20_000;

describe("a device that is pulled out", function () {
  this.timeout(400_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("pull", { load: "mean", topics: ["tel/#", "evt/#", "status"] });
    await delay(15_000);
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  for (const fault of ["stopped", "blackhole", "silent"]) {
    it(`is bad with a reason within two polls when it is ${fault}; nobody else notices`, async () => {
      north.got.length = 0;
      await delay(WATCH_MS);
      const before = spacings(north.got);
      const lastGood = lastGoodTimes(north.got);
      north.got.length = 0;
      run.order({ device: PULLED, fault });
      const pulledAt = performance.now();

      const bad = new Map<string, Got>();
      const tookMs = await eventually("every point is bad", 20_000, () => {
        for (const got of north.on(`tel/${PULLED}`))
          for (const [field, quality] of Object.entries(qualitiesOf(got)))
            if (quality.startsWith("bad/") && !bad.has(field)) bad.set(field, got);
        return [...lastGood.keys()].every((field) => bad.has(field))
          ? Math.max(...[...bad.values()].map(({ atMs }) => atMs)) - pulledAt
          : undefined;
      });
      assert(lastGood.size > 10, `${lastGood.size} points were good before`);
      say(`${fault}: all ${bad.size} points bad after ${Math.round(tookMs)} ms`);
      assert(tookMs <= 2 * SLOWEST_MS + MARGIN_MS, `${tookMs} ms`);
      for (const [field, got] of bad) {
        assert.equal(valuesOf(got)[field], null, `${field} shows no old number`);
        assert.match(qualitiesOf(got)[field] ?? "", /^bad\/no-communication$/);
      }
      assertLastGoodUnchanged(bad, lastGood);

      await delay(WATCH_MS);
      const during = spacings(north.got);
      run.order({ device: PULLED, fault: "none" });
      await north.wait("the device is back", 60_000, (got) => {
        const isLater = got.atMs > pulledAt + WATCH_MS;
        return isLater && got.topic === `tel/${PULLED}` && valuesOf(got)["active_power_w"] !== null;
      });
      await delay(5_000);
      north.got.length = 0;
      await delay(WATCH_MS);
      compare({ before, during, after: spacings(north.got) });
    });
  }
});

/** UTC of the newest good value of each point of the pulled device. */
function lastGoodTimes(got: readonly Got[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const message of got) {
    if (message.topic !== `tel/${PULLED}`) continue;
    const qualities = qualitiesOf(message);
    for (const field of Object.keys(valuesOf(message)))
      if (qualities[field] === undefined && field !== "link_up") times.set(field, timeOf(message));
  }
  return times;
}

function timeOf({ body }: Got): number {
  return Number(body["t"]);
}

/** The source time that a bad value names is that of a good one: before the pull, and it stays. */
function assertLastGoodUnchanged(
  bad: ReadonlyMap<string, Got>,
  lastGood: ReadonlyMap<string, number>,
): void {
  for (const [field, got] of bad) {
    if (field === "link_up") continue;
    const differences = (got.body["dt"] ?? {}) as Readonly<Record<string, number>>;
    const named = timeOf(got) + Number(differences[field]);
    const known = lastGood.get(field) ?? Number.NaN;
    // One more poll may have come between the last look and the pull.
    assert(named >= known && named <= known + 2 * SLOWEST_MS, `${field}: ${named - known} ms off`);
  }
}

/** Distances between the polls of each device's commonest group, in parts of their median. */
function spacings(got: readonly Got[]): Map<string, number[]> {
  const groups = new Map<string, Map<string, number[]>>();
  for (const message of got) {
    if (!message.topic.startsWith("tel/") || message.topic.startsWith("tel/gateway")) continue;
    if (message.topic === `tel/${PULLED}`) continue;
    const [first] = Object.keys(valuesOf(message));
    const byFirst = groups.get(message.topic) ?? new Map<string, number[]>();
    groups.set(message.topic, byFirst);
    const times = byFirst.get(first ?? "") ?? [];
    byFirst.set(first ?? "", times);
    times.push(timeOf(message));
  }
  const result = new Map<string, number[]>();
  for (const [topic, byFirst] of groups) {
    const [times] = [...byFirst.values()].sort((a, b) => b.length - a.length);
    if (times === undefined || times.length < 10) continue;
    times.sort((a, b) => a - b);
    const distances = times.slice(1).map((time, at) => time - (times[at] ?? time));
    result.set(topic, distances);
  }
  return result;
}

interface Windows {
  readonly before: ReadonlyMap<string, readonly number[]>;
  readonly during: ReadonlyMap<string, readonly number[]>;
  readonly after: ReadonlyMap<string, readonly number[]>;
}

/** The machine has its own noise: the fault is compared with the worse of before and after. */
function compare(windows: Windows): void {
  const { before, during, after } = windows;
  const all = { before: [] as number[], during: [] as number[], after: [] as number[] };
  for (const [topic, distances] of before) {
    const periodMs = percentile(distances, 0.5);
    for (const name of ["before", "during", "after"] as const) {
      const own = windows[name].get(topic);
      assert(own !== undefined, `${topic} is polled ${name}`);
      all[name].push(...own.map((distance) => distance / periodMs));
    }
    const [was, is, then] = [distances, during.get(topic) ?? [], after.get(topic) ?? []].map(
      (values) => percentile(values, 0.99),
    );
    if ((is ?? 0) > Math.max(was ?? 0, then ?? 0) * 1.1)
      say(`${topic}: ${periodMs} ms, p99 ${was} before, ${is} during, ${then} after`);
  }
  const p99 = (name: keyof Windows): number => percentile(all[name], 0.99);
  say(
    `periods of ${before.size} other devices, p99 in parts of the median: ` +
      `${p99("before").toFixed(3)} before (${all.before.length}), ` +
      `${p99("during").toFixed(3)} during (${all.during.length}), ` +
      `${p99("after").toFixed(3)} after (${all.after.length})`,
  );
  const quiet = Math.max(p99("before"), p99("after"));
  assert(p99("during") <= quiet * 1.1, `p99 went from ${quiet} to ${p99("during")}`);
}
