import { strict as assert } from "node:assert";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import { utcMs } from "../../src/domain/time.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const MW = 1e6;
const LIMIT_W = 20 * MW;
const REDUCTION_W = 5.75 * MW;
const EVENT = "dr-event-2026-11";
const RAMP_W_PER_S = 50_000;
const NOTICE_S = 180;
const HELD_S = 1_200;
const J_PER_MWH = 3.6e9;

const socOf = (site: VirtualSite): number =>
  (site.told("bess-1", "state-of-charge").value + site.told("bess-2", "state-of-charge").value) / 2;

/** What was answered with a stage of the event. */
function answerOf(site: VirtualSite, stage: string): Readonly<Record<string, unknown>> {
  const answer = site.answers.find(
    ({ topic, body }) => topic === `ack/${EVENT}` && body["stage"] === stage,
  );
  assert.ok(answer !== undefined, site.answers.map(({ body }) => body["stage"]).join());
  return answer.body;
}

describe("scene 11: import at most 20 MW for 20 minutes, told 3 minutes before", function () {
  this.timeout(600_000);

  it("is there before it begins, costs 2.1 MWh, and leaves the battery at 44 %", async () => {
    const site = await VirtualSite.open({ control: "smoothing" });
    await site.run(30);
    const socBefore = socOf(site);
    let [fastestW, reachedS, beforeW] = [0, Number.NaN, Number.NaN];
    const saidS = site.nowS;
    site.onCycle.push(() => {
      const { referenceW = Number.NaN } = site.status.smoothing ?? {};
      const movedW = Math.abs(referenceW - beforeW);
      if (movedW > fastestW) fastestW = movedW;
      beforeW = referenceW;
      if (Number.isNaN(reachedS) && referenceW <= LIMIT_W * 1.002) reachedS = site.nowS - saidS;
    });
    const saidAt = site.clock.utcNow();
    await site.publish("cmd/grid/demand-response", {
      dcpi_version: "1.0",
      message_type: "demand_response_request",
      timestamp: formatUtc(saidAt),
      event_id: EVENT,
      event_type: "load_reduction",
      start_time: formatUtc(utcMs(saidAt + NOTICE_S * 1_000)),
      duration_hours: HELD_S / 3_600,
      target_reduction_mw: REDUCTION_W / MW,
      compensation_rate_per_mwh: 150,
    });
    await site.run(1);
    const [lease] = site.status.leases;
    assert.deepEqual([lease?.kind, lease?.asset], ["import-limit", "pcc-meter"]);
    const limitW = lease?.targetW ?? Number.NaN;
    assert.ok(Math.abs(limitW - LIMIT_W) < 0.05 * MW, `${limitW} W by the load of then`);
    const promise = answerOf(site, "accepted");
    assert.deepEqual([promise["event_id"], promise["response"]], [EVENT, "accept"]);
    const commitment = promise["commitment"] as Readonly<Record<string, number>>;
    assert.equal(commitment["load_reduction_mw"], REDUCTION_W / MW);
    assert.ok(Math.abs((commitment["duration_hours"] ?? 0) * 3_600 - HELD_S) < 0.001);
    assert.ok(Math.abs((commitment["response_time_sec"] ?? 0) - NOTICE_S) <= 0.1);
    let givenJ = 0;
    let mostW = 0;
    const pass = async (seconds: number, isHeld: boolean): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        await site.run(1);
        const plant = site.plant.snapshot();
        givenJ += plant?.bessW ?? Number.NaN;
        if (isHeld) mostW = Math.max(mostW, plant?.gridW ?? Number.NaN);
      }
    };
    await pass(NOTICE_S - 1, false);
    assert.ok(reachedS <= 125 && reachedS < NOTICE_S, `reached after ${reachedS} s`);
    assert.deepEqual(site.stagesOf(EVENT), ["received", "accepted", "effect", "done"]);
    const measuredMw = Number(answerOf(site, "effect")["measured_mw"]);
    assert.ok(Math.abs(measuredMw - REDUCTION_W / MW) < 0.15, `${measuredMw} MW less`);
    await pass(HELD_S - 1, true);
    assert.ok(mostW <= LIMIT_W * 1.005, `${mostW} W`);
    const bessW = site.plant.snapshot()?.bessW ?? Number.NaN;
    assert.ok(Math.abs(bessW - 5.75 * MW) < 0.1 * MW, `${bessW} W of the battery`);
    await pass(140, false);
    assert.ok(Math.abs(givenJ / J_PER_MWH - 2.1) < 0.25, `${givenJ / J_PER_MWH} MWh`);
    const soc = socOf(site);
    assert.ok(Math.abs(soc - 44) <= 1, `${socBefore} to ${soc} %`);
    assert.ok(fastestW <= RAMP_W_PER_S * 0.05 * 1.001, `${fastestW} W in a cycle`);
    await site.close();
  });
});
