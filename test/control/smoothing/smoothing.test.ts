import { strict as assert } from "node:assert";
import {
  refitRequest,
  stepSmoothing,
  takeDelay,
} from "../../../src/control/smoothing/smoothing.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { Product, siteSettings } from "./support/arms.ts";
import { MW, Rig, RIG } from "./support/rig.ts";
import { LOOPS } from "./support/timing.ts";

const USABLE_J = 26_000e6;
const timing = LOOPS.d95;

/** A site that has run for a while at a load of 300 MW. */
function runningSite(changes: Parameters<typeof siteSettings>[1] = {}): {
  readonly rig: Rig;
  readonly product: Product;
} {
  const product = new Product(siteSettings(timing, changes), { usableJ: USABLE_J });
  const rig = new Rig({ ...RIG, timing, usableJ: USABLE_J, startJ: 13_000e6, noise: 0 }, product);
  run(rig, 300 * MW, 10);
  return { rig, product };
}

/** Runs at one load, and gives the largest change of the command from cycle to cycle, W. */
function run(rig: Rig, loadW: number, seconds: number): number {
  const { controller } = rig;
  assert.ok(controller instanceof Product);
  const { out } = controller;
  const untilMs = rig.atMs + seconds * 1_000;
  let largestW = 0;
  let beforeW = out.powerW;
  while (rig.atMs < untilMs) {
    rig.step(loadW);
    largestW = Math.max(largestW, Math.abs(out.powerW - beforeW));
    beforeW = out.powerW;
  }
  return largestW;
}

const stepOfCycleW = (MW * timing.cycleMs) / 1_000;

