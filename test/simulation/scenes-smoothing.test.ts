import { strict as assert } from "node:assert";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import { utcMs } from "../../src/domain/time.ts";
import { decibels, rmsIn, spectrumOf } from "../control/smoothing/support/metrics.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const MW = 1e6;
const STEP_S = 0.01;
const RAMP_W_PER_S = 50_000;
const ITERATIONS = { fromHz: 0.1, toHz: 20 };
/** Of the machine: minutes of the plant in seconds of its processor, beside other work. */
const TIMEOUT_MS = 240_000;

interface Trace {
  readonly gridW: Float64Array;
  readonly loadW: Float64Array;
  readonly bessW: Float64Array;
  /** Of the control, after each of the plant's steps. */
  readonly referenceW: Float64Array;
}

/** The plant itself and control's reference, in each step of the plant. */
async function record(site: VirtualSite, seconds: number): Promise<Trace> {
  const steps = Math.round(seconds / STEP_S);
  const column = (): Float64Array => new Float64Array(steps);
  const trace = { gridW: column(), loadW: column(), bessW: column(), referenceW: column() };
  for (let step = 0; step < steps; step += 1) {
    await site.run(STEP_S);
    const plant = site.plant.snapshot();
    trace.gridW[step] = plant?.gridW ?? Number.NaN;
    trace.bessW[step] = plant?.bessW ?? Number.NaN;
    trace.loadW[step] = (plant?.gridW ?? 0) + (plant?.bessW ?? 0);
    trace.referenceW[step] = site.status.smoothing?.referenceW ?? Number.NaN;
  }
  return trace;
}

/** Of both units, which are alike: they do not share every power in equal parts. */
const socOf = (site: VirtualSite): number =>
  ["bess-1", "bess-2"].reduce((sum, unit) => sum + site.told(unit, "state-of-charge").value / 2, 0);
const least = (values: Float64Array): number => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), -Infinity);

/** Fastest movement of the reference from one cycle to the next, as part of the ramp limit. */
function fastestRamp({ referenceW }: Trace, cycleS = 0.05): number {
  const apart = Math.round(cycleS / STEP_S);
  let fastest = 0;
  for (let place = apart; place < referenceW.length; place += apart) {
    const moved = Math.abs((referenceW[place] ?? 0) - (referenceW[place - apart] ?? 0));
    fastest = Math.max(fastest, moved / cycleS / RAMP_W_PER_S);
  }
  return fastest;
}

/** What the grid sees of what the load does, from a second of the trace on. */
function gainDb(trace: Trace, fromS: number): number {
  const from = Math.round(fromS / STEP_S);
  const rms = (values: Float64Array): number =>
    rmsIn(spectrumOf(values.subarray(from), STEP_S), ITERATIONS);
  return decibels(rms(trace.gridW), rms(trace.loadW));
}

describe("scene 2: training at 1 Hz between 10 and 20 MW", function () {
  this.timeout(TIMEOUT_MS);
  for (const [preset, cycleS, wholeDb, learnedDb] of [
    ["d30", 0.02, -10, -11],
    ["d95", 0.05, -8, -9],
    ["d225", 0.05, -4, -7],
    ["d300", 0.1, -2, -7],
  ] as const)
    it(`is smoothed at ${preset}, with the seconds in which it is learned and without`, async () => {
      const site = await VirtualSite.open({ control: "smoothing", preset });
      await site.run(10);
      site.plant.load("training-1hz");
      const socBefore = socOf(site);
      const trace = await record(site, 60);
      const whole = gainDb(trace, 0);
      const learned = gainDb(trace, 20);
      assert.ok(whole <= wholeDb, `${whole.toFixed(2)} dB in 60 s`);
      assert.ok(learned <= learnedDb, `${learned.toFixed(2)} dB after 20 s`);
      assert.ok(fastestRamp(trace, cycleS) <= 1.001, `${fastestRamp(trace, cycleS)} of the ramp`);
      assert.ok(Math.abs(socOf(site) - socBefore) <= 1, `${socBefore} to ${socOf(site)} %`);
      await site.close();
    });
});

/**
 * Where the law itself takes the reference in a minute with a dip, MW: a mean of 20 s, followed in
 * 2 s by at most the ramp. The dip moves that mean by 2 MW, so no reference that follows it so, and
 * may go 0.05 MW in a second, stays within 0.3 MW; one with a mean of a minute would.
 */
