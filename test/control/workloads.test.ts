import { strict as assert } from "node:assert";
import { createSmoothing, type SmoothingState } from "../../src/control/smoothing/smoothing.ts";
import {
  endSteps,
  noWorkloads,
  STEPS_EACH_MAX,
  takeWorkload,
  tellSteps,
  WORKLOAD_STEPS_MAX,
  WORKLOADS_MAX,
  type WorkloadsState,
} from "../../src/control/workloads.ts";
import type { WorkloadNotice } from "../../src/domain/announcement.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { Product, siteSettings } from "./smoothing/support/arms.ts";
import { levelLoad } from "./smoothing/support/loads.ts";
import { type Controller, MW, type Readings, record, Rig, RIG } from "./smoothing/support/rig.ts";
import { LOOPS } from "./smoothing/support/timing.ts";

const settings = siteSettings(LOOPS.d95, { deadbandW: MW });

/** Smoothing of a load that draws 300 MW of its 200 to 400. */
function smoothingAt(meanW = 300 * MW): SmoothingState {
  const smoothing = createSmoothing(settings, monotonicMs(0));
  smoothing.meanW = meanW;
  smoothing.loadW = meanW;
  return smoothing;
}

const step = (atS: number, powerMw: number) => ({
  at: monotonicMs(1_000 * atS),
  powerW: powerMw * MW,
});

function notice(workload: string, members: Partial<WorkloadNotice> = {}): WorkloadNotice {
  return {
    workload,
    powerW: undefined,
    peakW: 0,
    steps: [step(500, 50)],
    slackMs: 0,
    withinMs: 2_000,
    notAfter: monotonicMs(1e9),
    ...members,
  };
}

const take = (state: WorkloadsState, smoothing: SmoothingState, given: WorkloadNotice, nowS = 0) =>
  takeWorkload(state, given, { now: monotonicMs(1_000 * nowS), smoothing });

const pendingOf = ({ announcements }: SmoothingState) =>
  announcements.pending.map(({ id, at, fromW, toW }) => [id, at / 1_000, fromW / MW, toW / MW]);

