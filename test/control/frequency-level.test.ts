import { strict as assert } from "node:assert";
import { frequencySettings } from "../../src/app/frequency-settings.ts";
import {
  answerFrequency,
  createFrequencyLevel,
  type FrequencyLevel,
  observeFrequency,
  tellFrequency,
} from "../../src/control/frequency-level.ts";
import { noNotices, Notices } from "../../src/control/notices.ts";
import type { ControlPlan, FrequencyPlan } from "../../src/control/plan.ts";
import { openBox, resetBox } from "../../src/control/arbitration.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import { MW, testPlan } from "../support/plant-plan.ts";
import { lostReading } from "../support/plant-site.ts";
import { readingOf } from "../support/plant-reading.ts";

const POINT = pointIndex(0);
const CYCLE_MS = 50;

/** A site that has promised 2 MW, full at 200 mHz. */
function start() {
  const base = testPlan();
  const control = {
    grid: { rampUpKwPerS: 50, rampDownKwPerS: 50 },
  } as Parameters<typeof frequencySettings>[0];
  const efficiencies = { dischargeEfficiency: 0.95, chargeEfficiency: 0.9 };
  const frequency: FrequencyPlan = {
    settings: frequencySettings(
      control,
      {
        powerKw: 2_000,
        deadBandMhz: 10,
        fullAtMhz: 200,
        direction: "both",
        nominalHz: 50,
        sustainMinutes: 15,
      },
      efficiencies,
    ),
    point: { point: POINT, maxAgeMs: 300 },
    stillMs: 10_000,
  };
  const plan: ControlPlan = { ...base, frequency };
  const level = createFrequencyLevel(plan, monotonicMs(0));
  assert.ok(level !== undefined);
  return { level, frequency, ...turnsOf(level, frequency) };
}

function turnsOf(level: FrequencyLevel, frequency: FrequencyPlan) {
  const image = new PointImage(1);
  const state = noNotices();
  const told: string[] = [];
  const reach = openBox();
  let now = 0;
  const turn = (hz: number | undefined): void => {
    now += CYCLE_MS;
    if (hz === undefined) image.post(lostReading([POINT], now));
    else image.post(readingOf({ [POINT]: hz }, { at: now }));
    image.take();
    observeFrequency(level, frequency, { view: image.view, now: monotonicMs(now) });
    resetBox(reach, -24 * MW, 24 * MW, "device-limits");
    answerFrequency(level, reach);
    const notices = new Notices(state, utcMs(now));
    tellFrequency(level, "pcc-meter", notices);
    told.push(...notices.events.map(({ id, phase }) => `${id} ${phase}`));
  };
  /** A frequency as a grid has it: never quite still. */
  const turns = (count: number, hz: number | undefined): void => {
    for (let cycle = 0; cycle < count; cycle += 1)
      turn(hz === undefined ? undefined : hz + (cycle % 2 === 0 ? 1e-4 : -1e-4));
  };
  return { turn, turns, told, reach };
}

describe("duty to the frequency", () => {
  it("is given at low frequency, told once, and leaves its reserve free", () => {
    const { level, turns, told, reach } = start();
    turns(40, 50);
    assert.equal(level.out.dutyW, 0);
    assert.deepEqual([reach.lowW, reach.highW], [-22 * MW, 22 * MW]);
    for (let step = 0; step < 16; step += 1) turns(1, 50 - step * 0.0125);
    turns(40, 49.8);
    assert.ok(Math.abs(level.out.dutyW - 2 * MW) < 0.02 * MW, `${level.out.dutyW} W`);
    // The answer is in the box already: what is left moves around it.
    assert.ok(Math.abs(reach.highW - 24 * MW) < 0.02 * MW, `${reach.highW} W`);
    assert.deepEqual(told, ["frequency-answer raised"]);
    turns(400, 50);
    assert.deepEqual(told, ["frequency-answer raised", "frequency-answer cleared"]);
  });

  it("is held and then let go when the meter is lost", () => {
    const { level, turns, told } = start();
    turns(40, 50);
    for (let step = 0; step < 16; step += 1) turns(1, 50 - step * 0.0125);
    turns(40, 49.8);
    const givenW = level.out.dutyW;
    turns(10, undefined);
    assert.ok(Math.abs(level.out.dutyW - givenW) < 1, "held");
    assert.ok(told.includes("frequency-unknown raised"), told.join());
    turns(1_000, undefined);
    assert.equal(level.out.dutyW, 0, "let go at the ramp");
    turns(40, 50);
    assert.equal(told.at(-1), "frequency-unknown cleared");
  });

  it("is not given for a frequency that stands still to the last bit", () => {
    const { level, turn, turns } = start();
    turns(40, 50);
    for (let step = 0; step < 16; step += 1) turns(1, 50 - step * 0.0125);
    for (let cycle = 0; cycle < 199; cycle += 1) turn(49.8);
    assert.ok(level.out.dutyW > 1.9 * MW, "within ten seconds it may be chance");
    for (let cycle = 0; cycle < 1_000; cycle += 1) turn(49.8);
    assert.equal(level.out.dutyW, 0);
  });
});
