import { strict as assert } from "node:assert";
import { announce } from "../../../src/control/smoothing/announcements.ts";
import { restartSupervisor } from "../../../src/control/smoothing/supervisor.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { PlainLimiter } from "./support/arms.ts";
import { levelLoad, squareLoad, STEP_S } from "./support/loads.ts";
import { secondMeans } from "./support/metrics.ts";
import { MW, record, RIG } from "./support/rig.ts";
import {
  at,
  type Case,
  decibelsFrom,
  least,
  MJ,
  most,
  numberIn,
  productOf,
  rigOf,
  settingsOf,
  USABLE_J,
} from "./support/scenario.ts";

const wide = {
  lowW: 190 * MW,
  highW: 430 * MW,
  rampUpWPerS: 2 * MW,
  rampDownWPerS: 2 * MW,
  dischargeRatingW: 250 * MW,
  chargeRatingW: 250 * MW,
};
const noisy = { noise: 0.002, ratingW: 250 * MW, startJ: 17_000 * MJ };

/**
 * Each of them switches one guard off and shows that the expectation of its scenario then fails:
 * so the scenario tells the guard from its absence.
 */
describe("smoothing scenarios, with a guard switched off", function () {
  this.timeout(60_000);

  for (const [name, fromW, toW] of [
    ["1", 200 * MW, 400 * MW],
    ["2", 400 * MW, 200 * MW],
  ] as const)
    it(`${name}: with a battery that is kept half full the step takes more than there is`, () => {
      // Not where the governor wants it for this load: where a plain limiter leaves it.
      const limiter = new PlainLimiter(settingsOf({}), 0);
      const rig = rigOf({ rig: { startJ: USABLE_J / 2, stepMs: 50 } }, limiter);
      let [leastJ, mostJ] = [Infinity, -Infinity];
      while (rig.atMs < 400_000) {
        rig.step(rig.atMs < 100_000 ? fromW : toW);
        leastJ = Math.min(leastJ, rig.storedJ);
        mostJ = Math.max(mostJ, rig.storedJ);
      }
      assert.ok(leastJ < 0 || mostJ > USABLE_J, `${leastJ / MJ} to ${mostJ / MJ} MJ`);
    });

  it("3: without the announcement the step takes all of the power, and no energy before", () => {
    const rig = rigOf({ rig: { startJ: 10_300 * MJ } }, productOf({}));
    const { batteryW, storedJ } = record(
      rig,
      levelLoad(110, [
        { fromS: 0, powerW: 200 * MW },
        { fromS: 100, powerW: 400 * MW },
      ]),
    );
    assert.ok(most(batteryW) > 130 * MW, `${most(batteryW) / MW} MW`);
    const putByJ = most(storedJ) - numberIn(storedJ, 0);
    assert.ok(putByJ < 4_000 * MJ, `${putByJ / MJ} MJ`);
  });

  it("4: an announcement that nobody takes back keeps the reference away", () => {
    // A battery so large that the governor has no reason of its own to take it back.
    const given: Case = { rig: { usableJ: 60_000 * MJ, startJ: 25_000 * MJ } };
    const product = productOf(given);
    product.before = ({ state, inputs }) => {
      if (state.announcements.pending.length > 0) return;
      announce(state.announcements, {
        id: "job",
        at: monotonicMs(Math.max(120_000, inputs.now + 1_000)),
        fromW: 200 * MW,
        toW: 400 * MW,
        withinMs: 5_000,
        enforcedW: 200 * MW,
      });
    };
    const { referenceW } = record(
      rigOf(given, product),
      levelLoad(260, [{ fromS: 0, powerW: 200 * MW }]),
    );
    const awayW = numberIn(referenceW, 255) - 200 * MW;
    assert.ok(awayW > 90 * MW, `${awayW / MW} MW`);
  });

  it("7: without prediction iterations of 2.5 Hz are made worse", () => {
    const given: Case = { loop: "d225", site: wide, rig: noisy };
    const load = squareLoad({ seconds: 80, hz: 2.5, seed: 42 });
    const dB = decibelsFrom(record(rigOf(given, new PlainLimiter(settingsOf(given))), load), 40);
    assert.ok(dB > 0, `${dB} dB`);
  });

  it("8: without the supervisor wrong predictions go on doing harm", () => {
    const given: Case = { loop: "d225", site: { ...wide, delayMs: 461 }, rig: noisy };
    const product = productOf(given);
    product.identifies = false;
    product.before = ({ state }) => {
      restartSupervisor(state.supervisor);
      state.supervisor.restS = 0;
    };
    const dB = decibelsFrom(
      record(rigOf(given, product), squareLoad({ seconds: 60, hz: 2, seed: 42 })),
      20,
    );
    assert.ok(dB > 1, `${dB} dB`);
  });

  it("9: without the event rule the edges of a dip are seen for longer", () => {
    const site = { lowW: 160 * MW, highW: 310 * MW, rampUpWPerS: 2 * MW, rampDownWPerS: 2 * MW };
    const given: Case = { site, rig: { noise: RIG.noise } };
    const product = productOf(given);
    product.before = ({ state }) => {
      state.predictor.surprises = 0;
    };
    const load = levelLoad(72, [
      { fromS: 0, powerW: 300 * MW },
      { fromS: 60, powerW: 170 * MW },
      { fromS: 64, powerW: 300 * MW },
    ]);
    const { gridW } = record(rigOf(given, product), load);
    const meansW = secondMeans(gridW.subarray(at(58), at(70)), STEP_S);
    assert.equal(product.state.predictor.events, 0);
    assert.ok(most(meansW) - least(meansW) > 31 * MW, `${most(meansW) - least(meansW)} W`);
  });

  it("13: a converter that is believed to be larger passes its lack on in silence", () => {
    const given: Case = {
      rig: { ratingW: 120 * MW, usableJ: 26_000 * MJ, startJ: 23_000 * MJ },
    };
    const product = productOf(given);
    let declaredW = 0;
    product.before = ({ out }) => {
      declaredW += out.breachW;
    };
    const load = levelLoad(60, [
      { fromS: 0, powerW: 200 * MW },
      { fromS: 50, powerW: 400 * MW },
    ]);
    const { gridW } = record(rigOf(given, product), load);
    assert.ok(numberIn(gridW, 52) > 275 * MW, "80 MW reach the grid");
    assert.ok(Math.abs(declaredW - 80 * MW) > 40 * MW, `${declaredW / MW} MW are declared`);
  });

  it("15: without the floor the reserve is used", () => {
    const product = productOf({});
    const floorJ = 0.3 * 29_200 * MJ;
    product.inputs.ceilingJ = floorJ + USABLE_J;
    const startJ = floorJ + 0.02 * USABLE_J;
    const rig = rigOf({ rig: { startJ, noise: RIG.noise } }, product);
    const load = levelLoad(200, [
      { fromS: 0, powerW: 390 * MW },
      { fromS: 20, powerW: 200 * MW },
      { fromS: 21, powerW: 400 * MW },
    ]);
    const { storedJ } = record(rig, load);
    assert.ok(least(storedJ.subarray(at(22))) < floorJ, `${least(storedJ) / MJ} MJ`);
  });
});