function referenceByLaw(meanS = 20): { readonly lowMw: number; readonly highMw: number } {
  const cycleS = 0.05;
  const dipMw = 11.5;
  let meanMw = 0;
  let referenceMw = 0;
  let lowMw = Infinity;
  let highMw = -Infinity;
  for (let cycle = 0; cycle < 600 / cycleS; cycle += 1) {
    const inMinuteS = (cycle * cycleS) % 60;
    const loadMw = inMinuteS < 56 ? 0 : -dipMw;
    meanMw += (cycleS / meanS) * (loadMw - meanMw);
    const stepMw = ((meanMw - referenceMw) * cycleS) / 2;
    const mostMw = (RAMP_W_PER_S / MW) * cycleS;
    referenceMw += Math.min(Math.max(stepMw, -mostMw), mostMw);
    if (cycle < 300 / cycleS) continue;
    lowMw = Math.min(lowMw, referenceMw);
    highMw = Math.max(highMw, referenceMw);
  }
  return { lowMw, highMw };
}

describe("scene 3: a checkpoint of 4 s in each minute", function () {
  this.timeout(TIMEOUT_MS);
  it("moves a reference that follows a mean of 20 s by ±0.45 MW, whatever else is done", () => {
    const { lowMw, highMw } = referenceByLaw();
    assert.ok(Math.abs(highMw - lowMw - 0.9) < 0.02, `${highMw - lowMw} MW`);
    const slow = referenceByLaw(60);
    assert.ok(slow.highMw - slow.lowMw < 0.6, "±0.3 MW would ask for a mean of a minute");
  });

  it("is taken by the battery, and the reference stays around 24 MW", async () => {
    const site = await VirtualSite.open({ control: "smoothing" });
    await site.run(120);
    const socBefore = socOf(site);
    site.plant.load("checkpoint");
    await site.run(240);
    const trace = await record(site, 360);
    assert.ok(fastestRamp(trace) <= 1.001, `${fastestRamp(trace)} of the ramp`);
    const [lowMw, highMw] = [least(trace.referenceW) / MW, most(trace.referenceW) / MW];
    const law = referenceByLaw();
    const widthMw = highMw - lowMw;
    assert.ok(widthMw <= law.highMw - law.lowMw + 0.1, `reference ${lowMw} to ${highMw} MW`);
    assert.ok(Math.abs((highMw + lowMw) / 2 - 24) <= 0.2, `reference ${lowMw} to ${highMw} MW`);
    const dipMw = least(trace.bessW) / MW;
    assert.ok(dipMw <= -9.5 && dipMw >= -10.8, `${dipMw} MW in the dip`);
    const givenPercent = socBefore - socOf(site);
    assert.ok(givenPercent > 0.5 && givenPercent < 1.7, `${givenPercent} % in 10 min`);
    const beyond = new Set(site.events.map(({ id }) => id));
    beyond.delete("loop-delay");
    beyond.delete("smoothing-rests");
    assert.deepEqual([...beyond], []);
    await site.close();
  });
});

describe("scene 4: the job stops, from 20 to 4 MW", function () {
  this.timeout(TIMEOUT_MS);
  it("unannounced: the grid sees it for a moment, then the ramp", async () => {
    const site = await VirtualSite.open({ control: "smoothing" });
    await site.run(60);
    const socBefore = socOf(site);
    const fromW = site.plant.snapshot()?.gridW ?? Number.NaN;
    site.plant.load("idle");
    const pulse = await record(site, 2);
    assert.ok(fromW - least(pulse.gridW) <= 16.5 * MW, `${(fromW - least(pulse.gridW)) / MW} MW`);
    const pulseS = pulse.gridW.filter((powerW) => powerW < fromW - 2 * MW).length * STEP_S;
    assert.ok(pulseS <= 0.21, `the pulse lasts ${pulseS} s`);
    const bessMw = least(pulse.bessW) / MW;
    assert.ok(Math.abs(bessMw + 15.2) <= 0.3, `${bessMw} MW`);
    const rest = await record(site, 400);
    assert.ok(fastestRamp(rest) <= 1.001, `${fastestRamp(rest)} of the ramp`);
    const letGoS = rest.bessW.findIndex((powerW) => powerW > -0.2 * MW) * STEP_S;
    assert.ok(Math.abs(letGoS - 315) <= 20, `let go after ${letGoS} s`);
    assert.ok(Math.abs(socOf(site) - socBefore - 5.1) <= 0.3, `${socBefore} to ${socOf(site)} %`);
    assert.deepEqual(site.events, []);
    await site.close();
  });

  /**
   * The bound of 95 + 40 ms is held at half height, at four phases of the meter; it is measured
   * and not derived. From edge to edge the 64 ms of the load's own edge come on top.
   */
  it("unannounced: at half its height the pulse lasts the delay of the loop and 40 ms", async () => {
    for (const phaseS of [0, 0.03, 0.06, 0.09]) {
      const site = await VirtualSite.open({ control: "smoothing" });
      await site.run(15 + phaseS);
      const fromW = site.plant.snapshot()?.gridW ?? Number.NaN;
      site.plant.load("idle");
      const { gridW } = await record(site, 0.5);
      const halfS = gridW.filter((powerW) => powerW < fromW - 8 * MW).length * STEP_S;
      const wholeS = gridW.filter((powerW) => powerW < fromW - 2 * MW).length * STEP_S;
      assert.ok(halfS <= 0.135, `${halfS} s at half its height, at ${phaseS} s`);
      assert.ok(wholeS <= 0.135 + 0.064, `${wholeS} s from edge to edge, at ${phaseS} s`);
      await site.close();
    }
  });

  it("announced by a message: the battery sets out before it, and gives half", async () => {
    const site = await VirtualSite.open({ control: "smoothing" });
    await site.run(60);
    const inS = (seconds: number): string =>
      formatUtc(utcMs(site.clock.utcNow() + 1_000 * seconds));
    await site.publish("cmd/workload/announce", {
      dcpi_version: "1.0",
      message_type: "workload_announcement",
      timestamp: inS(0),
      workload_id: "training-7",
      power_profile: {
        peak_power_mw: 20,
        baseline_power_mw: 4,
        power_schedule: [
          { timestamp: inS(-3_600), power_mw: 20, phase: "computation" },
          { timestamp: inS(200), power_mw: 4, phase: "idle" },
        ],
      },
    });
    const socs: number[] = [];
    site.onCycle.push(() => socs.push(socOf(site)));
    const before = await record(site, 200);
    site.plant.load("idle");
    const after = await record(site, 400);
    for (const trace of [before, after]) {
      assert.ok(most(trace.bessW) <= 9.5 * MW, `${most(trace.bessW) / MW} MW`);
      assert.ok(least(trace.bessW) >= -9.5 * MW, `${least(trace.bessW) / MW} MW`);
      assert.ok(fastestRamp(trace) <= 1.001, `${fastestRamp(trace)} of the ramp`);
    }
    assert.ok(Math.min(...socs) >= 60 && Math.max(...socs) <= 63.6);
    const [answer] = site.answers;
    assert.deepEqual([answer?.topic, site.answers.length], ["rsp/training-7", 1]);
    assert.equal(answer?.body["approval_status"], "approved");
    const leadS = Number(answer.body["lead_time_sec"]);
    assert.ok(leadS >= 199.9 && leadS <= 200, `${leadS} s`);
    const told = site.events.map(({ id }) => id).filter((id) => id !== "loop-delay");
    assert.deepEqual(told, ["announcement-ended"]);
    await site.close();
  });
});

