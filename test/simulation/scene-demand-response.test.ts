import { strict as assert } from "node:assert";
import { VirtualSite } from "../support/virtual-site.ts";

const MW = 1e6;
const LIMIT_W = 20 * MW;
const RAMP_W_PER_S = 50_000;
const NOTICE_S = 180;
const HELD_S = 1_200;
const J_PER_MWH = 3.6e9;

const socOf = (site: VirtualSite): number =>
  (site.told("bess-1", "state-of-charge").value + site.told("bess-2", "state-of-charge").value) / 2;

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
    site.command({
      id: "dr",
      asset: "pcc-meter",
      action: { kind: "set-point", point: "import-limit", value: LIMIT_W },
      leaseMs: (NOTICE_S + HELD_S) * 1_000,
      priority: 4,
    });
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
    await pass(NOTICE_S, false);
    assert.ok(reachedS <= 125, `reached after ${reachedS} s`);
    assert.deepEqual(site.stagesOf("dr"), ["received", "accepted", "effect", "done"]);
    const effect = site.steps.find(({ stage }) => stage === "effect");
    assert.ok(Math.abs((effect?.measured ?? 0) - LIMIT_W) < 0.1 * MW, `${effect?.measured} W`);
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
