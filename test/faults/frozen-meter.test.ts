import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import { type Got, qualitiesOf, type Subscriber } from "../integration/subscriber.ts";
import { controlSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

const FIELD = "active_power_w";
/** The load moves every half second; the cross-check wants three samples that do not match. */
const CROSS_CHECK_MS = 500 + 400;
/** The meter's own rule: its value stands still for so long. */
const STUCK_MS = 2_500;
const MARGIN_MS = 300;

describe("a grid meter whose registers freeze while its connection stays up", function () {
  this.timeout(240_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("freeze", {
      load: "steady",
      topics: ["tel/pcc-meter", "evt/#", "status"],
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  const freeze = async (): Promise<{ readonly got: Got; readonly tookMs: number }> => {
    await eventually("the meter is trusted", 30_000, async () =>
      (await controlSight(run)).source === "meter" ? true : undefined,
    );
    await delay(3_000);
    run.order({ device: "pcc-meter", fault: "frozen" });
    const from = performance.now();
    const got = await north.wait(
      "the meter is doubted",
      10_000,
      (message) => message.atMs > from && qualitiesOf(message)[FIELD] !== undefined,
    );
    return { got, tookMs: got.atMs - from };
  };
  const heal = async (): Promise<void> => {
    run.order({ device: "pcc-meter", fault: "none" });
    const from = performance.now();
    await north.wait(
      "the meter is good again",
      20_000,
      ({ topic, atMs, ...rest }) =>
        topic === "tel/pcc-meter" &&
        atMs > from + 500 &&
        qualitiesOf({ topic, atMs, ...rest })[FIELD] === undefined,
    );
    await eventually("control takes it again", 20_000, async () =>
      (await controlSight(run)).source === "meter" ? true : undefined,
    );
  };

  it("is found out by itself under a steady load", async () => {
    const { got, tookMs } = await freeze();
    const quality = qualitiesOf(got)[FIELD] ?? "";
    say(`steady load: ${quality} after ${Math.round(tookMs)} ms`);
    assert.match(quality, /^uncertain\//);
    assert(tookMs <= STUCK_MS + MARGIN_MS, `${tookMs} ms`);
    await eventually("control uses the feeders", 2_000, async () =>
      (await controlSight(run)).source === "feeders" ? true : undefined,
    );
    await heal();
  });

  it("is found out by the feeders as soon as the load moves", async () => {
    run.order({ load: "training-1hz" });
    await delay(3_000);
    const { got, tookMs } = await freeze();
    const quality = qualitiesOf(got)[FIELD] ?? "";
    say(`load at 1 Hz: ${quality} after ${Math.round(tookMs)} ms`);
    assert.match(quality, /^uncertain\//);
    assert(tookMs <= CROSS_CHECK_MS + MARGIN_MS, `${tookMs} ms`);
    await eventually("control uses the feeders", 2_000, async () =>
      (await controlSight(run)).source === "feeders" ? true : undefined,
    );
    await heal();
  });
});
