import { strict as assert } from "node:assert";
import { compare, squareComparison } from "./support/comparison.ts";
import { squareLoad } from "./support/loads.ts";
import { LOOP_NAMES } from "./support/timing.ts";

/** dB of 0.1 to 20 Hz at 1 Hz: what a plain limiter makes of it, and what is the least for us. */
const TARGETS = [
  { loop: "d30", plainDb: -7, mostDb: -18 },
  { loop: "d95", plainDb: -1, mostDb: -8 },
  { loop: "d225", plainDb: 1.9, mostDb: -8 },
] as const;

/** Loads that nothing was tuned with. */
const UNSEEN = [
  { hz: 0.35, duty: 0.7 },
  { hz: 0.7, duty: 0.6 },
  { hz: 1.7, duty: 0.7 },
  { hz: 2.6, duty: 0.4 },
];

describe("smoothing of iterations", function () {
  this.timeout(60_000);

  for (const { loop, plainDb, mostDb } of TARGETS) {
    it(`reaches ${mostDb} dB at 1 Hz behind the delays of ${loop}`, () => {
      const { rmsDb, referenceRampShare } = compare(squareComparison(1), loop, "product");
      assert.ok(rmsDb <= mostDb, `${rmsDb} dB`);
      assert.ok(referenceRampShare <= 1.001);
    });

    it(`does so where a plain limiter is at ${plainDb} dB`, () => {
      const { rmsDb } = compare(squareComparison(1), loop, "plain");
      assert.ok(Math.abs(rmsDb - plainDb) < 0.3, `${rmsDb} dB`);
    });
  }

  for (const { hz, duty } of UNSEEN)
    it(`does no harm to a load of ${hz} Hz that it was not tuned with`, () => {
      const terms = { seconds: 120, hz, duty, jitter: 0.02, levelJitter: 0.02, seed: 77 };
      const comparison = { ...squareComparison(hz), loadW: squareLoad(terms) };
      for (const loop of LOOP_NAMES.slice(1)) {
        const { rmsDb } = compare(comparison, loop, "product");
        assert.ok(rmsDb <= 0.3, `${rmsDb} dB behind ${loop}`);
      }
    });
});
