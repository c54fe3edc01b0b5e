import { strict as assert } from "node:assert";
import { VirtualSite } from "../support/virtual-site.ts";

const PRESETS = ["d30", "d95", "d225", "d300"] as const;

describe("the site in virtual time", () => {
  it("is the same for the same seed, to the last bit", async () => {
    const runs = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const site = await VirtualSite.open({ load: "training-1hz", seed });
        await site.run(5);
        const { value, lastGoodAt } = site.told("pcc-meter", "active-power");
        await site.close();
        return [value, lastGoodAt];
      }),
    );
    assert.deepEqual(runs[0], runs[1]);
    assert.notDeepEqual(runs[0], runs[2]);
  });

  for (const preset of PRESETS) {
    it(`believes the meter while the load swings 10 MW each half second, ${preset}`, async () => {
      const site = await VirtualSite.open({ load: "mean", preset });
      await site.run(5);
      site.plant.load("training-1hz");
      await site.run(30);
      assert.deepEqual(site.events, []);
      await site.close();
    });
  }
});