describe("smoothing", () => {
  it("does nothing before the load and the energy are known", () => {
    const product = new Product(siteSettings(timing), { usableJ: USABLE_J });
    const nothing = { loadW: Number.NaN, gridW: Number.NaN, batteryW: 0 };
    assert.equal(product.step({ atMs: 50, storedJ: Number.NaN, ...nothing }), 0);
    assert.equal(product.out.mode, "init");
    const load = { loadW: 300 * MW, gridW: 300 * MW, batteryW: 0 };
    assert.equal(product.step({ atMs: 100, storedJ: Number.NaN, ...load }), 0);
    assert.equal(product.out.mode, "init");
    product.step({ atMs: 150, storedJ: 13_000e6, ...load });
    assert.equal(product.out.mode, "track");
    assert.equal(product.out.isGuaranteed, true);
  });

  it("begins with the power that the battery gives already", () => {
    const product = new Product(siteSettings(timing), { usableJ: USABLE_J });
    const readings = { loadW: 300 * MW, gridW: 250 * MW, batteryW: 50 * MW, storedJ: 13_000e6 };
    const powerW = product.step({ atMs: 50, ...readings });
    assert.ok(Math.abs(powerW - 50 * MW) <= stepOfCycleW * 1.001, `${powerW} W`);
  });

  it("lets the battery go at the ramp when it is switched off, and comes back without a step", () => {
    const { rig, product } = runningSite();
    run(rig, 340 * MW, 5);
    assert.ok(product.out.powerW > 30 * MW);
    product.inputs.isEnabled = false;
    assert.ok(run(rig, 340 * MW, 20) <= stepOfCycleW * 1.001);
    assert.equal(product.out.mode, "standby");
    product.inputs.isEnabled = true;
    assert.ok(run(rig, 340 * MW, 5) <= stepOfCycleW * 3);
    assert.equal(product.out.mode, "track");
  });

  it("answers a load that has moved during a rest at the ramp, not in the cycle of its end", () => {
    const { rig, product } = runningSite();
    const { supervisor } = product.state;
    supervisor.restS = 60;
    supervisor.harmfulError = 0;
    run(rig, 300 * MW, 1);
    run(rig, 380 * MW, 30);
    const givenW = product.out.powerW;
    assert.ok(givenW < 40 * MW, "the rest answers the slow mean alone");
    supervisor.restS = 0.01;
    // The command goes with the ramp and with the reference, which may have that ramp, too.
    assert.ok(run(rig, 380 * MW, 60) <= 2.001 * stepOfCycleW);
    assert.equal(product.state.restOffsetW, 0);
    const { referenceW } = product.out;
    assert.ok(Math.abs(product.out.powerW - (380 * MW - referenceW)) < 0.7 * MW);
  });

  it("holds while the load is not known, and then ramps the battery to zero", () => {
    const { rig, product } = runningSite();
    run(rig, 340 * MW, 2);
    const heldW = product.out.powerW;
    product.before = ({ inputs }) => {
      inputs.loadW = Number.NaN;
      inputs.gridW = Number.NaN;
    };
    run(rig, 340 * MW, 0.9);
    assert.equal(product.out.degraded, "load-unknown");
    assert.ok(Math.abs(product.out.powerW - heldW) < 2 * MW);
    const awayW = run(rig, 340 * MW, 60);
    assert.ok(awayW <= stepOfCycleW * 1.001, `${awayW} W`);
    assert.equal(product.out.degraded, "blind");
    assert.equal(product.out.powerW, 0);
    product.before = () => undefined;
    const backW = run(rig, 340 * MW, 5);
    assert.ok(backW <= stepOfCycleW * 3, `${backW} W`);
    assert.equal(product.out.degraded, "none");
  });

  it("begins to rest without a step, although the slow mean is still on its way to the load", () => {
    const { rig, product } = runningSite();
    run(rig, 400 * MW, 20);
    const { state } = product;
    assert.ok(state.meanW < 370 * MW, "the mean of 20 s has not arrived");
    Object.assign(state.supervisor.grid, { power: 1e18 });
    Object.assign(state.supervisor.load, { power: 1e16 });
    state.supervisor.clearHarmS = 10;
    const stepW = run(rig, 400 * MW, 1);
    assert.ok(state.supervisor.restS > 0, "predictions are said to do harm");
    assert.ok(stepW <= stepOfCycleW * 3, `${stepW} W`);
  });

  it("says when the battery does not follow", () => {
    const { rig, product } = runningSite();
    run(rig, 340 * MW, 1);
    assert.equal(product.out.degraded, "none");
    rig.limits.dischargeW = 0;
    run(rig, 340 * MW, 2);
    assert.equal(product.out.degraded, "battery-does-not-follow");
    assert.equal(product.out.isGuaranteed, false);
  });

  it("takes away a small error of the converter's gain by its trim, and never more than 1 %", () => {
    const { rig, product } = runningSite();
    rig.limits.dischargeW = 39 * MW;
    run(rig, 340 * MW, 0.5);
    run(rig, 340 * MW, 60);
    assert.ok(Math.abs(product.state.trimW) <= 2.2 * MW);
  });

  it("widens its band near the daily budget, and stops with it", () => {
    const { rig, product } = runningSite({ dailyThroughputJ: 1_000e6 });
    let widestW = 0;
    let lastW = 0;
    product.before = ({ out }) => {
      if (out.mode === "standby") return;
      widestW = Math.max(widestW, out.deadbandW);
      lastW = out.powerW;
    };
    for (let swing = 0; swing < 200 && product.out.mode !== "standby"; swing += 1) {
      run(rig, 390 * MW, 2);
      run(rig, 210 * MW, 2);
    }
    assert.equal(product.out.mode, "standby");
    assert.ok(widestW > 45 * MW, `${widestW} W`);
    // What is given on the way to zero comes on top.
    const lettingGoJ = lastW ** 2 / (2 * MW * 0.95);
    run(rig, 390 * MW, 300);
    assert.equal(Math.abs(product.out.powerW), 0);
    const { totalJ } = product.state.throughput;
    assert.ok(totalJ < 1_010e6 + 1.05 * lettingGoJ, `${totalJ} J, ${lettingGoJ} J of it at last`);
  });

  it("gives what a dead zone leaves of the throughput", function () {
    // Of the machine: a second of its own, more beside other work.
    this.timeout(30_000);
    const given = [0, 20 * MW].map((deadbandW) => {
      const { rig, product } = runningSite({ deadbandW });
      for (let swing = 0; swing < 100; swing += 1) {
        run(rig, 400 * MW, 1);
        run(rig, 200 * MW, 1);
      }
      return product.state.throughput.totalJ;
    });
    const share = (given[1] ?? 0) / (given[0] ?? 1);
    // 1 − allowed range / range of the load = 1 − 40 / 200.
    assert.ok(Math.abs(share - 0.8) < 0.03, `${share}`);
  });

  it("adds a duty to the grid without any ramp, and takes it away without one", () => {
    const { rig, product } = runningSite();
    const beforeW = product.out.powerW;
    product.inputs.dutyW = 30 * MW;
    run(rig, 300 * MW, 0.05);
    assert.ok(Math.abs(product.out.powerW - beforeW - 30 * MW) < MW);
    run(rig, 300 * MW, 5);
    product.inputs.dutyW = 0;
    run(rig, 300 * MW, 0.05);
    assert.ok(Math.abs(product.out.powerW) < 2 * MW, `${product.out.powerW}`);
  });

  it("keeps its memory: nothing in it grows with the cycles", () => {
    const { rig, product } = runningSite();
    run(rig, 320 * MW, 60);
    const sizeOf = (): number => JSON.stringify(product.state, sizesOnly).length;
    const before = sizeOf();
    run(rig, 280 * MW, 120);
    assert.ok(Math.abs(sizeOf() - before) < 200, `${before}, ${sizeOf()}`);
  });

  it("goes on from a clone of its state as the original does", () => {
    const { rig, product } = runningSite();
    run(rig, 320 * MW, 30);
    const copy = structuredClone(product.state);
    const inputs = { ...product.inputs, now: monotonicMs(rig.atMs + 50), loadW: 390 * MW };
    const outs = [product.state, copy].map((state) => {
      const out = { ...product.out };
      stepSmoothing(state, inputs, out);
      return out;
    });
    assert.deepEqual(outs[0], outs[1]);
    assert.ok((outs[0]?.powerW ?? 0) > 50 * MW);
  });

  it("takes a delay only where it is another one, and then refits for it", () => {
    const { product } = runningSite();
    const found = (delayMs: number): boolean =>
      takeDelay(product.state, { result: "found", delayMs, correlation: 1 });
    assert.equal(found(100), false);
    assert.equal(takeDelay(product.state, { result: "too-still" }), false);
    assert.equal(found(200), true);
    assert.equal(product.state.delayMs, 200);
    assert.equal(refitRequest(product.state).aheadCycles, 4);
  });
});

/** Typed arrays count by their length, not by what is in them; numbers not at all. */
function sizesOnly(_key: string, value: unknown): unknown {
  if (value instanceof Float64Array) return value.length;
  return typeof value === "number" ? 0 : value;
}