describe("what a workload announces", () => {
  it("is told to smoothing as a step from the load as it is then", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    const answer = take(state, smoothing, notice("job"));
    assert.deepEqual(
      [answer.refused, answer.startsAt, answer.leadMs, answer.neededMs, answer.availableW],
      [undefined, 500_000, 500_000, 25_000, 100 * MW],
    );
    tellSteps(state, smoothing, monotonicMs(0));
    assert.deepEqual(pendingOf(smoothing), [["job", 500, 300, 350]]);
    smoothing.meanW = 250 * MW;
    tellSteps(state, smoothing, monotonicMs(400_000));
    assert.deepEqual(pendingOf(smoothing), [["job", 500, 250, 300]]);
  });

  it("stays as it was told once the reference has set out for it", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("job"));
    tellSteps(state, smoothing, monotonicMs(474_000));
    smoothing.meanW = 250 * MW;
    tellSteps(state, smoothing, monotonicMs(475_000));
    assert.deepEqual(pendingOf(smoothing), [["job", 500, 300, 350]]);
  });

  it("begins, of several steps, each from what the one before leaves", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("a", { steps: [step(600, 80), step(900, 0)] }));
    take(state, smoothing, notice("b", { powerW: 40 * MW, steps: [step(700, 0)] }));
    tellSteps(state, smoothing, monotonicMs(0));
    assert.deepEqual(pendingOf(smoothing), [
      ["a#1", 600, 300, 380],
      ["b", 700, 380, 340],
      ["a#2", 900, 340, 260],
    ]);
  });

  it("replaces what the same workload said before, and takes it back without steps", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("job"));
    tellSteps(state, smoothing, monotonicMs(0));
    take(state, smoothing, notice("job", { steps: [step(800, 20)] }));
    tellSteps(state, smoothing, monotonicMs(50));
    assert.deepEqual(pendingOf(smoothing), [["job", 800, 300, 320]]);
    take(state, smoothing, notice("job", { steps: [] }));
    tellSteps(state, smoothing, monotonicMs(100));
    assert.deepEqual([pendingOf(smoothing), state.steps], [[], []]);
  });

  it("is put off as far as the ramp needs, where the workload leaves that open", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    const soon = { steps: [step(10, 50), step(60, 0)] };
    const open = take(state, smoothing, notice("open", { ...soon, slackMs: 900_000 }));
    assert.deepEqual([open.startsAt, open.shiftMs], [25_000, 15_000]);
    assert.deepEqual(
      state.steps.map(({ at }) => at),
      [25_000, 75_000],
    );
    const little = take(state, smoothing, notice("little", { ...soon, slackMs: 5_000 }));
    assert.deepEqual([little.leadMs, little.neededMs], [15_000, 25_000]);
    const fixed = take(state, smoothing, notice("fixed", soon));
    assert.deepEqual([fixed.leadMs, fixed.shiftMs], [10_000, 0]);
  });

  it("is refused, and counted, for each reason that there is", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    const many = Array.from({ length: STEPS_EACH_MAX + 1 }, (_, at) => step(500 + at, 10 * at));
    const refused = [
      takeWorkload(state, notice("a"), { now: monotonicMs(0), smoothing: undefined }),
      take(state, smoothing, notice("a", { notAfter: monotonicMs(-1) })),
      take(state, smoothing, notice("a", { steps: many })),
      take(state, smoothing, notice("a", { steps: [step(500, 110)] })),
      take(state, smoothing, notice("a", { peakW: 110 * MW })),
    ];
    assert.deepEqual(
      refused.map((answer) => answer.refused),
      ["not-smoothed", "too-late", "too-many-steps", "too-much-power", "too-much-power"],
    );
    assert.deepEqual([state.refused, state.taken, state.steps], [5, 0, []]);
    assert.equal(refused[3]?.availableW, 100 * MW);
  });

  it("counts what the others have announced until then against the room", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("first", { steps: [step(500, 80)] }));
    const later = take(state, smoothing, notice("b", { steps: [step(600, 50)] }));
    assert.deepEqual([later.refused, later.availableW], ["too-much-power", 20 * MW]);
    const before = take(state, smoothing, notice("b", { steps: [step(400, 50)] }));
    assert.equal(before.refused, undefined);
  });

  it("is judged by its form alone while the load is not known", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt(Number.NaN);
    const answer = take(state, smoothing, notice("a", { steps: [step(500, 110)] }));
    assert.deepEqual([answer.refused, answer.availableW], [undefined, undefined]);
    tellSteps(state, smoothing, monotonicMs(0));
    assert.deepEqual(pendingOf(smoothing), []);
  });

  it("is kept up to a limit of steps, and one notice more is refused", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    const each = Array.from({ length: STEPS_EACH_MAX }, (_, at) => step(500 + at, 2 * (at % 2)));
    const steps = each.map(({ at, powerW }) => ({ at, powerW: powerW + 2 * MW }));
    for (let count = 0; count < WORKLOAD_STEPS_MAX / STEPS_EACH_MAX; count += 1)
      take(state, smoothing, notice(`job-${count}`, { steps }));
    assert.equal(state.steps.length, WORKLOAD_STEPS_MAX);
    const more = take(state, smoothing, notice("more", { steps: [step(900, 2)] }));
    assert.equal(more.refused, "too-many-announcements");
    assert.equal(take(state, smoothing, notice("job-0", { steps: [] })).refused, undefined);
    assert.equal(
      take(state, smoothing, notice("more", { steps: [step(900, 2)] })).refused,
      undefined,
    );
  });

  it("never tells smoothing more than the next four, whatever comes in between", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    for (let count = 0; count < 20; count += 1) {
      take(state, smoothing, notice(`job-${count}`, { steps: [step(900 - 10 * count, 2)] }));
      tellSteps(state, smoothing, monotonicMs(count));
    }
    assert.deepEqual(
      smoothing.announcements.pending.map(({ id }) => id),
      ["job-19", "job-18", "job-17", "job-16"],
    );
    assert.equal(smoothing.announcements.dropped, 0);
  });

  it("remembers the power of a workload after a step that came, for its next words", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("job"));
    tellSteps(state, smoothing, monotonicMs(0));
    smoothing.announcements.pending.length = 0;
    smoothing.announcements.ended = { id: "job", as: "happened" };
    endSteps(state, smoothing, monotonicMs(500_000));
    smoothing.announcements.ended = undefined;
    take(state, smoothing, notice("job", { steps: [step(900, 0)] }), 600);
    assert.deepEqual(
      state.steps.map(({ deltaW }) => deltaW / MW),
      [-50],
    );
  });

  it("drops what was to follow a step that did not come", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("a", { steps: [step(500, 50), step(800, 0)] }));
    take(state, smoothing, notice("b", { steps: [step(900, 20)] }));
    tellSteps(state, smoothing, monotonicMs(0));
    smoothing.announcements.pending.shift();
    smoothing.announcements.ended = { id: "a#1", as: "not-honoured" };
    endSteps(state, smoothing, monotonicMs(505_000));
    assert.deepEqual(
      [state.steps.map(({ id }) => id), smoothing.announcements.pending.map(({ id }) => id)],
      [["b"], ["b"]],
    );
  });

  it("forgets, and counts, a step whose time passed while smoothing did not look", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    take(state, smoothing, notice("job"));
    tellSteps(state, smoothing, monotonicMs(0));
    endSteps(state, smoothing, monotonicMs(512_000));
    assert.equal(state.steps.length, 1);
    endSteps(state, smoothing, monotonicMs(512_001));
    assert.deepEqual([state.steps.length, state.forgotten, pendingOf(smoothing)], [0, 1, []]);
  });

  it("remembers the powers of so many workloads and no more", () => {
    const state = noWorkloads();
    const smoothing = smoothingAt();
    for (let count = 0; count <= WORKLOADS_MAX; count += 1)
      take(state, smoothing, notice(`job-${count}`, { steps: [] }));
    assert.equal(state.powersW.size, WORKLOADS_MAX);
    assert.equal(state.powersW.has("job-0"), false);
  });
});

