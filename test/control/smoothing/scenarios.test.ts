import { strict as assert } from "node:assert";
import { announce } from "../../../src/control/smoothing/announcements.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { PlainLimiter, Product } from "./support/arms.ts";
import { levelLoad, squareLoad, STEP_S } from "./support/loads.ts";
import { secondMeans } from "./support/metrics.ts";
import { type Controller, MW, record, type Trace } from "./support/rig.ts";
import {
  at,
  type Case,
  decibelsFrom,
  least,
  MJ,
  most,
  numberIn,
  productOf,
  RAMP,
  referenceRamp,
  rigOf,
  settingsOf,
  USABLE_J,
} from "./support/scenario.ts";

describe("smoothing scenarios", function () {
  this.timeout(60_000);

  it("1: an unannounced step up is ramped at exactly the limit, from a nearly full battery", () => {
    const product = productOf({});
    const rig = rigOf({ rig: { startJ: 0.99 * USABLE_J } }, product);
    const trace = record(
      rig,
      levelLoad(600, [
        { fromS: 0, powerW: 200 * MW },
        { fromS: 300, powerW: 400 * MW },
      ]),
    );
    assert.ok(referenceRamp(trace) <= RAMP);
    const climbedW = numberIn(trace.referenceW, 450) - numberIn(trace.referenceW, 350);
    assert.ok(Math.abs(climbedW - 100 * MW) < 0.2 * MW, `${climbedW}`);
    assert.ok(least(trace.storedJ) >= 0 && most(trace.storedJ) <= USABLE_J);
    assert.ok(most(trace.batteryW) > 190 * MW);
    // The pulse of the delay: over with it and the edge.
    const pulse = trace.gridW
      .subarray(at(300), at(320))
      .filter((gridW, place) => gridW - (trace.referenceW[at(300) + place] ?? 0) > 20 * MW);
    assert.ok(pulse.length * STEP_S <= 0.2, `${pulse.length * STEP_S} s`);
  });

  it("2: a step down is its mirror, into a nearly empty battery", () => {
    const product = productOf({});
    const rig = rigOf({ rig: { startJ: 0.01 * USABLE_J } }, product);
    const trace = record(
      rig,
      levelLoad(600, [
        { fromS: 0, powerW: 400 * MW },
        { fromS: 300, powerW: 200 * MW },
      ]),
    );
    assert.ok(referenceRamp(trace) <= RAMP);
    assert.ok(least(trace.storedJ) >= 0 && most(trace.storedJ) <= USABLE_J);
    const filledJ = most(trace.storedJ) - numberIn(trace.storedJ, 300);
    assert.ok(filledJ > 15_000 * MJ && filledJ <= 20_100 * MJ, `${filledJ / MJ} MJ`);
  });

  function announcedRun(isHonoured: boolean): { trace: Trace; product: Product } {
    const product = productOf({});
    announce(product.state.announcements, {
      id: "job",
      at: monotonicMs(300_000),
      fromW: 200 * MW,
      toW: 400 * MW,
      withinMs: 5_000,
      enforcedW: 200 * MW,
    });
    const levels = [{ fromS: 0, powerW: 200 * MW }];
    if (isHonoured) levels.push({ fromS: 300, powerW: 400 * MW });
    const rig = rigOf({ rig: { startJ: 10_300 * MJ } }, product);
    return { trace: record(rig, levelLoad(700, levels)), product };
  }

  it("3: an announced step costs a quarter of the energy and half of the power", () => {
    const { trace } = announcedRun(true);
    assert.ok(referenceRamp(trace) <= RAMP);
    const startJ = numberIn(trace.storedJ, 150);
    const chargedJ = most(trace.storedJ.subarray(at(150), at(310))) - startJ;
    assert.ok(Math.abs(chargedJ - 5_000 * MJ) < 600 * MJ, `${chargedJ / MJ} MJ`);
    assert.ok(most(trace.batteryW) <= 112 * MW, `${most(trace.batteryW) / MW} MW`);
    assert.ok(least(trace.batteryW) >= -112 * MW, `${least(trace.batteryW) / MW} MW`);
    // With this battery the reference cannot stay high before there is room for a step down.
    assert.ok(numberIn(trace.referenceW, 450) > 350 * MW);
    assert.ok(most(trace.storedJ) <= USABLE_J);
  });

  it("4: an announced step that does not come is taken back at the ramp", () => {
    const { trace, product } = announcedRun(false);
    assert.ok(referenceRamp(trace) <= RAMP);
    assert.ok(most(trace.referenceW) > 290 * MW && most(trace.referenceW) < 320 * MW);
    assert.ok(Math.abs(numberIn(trace.referenceW, 600) - 200 * MW) < 12 * MW);
    assert.ok(most(trace.storedJ) <= USABLE_J);
    assert.equal(product.state.announcements.pending.length, 0);
  });

  /** Two hours of the load that falls slowly and steps up again; the energies it reaches. */
  function sawtoothRun(controller: Controller): { leastJ: number; mostJ: number; rampW: number } {
    const rig = rigOf({ rig: { startJ: USABLE_J / 2, stepMs: 50 } }, controller);
    const seen = { leastJ: Infinity, mostJ: 0, rampW: 0 };
    let beforeW = Number.NaN;
    while (rig.atMs < 7_200_000) {
      rig.step((400 - ((rig.atMs / 1_000) % 200)) * MW);
      const movedW = Math.abs(controller.referenceW - beforeW);
      if (movedW > seen.rampW) seen.rampW = movedW;
      beforeW = controller.referenceW;
      seen.leastJ = Math.min(seen.leastJ, rig.storedJ);
      seen.mostJ = Math.max(seen.mostJ, rig.storedJ);
    }
    return seen;
  }

  it("5: two hours of slow declines and steps up leave the battery well inside", () => {
    const product = new Product(settingsOf({}), { usableJ: USABLE_J, refitMs: 10_000 });
    const { leastJ, mostJ, rampW } = sawtoothRun(product);
    assert.ok(rampW <= RAMP * 0.05);
    assert.ok(leastJ > 4_000 * MJ && mostJ < 14_000 * MJ, `${leastJ / MJ} to ${mostJ / MJ} MJ`);
  });

  it("5, without the governor: a plain ramp limiter empties the battery", () => {
    const { leastJ } = sawtoothRun(new PlainLimiter(settingsOf({}), 0));
    assert.ok(leastJ < 0, `${leastJ / MJ} MJ`);
  });

  const wide = {
    lowW: 190 * MW,
    highW: 430 * MW,
    rampUpWPerS: 2 * MW,
    rampDownWPerS: 2 * MW,
    dischargeRatingW: 250 * MW,
    chargeRatingW: 250 * MW,
  };
  const noisy = { noise: 0.002, ratingW: 250 * MW, startJ: 17_000 * MJ };

  it("6: iterations of 1 Hz are smoothed behind a delay of 225 ms", () => {
    const given: Case = { loop: "d225", site: wide, rig: noisy };
    const load = squareLoad({ seconds: 120, hz: 1, seed: 42 });
    const dB = decibelsFrom(record(rigOf(given, productOf(given)), load), 40);
    assert.ok(dB <= -6, `${dB} dB`);
  });

  it("6, without prediction: a plain ramp limiter makes them worse", () => {
    const given: Case = { loop: "d225", site: wide, rig: noisy };
    const load = squareLoad({ seconds: 120, hz: 1, seed: 42 });
    const limiter = new PlainLimiter(settingsOf(given));
    const dB = decibelsFrom(record(rigOf(given, limiter), load), 40);
    assert.ok(dB >= 0, `${dB} dB`);
  });

  it("7: iterations of 2.5 Hz behind 225 ms are not made worse", () => {
    const given: Case = { loop: "d225", site: wide, rig: noisy };
    const load = squareLoad({ seconds: 120, hz: 2.5, seed: 42 });
    const dB = decibelsFrom(record(rigOf(given, productOf(given)), load), 40);
    assert.ok(dB <= 0, `${dB} dB`);
  });

  it("8: a delay that is believed to be twice as long is found, and does no harm before", () => {
    const given: Case = { loop: "d95", site: { ...wide, delayMs: 230 }, rig: noisy };
    const product = productOf(given);
    product.identifies = false;
    product.before = ({ inputs }) => {
      if (inputs.now >= 100_000) product.identifies = true;
    };
    const load = squareLoad({ seconds: 240, hz: 1, seed: 42 });
    const trace = record(rigOf(given, product), load);
    const until = { ...trace, gridW: trace.gridW.subarray(0, at(100)) };
    const before = decibelsFrom({ ...until, loadW: load.subarray(0, at(100)) }, 40);
    assert.ok(before <= 1, `${before} dB with the wrong delay`);
    // As long as nobody looks for the delay it stays so: the bound below is not met (negative).
    assert.ok(before > -8, `${before} dB before the search`);
    assert.ok(Math.abs(product.state.delayMs - 116) < 20, `${product.state.delayMs} ms`);
    const after = decibelsFrom(trace, 180);
    assert.ok(after <= -8, `${after} dB with the right one`);
  });

  const dips = [{ fromS: 0, powerW: 300 * MW }];
  for (let dipS = 60; dipS < 900; dipS += 60)
    dips.push({ fromS: dipS, powerW: 170 * MW }, { fromS: dipS + 4, powerW: 300 * MW });

  it("8: predictions that are late by half a period are stopped before they do much harm", () => {
    const given: Case = { loop: "d225", site: { ...wide, delayMs: 461 }, rig: noisy };
    const product = productOf(given);
    product.identifies = false;
    const trace = record(rigOf(given, product), squareLoad({ seconds: 84, hz: 2, seed: 42 }));
    assert.ok(product.state.supervisor.trips >= 1);
    // A whole rest of a minute with the try that ends it: what it costs as long as it goes on.
    const dB = decibelsFrom(trace, 20);
    assert.ok(dB <= 0.3, `${dB} dB`);
  });

  it("9: a checkpoint's dip is answered as an event, and the battery does not drift", () => {
    const given: Case = {
      site: { lowW: 160 * MW, highW: 310 * MW, rampUpWPerS: 2 * MW, rampDownWPerS: 2 * MW },
      rig: { noise: 0.002 },
    };
    const product = productOf(given);
    const trace = record(rigOf(given, product), levelLoad(900, dips));
    assert.ok(product.state.predictor.events >= 14);
    assert.ok(referenceRamp(trace) <= 2 * RAMP);
    const meansW = secondMeans(trace.gridW.subarray(at(58), at(70)), STEP_S);
    // Two edges of 130 MW, each seen for the delay and no longer.
    assert.ok(most(meansW) - least(meansW) < 31 * MW, `${most(meansW) - least(meansW)} W`);
    const driftJ = Math.abs(numberIn(trace.storedJ, 890) - numberIn(trace.storedJ, 290));
    assert.ok(driftJ / USABLE_J < 0.05, `${(100 * driftJ) / USABLE_J} % in ten minutes`);
  });

  /**
   * Six hours are 36 times what the term that restores the energy takes. The converters use a part
   * of their rating themselves: a wrong meter alone moves reference and answer alike.
   */
  function driftOf(controllerOf: (given: Case) => Controller): number {
    const given: Case = {
      loop: "d300",
      rig: { bias: 0.005, stepMs: 100, noise: 0.002, startJ: USABLE_J / 2 },
    };
    const rig = rigOf(given, controllerOf(given));
    const usedJ = 0.002 * rig.settings.ratingW * 0.1;
    for (let cycle = 0; cycle < 216_000; cycle += 1) {
      rig.step(300 * MW);
      rig.storedJ -= usedJ;
    }
    return Math.abs(rig.storedJ - USABLE_J / 2) / USABLE_J;
  }

  it("11: a meter that reads half a percent wrong does not empty the battery", () => {
    const drift = driftOf(
      (given) => new Product(settingsOf(given), { usableJ: USABLE_J, refitMs: 600_000 }),
    );
    assert.ok(drift < 0.03, `${100 * drift} %`);
  });

  it("11, without the term that restores the energy: it does (negative control)", () => {
    const drift = driftOf((given) => new PlainLimiter(settingsOf(given), 0));
    assert.ok(drift > 0.3, `${100 * drift} %`);
  });

  it("13: what a converter cannot take passes, is declared, and then the ramp holds", () => {
    const given: Case = {
      site: { dischargeRatingW: 120 * MW, chargeRatingW: 120 * MW },
      rig: { ratingW: 120 * MW, usableJ: 26_000 * MJ, startJ: 23_000 * MJ },
    };
    const product = productOf(given);
    let declaredW = 0;
    let breaches = 0;
    let rampW = 0;
    let beforeW = Number.NaN;
    product.before = ({ out }) => {
      declaredW += out.breachW;
      if (out.breachW !== 0) breaches += 1;
      const movedW = Math.abs(out.referenceW - beforeW - out.breachW);
      if (movedW > rampW) rampW = movedW;
      beforeW = out.referenceW;
    };
    const load = levelLoad(400, [
      { fromS: 0, powerW: 200 * MW },
      { fromS: 100, powerW: 400 * MW },
    ]);
    record(rigOf(given, product), load);
    assert.ok(Math.abs(declaredW - 80 * MW) < 2 * MW, `${declaredW / MW} MW`);
    assert.ok(breaches >= 1 && breaches <= 3, `${breaches} cycles`);
    assert.ok(rampW <= RAMP * 0.05, `${rampW} W in a cycle`);
  });

  it("12: units that are lost take their part at once, and what is short is declared", () => {
    const product = productOf({ rig: { usableJ: 26_000 * MJ } });
    const rig = rigOf({ rig: { usableJ: 26_000 * MJ, startJ: 23_000 * MJ } }, product);
    const load = levelLoad(200, [
      { fromS: 0, powerW: 200 * MW },
      { fromS: 100, powerW: 350 * MW },
    ]);
    let declaredW = 0;
    product.before = ({ inputs, out }) => {
      declaredW += out.breachW;
      if (inputs.now < 101_000) return;
      inputs.boxHighW = 100 * MW;
      rig.limits.dischargeW = 100 * MW;
    };
    const trace = record(rig, load);
    assert.ok(Math.abs(declaredW - 49 * MW) < 2 * MW, `${declaredW / MW} MW`);
    assert.ok(Math.abs(numberIn(trace.batteryW, 101.5) - 100 * MW) < 1 * MW);
    assert.ok(Math.abs(numberIn(trace.referenceW, 101.5) - 250 * MW) < 2 * MW);
    assert.ok(referenceRamp({ ...trace, referenceW: trace.referenceW.subarray(at(102)) }) <= RAMP);
  });

  it("15: the reserve below the floor is never touched", () => {
    const product = productOf({});
    const floorJ = 0.3 * 29_200 * MJ;
    product.inputs.floorJ = floorJ;
    product.inputs.ceilingJ = floorJ + USABLE_J;
    const rig = rigOf({ rig: { startJ: floorJ + 0.02 * USABLE_J } }, product);
    const load = levelLoad(900, [
      { fromS: 0, powerW: 390 * MW },
      { fromS: 100, powerW: 200 * MW },
      { fromS: 101, powerW: 400 * MW },
    ]);
    assert.ok(least(record(rig, load).storedJ) >= floorJ);
  });

  it("20: a cap that cannot be kept is told from the beginning, and left at the ramp", () => {
    const product = productOf({});
    product.inputs.capW = 350 * MW;
    let toldAtS = Number.NaN;
    let toldS = Number.NaN;
    let brokenAtS = Number.NaN;
    product.before = ({ out, state, inputs }) => {
      const nowS = inputs.now / 1_000;
      if (nowS > 330 && Number.isNaN(toldAtS) && out.capHoldS < 600) {
        toldAtS = nowS;
        toldS = out.capHoldS;
      }
      if (state.governor.isOverCap && Number.isNaN(brokenAtS)) brokenAtS = nowS;
    };
    const trace = record(
      rigOf({ rig: { startJ: USABLE_J / 2 } }, product),
      levelLoad(1_000, [
        { fromS: 0, powerW: 340 * MW },
        { fromS: 300, powerW: 400 * MW },
      ]),
    );
    assert.ok(referenceRamp(trace) <= RAMP);
    assert.ok(toldAtS < 340, `told at ${toldAtS} s`);
    assert.ok(brokenAtS > 400, `the cap was left at ${brokenAtS} s`);
    assert.ok(Math.abs(toldAtS + toldS - brokenAtS) < 40, `${toldAtS} + ${toldS}: ${brokenAtS}`);
    assert.ok(most(trace.referenceW.subarray(0, at(brokenAtS - 1))) <= 350 * MW * 1.0001);
    assert.ok(least(trace.storedJ) >= 0);
  });
});