describe("scene 10: the frequency falls to 49.5 Hz for half a minute", function () {
  this.timeout(TIMEOUT_MS);
  const promised = (text: string): string =>
    text.replace("\nmeters:", "  frequency:\n    powerKw: 2000\n\nmeters:");

  it("is answered by 2 MW within a second, beside smoothing and without the ramp limit", async () => {
    const site = await VirtualSite.open({ control: "smoothing", change: promised });
    await site.run(300);
    const socBefore = socOf(site);
    const restW = (await record(site, 2)).bessW.at(-1) ?? Number.NaN;
    await site.plant.order({ frequencyHz: 49.5, hzPerS: 0.25 });
    const startedS = site.nowS;
    let answeredS = Number.NaN;
    let fullS = Number.NaN;
    let fullAtS = Number.NaN;
    for (let step = 0; step < 3_000; step += 1) {
      await site.run(STEP_S);
      const plant = site.plant.snapshot();
      const dutyW = (plant?.bessW ?? 0) - restW;
      if (Number.isNaN(answeredS) && dutyW > 0.2 * MW) answeredS = site.nowS - startedS;
      const deviationHz = 50 - (plant?.frequencyHz ?? 50);
      if (Number.isNaN(fullAtS) && deviationHz >= 0.2) fullAtS = site.nowS - startedS;
      if (Number.isNaN(fullS) && dutyW >= 1.9 * MW) fullS = site.nowS - startedS;
    }
    assert.ok(answeredS <= 0.5, `begins after ${answeredS} s`);
    assert.ok(fullS <= fullAtS + 1, `full after ${fullS} s, deviation there after ${fullAtS} s`);
    const full = await record(site, 2);
    const dutyMw = ((full.bessW.at(-1) ?? 0) - restW) / MW;
    assert.ok(Math.abs(dutyMw - 2) <= 0.15, `${dutyMw} MW`);
    assert.ok(fastestRamp(full) <= 1.001, "the reference itself keeps its ramp");
    await site.plant.order({ frequencyHz: 50, hzPerS: 0.025 });
    await site.run(40);
    const afterMw = ((site.plant.snapshot()?.bessW ?? 0) - restW) / MW;
    assert.ok(Math.abs(afterMw) <= 0.3, `${afterMw} MW after it`);
    const usedPercent = socBefore - socOf(site);
    assert.ok(usedPercent < 1.2, `${usedPercent} %`);
    const ids = site.events.map(({ id }) => id);
    assert.ok(ids.includes("frequency-answer"), ids.join());
    assert.ok(!ids.includes("on-battery"), "the UPS units stay online");
    await site.close();
  });
});