/** Room for the pre-ramp besides what the ramp of the whole step needs. */
const USABLE_J = 60_000e6;

/** The product behind what workloads announce, in the order of the control cycle. */
class Announced implements Controller {
  readonly product = new Product(
    siteSettings(LOOPS.d95, { dischargeEfficiency: 1, chargeEfficiency: 1 }),
    { usableJ: USABLE_J, refitMs: 10_000 },
  );
  readonly workloads = noWorkloads();

  get referenceW(): number {
    return this.product.referenceW;
  }

  step(readings: Readings): number {
    const { state, inputs } = this.product;
    tellSteps(this.workloads, state, inputs.now);
    const powerW = this.product.step(readings);
    endSteps(this.workloads, state, inputs.now);
    return powerW;
  }
}

describe("a step of 200 MW at 1 MW/s that is announced", function () {
  this.timeout(60_000);
  for (const [leadS, mostMw] of [
    [1, 201],
    [10, 192],
    [100, 104],
    [900, 104],
  ] as const)
    it(`${leadS} s ahead costs the battery ${mostMw} MW at most`, () => {
      const controller = new Announced();
      const timing = LOOPS.d95;
      const energy = { usableJ: USABLE_J, startJ: USABLE_J - 20_000e6, efficiency: 1 };
      const rig = new Rig({ ...RIG, ...energy, timing, stepMs: 50, noise: 0 }, controller);
      const stepS = leadS + 20;
      const load = levelLoad(stepS + 210, [
        { fromS: 0, powerW: 200 * MW },
        { fromS: stepS, powerW: 400 * MW },
      ]).filter((_, place) => place % 10 === 0);
      const at = 20 * (stepS - leadS);
      const before = record(rig, load.subarray(0, at));
      const { inputs, state } = controller.product;
      const given = notice("job", { steps: [step(stepS, 200)], peakW: 200 * MW });
      const sight = { now: inputs.now, smoothing: state };
      const answer = takeWorkload(controller.workloads, given, sight);
      assert.deepEqual([answer.refused, answer.neededMs], [undefined, 100_000]);
      const after = record(rig, load.subarray(at));
      for (const { batteryW } of [before, after]) {
        const most = batteryW.reduce((high, powerW) => Math.max(high, powerW), 0) / MW;
        assert.ok(most <= mostMw, `${most} MW`);
      }
      const most = after.batteryW.reduce((high, powerW) => Math.max(high, powerW), 0) / MW;
      assert.ok(most >= mostMw - 12, `${most} MW: nothing is free`);
      assert.deepEqual([controller.workloads.steps.length, controller.workloads.forgotten], [0, 0]);
      assert.equal(controller.workloads.powersW.get("job"), 200 * MW);
    });
});
