import { strict as assert } from "node:assert";
import { isLetGo } from "../../src/control/cycle.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import {
  METER,
  MW,
  STATE_FAULT,
  STATE_OFF,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";
import { PlantSite, pressEmergencyStop } from "../support/plant-site.ts";

const STALE = qualityCode("stale");
/** The load above the peak cap that a scene wants, at the full load of 25.754 MW. */
const FULL_LOAD_W = 25.754 * MW;

/** A square of 1 Hz: 20 MW first. */
const square = (ms: number) => (Math.floor(ms / 500) % 2 === 0 ? 20 : 10) * MW;

/** A load that never stands quite still. */
const restless = (ms: number) => 20 * MW + 50 * Math.sin(1.7 * ms);

/** Highest and lowest value of something while the site runs, looked at each 5 ms. */
function watchWhile(site: PlantSite, ms: number, look: () => number) {
  let highest = -Infinity;
  let lowest = Infinity;
  let aboveMs = 0;
  for (let passed = 0; passed < ms; passed += 5) {
    site.run(5);
    const value = look();
    highest = Math.max(highest, value);
    lowest = Math.min(lowest, value);
    if (value > 0) aboveMs += 5;
  }
  return { highest, lowest, aboveMs };
}

describe("scene: peak cap under a 1 Hz training load", () => {
  it("covers the high half of each swing within 150 ms and is idle in the low one", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: 20 * MW }), training: square });
    site.run(1_000);
    for (let swing = 0; swing < 10; swing += 1) {
      site.run(150);
      assert.ok(site.gridW <= 21 * MW, `${site.gridW} W 150 ms after the edge`);
      site.run(345);
      assert.ok(Math.abs(site.gridW - 20 * MW) <= 0.02 * MW, `${site.gridW} W in the high half`);
      site.run(5 + 495);
      assert.ok(Math.abs(site.batteryW) <= 0.01 * MW, `${site.batteryW} W in the low half`);
      site.run(5);
    }
    assert.deepEqual(site.events, [], "nothing to tell");
  });

  it("shares equally", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: 20 * MW }) });
    site.run(2_000);
    const [one, two] = site.units.map((unit) => unit.powerW);
    assert.ok(Math.abs(one! - 2.877 * MW) <= 2_000);
    assert.ok(Math.abs(one! - two!) <= 1_000);
    assert.equal(site.last?.status.bindingLevel, "peak-cap");
  });

  it("does not mistake its own steps for the load's when readings are skewed (20 seeds)", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const plan = testPlan({ peakCapW: 20 * MW });
      const site = new PlantSite({ plan, training: square, seed, latenessMs: 15 });
      site.run(2_000);
      const { highest } = watchWhile(site, 4_000, () => site.batteryW);
      assert.ok(highest <= 5.754 * MW * 1.5, `seed ${seed}: ${highest} W of 5.754 MW`);
      site.training = () => 20 * MW;
      site.run(1_500);
      const settled = watchWhile(site, 1_000, () => site.gridW);
      assert.ok(settled.highest - settled.lowest <= 0.02 * MW, `seed ${seed} swings`);
    }
  });
});

describe("scene 7: an inverter trips", () => {
  it("hands its share to the other unit within 150 ms of a 12 MW discharge", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 12 * MW }) });
    site.run(3_000);
    assert.ok(Math.abs(site.batteryW - 12 * MW) <= 0.01 * MW);
    const beforeW = site.gridW;
    site.units[0]!.state = STATE_FAULT;
    const pulse = watchWhile(site, 150, () => site.gridW - beforeW - 0.1 * MW);
    assert.ok(pulse.highest <= 6 * MW);
    assert.ok(site.units[1]!.powerW >= 0.98 * 12 * MW, `${site.units[1]!.powerW} W after 150 ms`);
    const rest = watchWhile(site, 200, () => site.gridW - beforeW - 0.1 * MW);
    assert.ok(pulse.aboveMs + rest.aboveMs <= 200, "the pulse is over within 200 ms");
    assert.deepEqual(
      site.events.map((event) => [event.id, event.phase, event.device]),
      [["pcs-fault", "raised", "bess-1"]],
    );
    site.units[0]!.state = STATE_RUNNING;
    site.run(500);
    assert.ok(Math.abs(site.units[0]!.powerW - 6 * MW) <= 0.1 * MW, "it takes its share again");
  });

  it("declares what the others cannot take: 8 MW of 20", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 20 * MW }) });
    site.run(3_000);
    site.units[0]!.state = STATE_FAULT;
    site.run(100);
    const breach = site.eventsOf("ramp-breach");
    assert.deepEqual(
      breach.map((event) => event.phase),
      ["raised"],
    );
    assert.match(breach[0]!.text, /^8\.00 MW above the cap/);
    assert.ok(Math.abs((site.last?.status.shortfallW ?? 0) - 8 * MW) <= 0.1 * MW);
    assert.equal(site.last?.status.bindingLevel, "device-limits");
  });

  it("declares the drop of a leased discharge that the others cannot take", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: undefined }) });
    site.run(200);
    const action = { kind: "set-power", powerW: 20 * MW, rampWPerS: 100 * MW } as const;
    site.command({ id: "a", action });
    site.run(2_000);
    site.units[0]!.state = STATE_FAULT;
    site.run(500);
    assert.deepEqual(
      site.eventsOf("ramp-breach").map((event) => [event.phase, event.text]),
      [["once", "8.00 MW were lost at once with a unit"]],
    );
    assert.ok(Math.abs(site.batteryW - 12 * MW) <= 0.01 * MW);
    site.units[0]!.state = STATE_RUNNING;
    site.run(1_000);
    assert.ok(site.batteryW <= 20 * MW, "back at the command's own ramp, not beyond");
  });

  it("declares no loss while a unit stays lost and the load swings across the cap", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 4 * MW }) });
    site.run(3_000);
    site.units[0]!.state = STATE_FAULT;
    site.run(2_000);
    const full = site.training;
    site.training = (ms) => full(ms) - (ms % 1_000 < 500 ? 8 * MW : 0);
    const before = site.events.length;
    let mostW = 0;
    let leastW = Infinity;
    site.onCycle.push(() => {
      mostW = Math.max(mostW, site.batteryW);
      leastW = Math.min(leastW, site.batteryW);
    });
    site.run(6_000);
    assert.ok(mostW > 3.9 * MW && leastW < 0.1 * MW, `${leastW} to ${mostW} W`);
    const told = site.events.slice(before).filter(({ id }) => id === "ramp-breach");
    assert.deepEqual(told, []);
  });
});

describe("scene: a unit falls silent", () => {
  it("counts at its last power until it reverts, so that nobody gives it twice", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 12 * MW }) });
    site.run(3_000);
    site.units[0]!.isCut = true;
    const demandW = 12 * MW;
    const early = watchWhile(site, 3_300, () => site.batteryW);
    assert.ok(early.highest <= demandW + 0.01 * MW, `${early.highest} W delivered`);
    assert.equal(site.eventsOf("unit-silent").length, 1);
    const later = watchWhile(site, 20_000, () => site.batteryW);
    assert.ok(later.highest <= demandW + 0.02 * MW, `${later.highest} W delivered later`);
    assert.ok(site.units[1]!.powerW > 6.3 * MW, "the other takes over what it lets go");
    site.units[0]!.isCut = false;
    site.run(100);
    const first = watchWhile(site, 500, () => site.batteryW);
    assert.ok(first.highest <= demandW + 0.2 * MW, "its return is no step beyond the demand");
    assert.equal(site.eventsOf("unit-silent").at(-1)?.phase, "cleared");
  });

  it("is not told for a pause shorter than 400 ms, and nothing changes", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 12 * MW }) });
    site.run(3_000);
    site.units[0]!.isCut = true;
    const pause = watchWhile(site, 250, () => site.gridW);
    site.units[0]!.isCut = false;
    const after = watchWhile(site, 1_000, () => site.gridW);
    assert.ok(
      Math.max(pause.highest, after.highest) - Math.min(pause.lowest, after.lowest) < 20_000,
    );
    assert.deepEqual(site.events, []);
  });

  it("explains no mismatch while its reading is late and the load swings", () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const plan = testPlan({ peakCapW: 20 * MW });
      const site = new PlantSite({ plan, training: square, seed });
      site.run(2_000);
      for (let pause = 0; pause < 5; pause += 1) {
        site.units[0]!.isCut = true;
        site.run(345);
        site.units[0]!.isCut = false;
        site.run(400);
      }
      assert.deepEqual(site.events, [], `seed ${seed}`);
    }
  });

  it("is no reason for the others to work against what it gives anyway", () => {
    const plan = testPlan({ peakCapW: FULL_LOAD_W - 12 * MW });
    const site = new PlantSite({ plan });
    const action = { kind: "set-power", powerW: 2 * MW, rampWPerS: 100 * MW } as const;
    site.run(500);
    site.command({ id: "a", action });
    site.run(1_500);
    site.units[0]!.isCut = true;
    site.run(500);
    site.training = () => 4 * MW;
    const { lowest } = watchWhile(site, 2_000, () => site.units[1]!.setpointW);
    assert.equal(lowest, 0, "the silent one gives the 2 MW already");
    assert.equal(site.units[1]!.setpointW, 0, "so nobody gives them twice");
  });

  it("is no reason for the others to give its share again in the cycle that hears it", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: undefined }) });
    site.run(500);
    const action = { kind: "set-power", powerW: 16 * MW, rampWPerS: 100 * MW } as const;
    site.command({ id: "a", action });
    site.run(1_000);
    site.units[0]!.isCut = true;
    site.run(1_000);
    site.units[0]!.isCut = false;
    const asked = watchWhile(site, 500, () => site.units[1]!.setpointW);
    assert.ok(asked.highest <= 8.01 * MW, `${asked.highest} W`);
  });

  it("is first asked for what it gives when it is heard again", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: undefined }) });
    site.run(500);
    const action = { kind: "set-power", powerW: 10 * MW, rampWPerS: 100 * MW } as const;
    site.command({ id: "a", asset: "bess-1", action });
    site.run(1_000);
    site.units[0]!.isCut = true;
    site.run(30_000);
    site.units[0]!.isCut = false;
    const first: number[] = [];
    site.onCycle.push((result) => {
      for (const write of result.writes)
        if (write.point === unitPoints(0).setpoint) first.push(write.value);
    });
    site.run(50);
    assert.deepEqual(first, [Math.round(site.units[0]!.powerW / 1_000) * 1_000]);
    site.run(2_000);
    assert.deepEqual(site.eventsOf("setpoint-differs"), []);

    first.length = 0;
    site.units[0]!.isCut = true;
    site.run(500);
    site.units[0]!.isCut = false;
    first.length = 0;
    site.run(50);
    assert.equal(first.length, 1, "at once, though it is the value of before");
  });

  it("is first asked for what it gives where its envelope moves slower than it reverts", () => {
    const plan = testPlan({ peakCapW: undefined });
    const envelope = plan.envelope.map((entry) =>
      entry.pointName === "active-power-setpoint" ? { ...entry, rampPerS: 10_000 } : entry,
    );
    const site = new PlantSite({ plan: { ...plan, envelope }, batteriesW: 10 * MW });
    site.run(1_000);
    site.units[0]!.isCut = true;
    site.run(60_000);
    assert.ok(site.units[0]!.powerW < 3.7 * MW, `${site.units[0]!.powerW} W: it has reverted`);
    site.units[0]!.isCut = false;
    const written: number[] = [];
    site.onCycle.push(({ writes }) => {
      for (const { point, value } of writes)
        if (point === unitPoints(0).setpoint) written.push(value);
    });
    const givenW = site.units[0]!.powerW;
    site.run(50);
    assert.equal(written.length, 1);
    assert.ok(Math.abs(written[0]! - givenW) <= 2_000, `${written[0]} of ${givenW} W`);
  });

  it("counts at what the meters show when they show it sooner", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 12 * MW }) });
    site.run(3_000);
    const [lost, other] = site.units;
    lost!.isCut = true;
    lost!.state = STATE_OFF;
    site.run(1_000);
    assert.ok(Math.abs(other!.powerW - 12 * MW) <= 0.1 * MW, `${other!.powerW} W taken over`);
    assert.ok(Math.abs(site.last?.status.units[0]?.powerW ?? 9e9) <= 0.1 * MW);
  });

  it("is called silent when its counter stands still although it answers", () => {
    const site = new PlantSite({ plan: testPlan() });
    site.run(1_000);
    const unit = site.units[0]!;
    const stop = () => {
      unit.heartbeat = 1;
    };
    for (let passed = 0; passed < 2_500; passed += 5) {
      stop();
      site.run(5);
    }
    assert.equal(site.last?.status.units[0]?.mode, "silent");
  });
});

describe("scene: a unit whose counter is told to stand still, or cannot be read", () => {
  function withCounterOf(quality: number) {
    const site = new PlantSite({ plan: testPlan() });
    site.run(1_000);
    for (let cycles = 0; cycles < 20; cycles += 1) {
      site.run(45);
      const at = { at: site.nowMs, quality };
      site.image.post(readingOf({ [unitPoints(0).heartbeat]: site.nowMs }, at));
      site.run(5);
    }
    return site.last?.status.units.map((unit) => unit.mode);
  }

  it("is silent by the first, although the change of quality looks like a beat", () => {
    assert.deepEqual(withCounterOf(STALE), ["silent", "ready"]);
  });

  it("is heard with a counter that it does not have", () => {
    assert.deepEqual(withCounterOf(qualityCode("not-available-pattern")), ["ready", "ready"]);
  });
});

describe("scene 8: the grid meter freezes", () => {
  it("is found by the feeders within 400 ms of the first edge it misses", () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const plan = testPlan({ peakCapW: 20 * MW });
      const site = new PlantSite({
        plan,
        training: square,
        ...(seed === 0 ? {} : { seed, latenessMs: 10 }),
      });
      site.run(2_400);
      assert.equal(site.events.length, 0, "the skew at each edge is no mismatch");
      site.isMeterFrozen = true;
      const edgeMs = 3_500;
      site.run(edgeMs - site.nowMs);
      assert.equal(site.north[METER], GOOD);
      site.run(400);
      assert.equal(site.last?.status.source, "feeders", `seed ${seed}`);
      const lastGood = site.northTimes[METER];
      site.run(200);
      assert.equal(site.north[METER], STALE);
      assert.equal(site.northTimes[METER], lastGood, "the last good time stays");
      assert.deepEqual(
        site.events.map((event) => [event.id, event.phase]),
        [["meter-frozen", "raised"]],
      );
    }
  });

  it("lets the cap hold by the feeders, and the meter comes back without a bump", () => {
    const plan = testPlan({ peakCapW: 20 * MW });
    const site = new PlantSite({ plan, training: square });
    site.run(2_100);
    site.isMeterFrozen = true;
    site.run(1_900);
    const sources = new Set<string>();
    site.onCycle.push((result) => sources.add(result.status.source));
    for (let swing = 0; swing < 3; swing += 1) {
      site.run(300);
      assert.ok(Math.abs(site.gridW - 20 * MW) <= 0.05 * MW, `${site.gridW} W by the feeders`);
      site.run(700);
    }
    assert.deepEqual([...sources], ["feeders"], "it does not flap with the swing");
    site.isMeterFrozen = false;
    site.run(1_500);
    assert.equal(site.last?.status.source, "meter");
    assert.equal(site.eventsOf("meter-frozen").at(-1)?.phase, "cleared");
    assert.equal(site.north[METER], GOOD);
  });

  it("does not wind the battery up when it freezes at the edge, before the battery answers", () => {
    const training = (ms: number) => (ms >= 4_000 ? 20 : 10) * MW;
    for (const withFeeders of [true, false]) {
      const plan = testPlan({ peakCapW: 20 * MW, withFeeders });
      const site = new PlantSite({ plan, training, meterFrozenAfterMs: 2_500 });
      site.run(3_050);
      site.isMeterFrozen = true;
      const { highest } = watchWhile(site, 2_400, () => site.batteryW);
      assert.ok(highest <= 5.9 * MW, `${highest} W of 5.754 MW`);
      assert.ok(highest >= 5.7 * MW, "the edge itself was seen");
    }
  });

  it("keeps the meter when it is the feeder that stands still", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: 20 * MW }), training: square });
    site.run(2_100);
    site.isTrainFrozen = true;
    site.run(1_900);
    assert.equal(site.last?.status.source, "meter");
    assert.equal(site.eventsOf("feeder-mismatch")[0]?.phase, "raised");
    assert.equal(site.eventsOf("meter-frozen").length, 0);
    assert.equal(site.last.distrusted[0]?.quality, STALE);
    site.isMeterCut = true;
    site.run(500);
    assert.equal(site.last.status.source, "none", "a distrusted feeder does not stand in");
    site.isMeterCut = false;
    site.isTrainFrozen = false;
    site.run(2_000);
    assert.equal(site.eventsOf("feeder-mismatch").at(-1)?.phase, "cleared");
  });

  it("keeps the meter when it sees a step of what a feeder shows once a second only", () => {
    for (let phase = 0; phase < 10; phase += 1) {
      const plan = testPlan({ peakCapW: undefined, importLimitW: 40 * MW });
      const site = new PlantSite({ plan, training: restless });
      site.run(3_000 + 100 * phase);
      site.upsW += 4 * MW;
      site.run(3_000);
      assert.deepEqual(site.events, [], `${phase}`);
    }
  });

  it("would never be found if nobody compared it with the feeders (negative control)", () => {
    const plan = testPlan({ peakCapW: 20 * MW });
    const crossCheck = { ...plan.grid.crossCheck, fraction: 9 };
    const site = new PlantSite({
      plan: { ...plan, grid: { ...plan.grid, crossCheck } },
      training: square,
    });
    site.run(2_400);
    site.isMeterFrozen = true;
    site.run(2_000);
    assert.equal(site.last?.status.source, "meter");
    const { highest, lowest } = watchWhile(site, 2_000, () => site.gridW - 20 * MW);
    assert.ok(highest > 1 * MW || lowest < -6 * MW, `${lowest} to ${highest} W off the cap`);
    assert.deepEqual(site.eventsOf("meter-frozen"), []);
  });

  it("takes the feeders when the meter moves and is wrong", () => {
    const plan = testPlan({ peakCapW: undefined });
    const site = new PlantSite({ plan, training: restless });
    site.run(3_000);
    assert.deepEqual(site.events, []);
    const loss = { fixedW: 2 * MW, atRatingW: 0, ratingW: 0 };
    const off = { ...plan, grid: { ...plan.grid, loss } };
    const wrong = new PlantSite({ plan: off, training: restless });
    wrong.run(3_000);
    assert.deepEqual(
      wrong.events.map((event) => event.id),
      ["meter-mismatch"],
    );
    assert.equal(wrong.last?.distrusted[0]?.quality, qualityCode("mismatch"));
  });

  it("finds a wrong meter between the edges too, where the batteries stand still", () => {
    const plan = testPlan({ peakCapW: 20 * MW });
    const loss = { fixedW: 2 * MW, atRatingW: 0, ratingW: 0 };
    const off = { ...plan, grid: { ...plan.grid, loss } };
    const wrong = new PlantSite({ plan: off, training: square });
    wrong.run(20_000);
    assert.deepEqual(
      wrong.events.filter(({ id }) => id.startsWith("meter")).map(({ id, phase }) => [id, phase]),
      [["meter-mismatch", "raised"]],
    );
  });

  it("holds, then lets the battery go at the ramp when the feeders freeze as well", () => {
    const plan = testPlan({ peakCapW: FULL_LOAD_W - 6 * MW });
    const frozen = { meterFrozenAfterMs: 500, trainFrozenAfterMs: 500 };
    const site = new PlantSite({ plan, ...frozen, training: restless });
    site.run(3_000);
    assert.deepEqual(site.events, []);
    site.isMeterFrozen = true;
    site.isTrainFrozen = true;
    site.run(600);
    assert.equal(site.last?.status.source, "none");
    const lostMs = site.nowMs;
    site.run(700);
    assert.ok(Math.abs(site.batteryW - 6 * MW) <= 0.01 * MW, "held");
    assert.equal(site.last.status.bindingLevel, "blind");
    const rampFromMs = lostMs + 1_000 - 50;
    site.run(rampFromMs + 60_000 - site.nowMs);
    assert.ok(Math.abs(site.batteryW - 3 * MW) <= 0.06 * MW, `${site.batteryW} W half way`);
    site.run(60_500);
    assert.ok(Math.abs(site.batteryW) <= 0.005 * MW, "6 MW are gone after 120 s");
    assert.equal(site.eventsOf("meter-lost")[0]?.phase, "raised");

    site.isMeterFrozen = false;
    site.isTrainFrozen = false;
    let largestStepW = 0;
    let beforeW = site.batteryW;
    for (let passed = 0; passed < 2_000; passed += 50) {
      site.run(50);
      largestStepW = Math.max(largestStepW, Math.abs(site.batteryW - beforeW));
      beforeW = site.batteryW;
    }
    assert.ok(largestStepW <= 0.6 * MW, `the way back is no step: ${largestStepW} W`);
    assert.ok(Math.abs(site.batteryW - 6 * MW) <= 0.05 * MW);
    assert.equal(site.eventsOf("meter-lost").at(-1)?.phase, "cleared");
  });
});

describe("scene 9: upstream is lost during a leased discharge", () => {
  it("lets 5 MW go from 60 s to 160 s and keeps the cap meanwhile", () => {
    const site = new PlantSite({ plan: testPlan() });
    site.run(1_000);
    const startMs = site.nowMs;
    const action = { kind: "set-power", powerW: 5 * MW, rampWPerS: 10 * MW } as const;
    site.command({ id: "dr", action, leaseMs: 60_000 });
    site.run(59_000);
    assert.ok(Math.abs(site.batteryW - 5 * MW) <= 0.01 * MW);
    let largestStepW = 0;
    let beforeW = site.last!.status.totalW;
    site.onCycle.push((result) => {
      largestStepW = Math.max(largestStepW, Math.abs(result.status.totalW - beforeW));
      beforeW = result.status.totalW;
    });
    site.run(startMs + 110_000 - site.nowMs);
    assert.ok(Math.abs(site.batteryW - 2.5 * MW) <= 0.02 * MW, `${site.batteryW} W half way`);
    site.run(startMs + 160_200 - site.nowMs);
    assert.ok(site.batteryW <= 0.005 * MW, `${site.batteryW} W at 160 s`);
    assert.ok(largestStepW <= 0.05 * MW * 0.05 + 1, `${largestStepW} W in one cycle`);
    assert.deepEqual(
      site.events.map((event) => event.id),
      ["lease-expired"],
    );
    site.training = () => 24 * MW;
    site.run(300);
    assert.ok(Math.abs(site.gridW - 26.5 * MW) <= 0.05 * MW, "the peak cap goes on");
    pressEmergencyStop(site.units[1]!, true);
    site.run(150);
    assert.equal(site.batteryW, 0, "and so does protection");
  });
});

describe("scene 12: the emergency stop", () => {
  function discharging() {
    const site = new PlantSite({ plan: testPlan({ peakCapW: FULL_LOAD_W - 10 * MW }) });
    site.run(3_000);
    assert.ok(Math.abs(site.batteryW - 10 * MW) <= 0.01 * MW);
    return site;
  }

  it("writes STOP and zero in the cycle that sees it, first of all writes", () => {
    const site = discharging();
    pressEmergencyStop(site.units[0]!, true);
    site.run(50);
    const writes = site.last!.writes.map((write) => [write.point, write.value, write.isProtective]);
    assert.deepEqual(writes, [
      [unitPoints(0).run, 0, true],
      [unitPoints(0).setpoint, 0, true],
      [unitPoints(1).run, 0, true],
      [unitPoints(1).setpoint, 0, true],
    ]);
    site.run(50);
    assert.equal(site.batteryW, 0, "0 W within 100 ms");
    const [trip] = site.last!.status.trips;
    assert.deepEqual([trip?.id, trip?.isFirstOut], ["emergency-stop", true]);
    assert.equal(site.last!.status.units[0]?.bindingLevel, "protection");
  });

  it("asserts it in each cycle until it is read back, and again when it no longer is", () => {
    const site = discharging();
    site.units[0]!.ignores = true;
    pressEmergencyStop(site.units[0]!, true);
    site.run(50);
    for (let count = 0; count < 10; count += 1) {
      site.run(50);
      const own = site.last!.writes.filter((write) => write.asset === "bess-1");
      assert.deepEqual(
        own.map((write) => write.value),
        [0, 0],
      );
    }
    site.units[0]!.ignores = false;
    site.run(150);
    assert.deepEqual(site.last!.writes, []);
    site.units[0]!.state = STATE_RUNNING;
    site.run(100);
    assert.equal(site.units[0]!.state, STATE_OFF, "somebody started it: stopped again");
  });

  it("stays latched through the end of its cause, commands and kill -9; only a reset lifts it", () => {
    const site = discharging();
    pressEmergencyStop(site.units[0]!, true);
    site.run(500);
    site.order({ kind: "reset", trip: "all", by: "anna" });
    site.run(50);
    assert.equal(site.last!.answers[0]?.reason, "cause-present");
    pressEmergencyStop(site.units[0]!, false);
    site.run(1_000);
    site.command({ id: "a", action: { kind: "set-power", powerW: 1 * MW, rampWPerS: undefined } });
    site.run(500);
    assert.equal(site.steps.at(-1)?.reason, "tripped");
    site.restartControl();
    site.run(1_000);
    assert.equal(site.batteryW, 0);
    assert.equal(site.last!.status.trips[0]?.isFirstOut, true);
    site.order({ kind: "reset", trip: "emergency-stop", by: "anna" });
    site.run(50);
    assert.deepEqual(
      site.last!.answers.map((answer) => answer.result),
      ["done"],
    );
    site.run(1_500);
    assert.ok(Math.abs(site.batteryW - 10 * MW) <= 0.05 * MW, "it runs again");
    assert.equal(site.last!.latchRevision, 1);
  });
});

describe("scene: control restarts at full discharge", () => {
  function restarted(options: { readonly deadMs: number }) {
    const plan = testPlan({ peakCapW: undefined });
    const site = new PlantSite({ plan, batteriesW: 20 * MW });
    site.run(1_000);
    site.isControlDead = true;
    site.run(options.deadMs);
    const writes: number[][] = [];
    const measured: number[] = [];
    site.restartControl();
    site.onCycle.push((result) => {
      writes.push(result.writes.map((write) => write.value));
      measured.push(...site.units.map((unit) => Math.round(unit.powerW / 1_000) * 1_000));
    });
    return { site, writes, measured };
  }

  it("first writes the measured power, before the device reverts, then ramps it away", () => {
    const { site, writes } = restarted({ deadMs: 2_000 });
    const beforeW = site.units[0]!.powerW;
    site.run(100);
    const first = writes.find((values) => values.length > 0);
    assert.deepEqual(first, [
      Math.round(beforeW / 1_000) * 1_000,
      Math.round(beforeW / 1_000) * 1_000,
    ]);
    assert.ok(Math.abs(site.units[0]!.powerW - beforeW) <= 2_000, "no reversion happened");
    let lastW = site.last!.status.totalW;
    site.onCycle.push((result) => {
      const stepW = Math.abs(result.status.totalW - lastW);
      assert.ok(stepW <= 0.05 * MW * 0.05 + 1, `${stepW} W in one cycle`);
      lastW = result.status.totalW;
    });
    site.run(100_000);
    assert.ok(Math.abs(site.batteryW - (2 * beforeW - 5 * MW)) <= 0.03 * MW, "at R");
  });

  it("writes nothing to a unit that it has not read", () => {
    const { site, writes } = restarted({ deadMs: 500 });
    for (const unit of site.units) unit.isCut = true;
    const sumW = () => site.last?.status.units.map((unit) => unit.powerW);
    site.run(482_900);
    assert.deepEqual(sumW(), [undefined, undefined], "it may still be on its way from 12 MW");
    site.run(200);
    assert.deepEqual(
      writes.filter((values) => values.length > 0),
      [],
    );
    assert.deepEqual(sumW(), [0, 0], "counted as reverted");
    site.units[1]!.isCut = false;
    site.run(100);
    assert.equal(site.last?.status.units[1]?.setpointW !== undefined, true);
  });

  it("keeps a cap without a dip: what the cap needs does not ramp away", () => {
    const site = new PlantSite({
      plan: testPlan({ peakCapW: 20 * MW }),
      batteriesW: 5.754 * MW,
    });
    const { lowest, highest } = watchWhile(site, 20_000, () => site.batteryW);
    assert.ok(lowest >= 5.74 * MW && highest <= 5.77 * MW, `${lowest} … ${highest} W`);
  });
});

describe("scene: control is told to end", () => {
  it("lets the batteries go at the ramp, whatever cap and lease ask, and then holds nothing", () => {
    for (const sign of [1, -1]) {
      const plan = testPlan({ rampWPerS: 5 * MW, importLimitW: 90 * MW, peakCapW: 24 * MW });
      const site = new PlantSite({ plan });
      site.run(500);
      const action = { kind: "set-power", powerW: sign * 10 * MW, rampWPerS: 100 * MW } as const;
      site.command({ id: "a", action });
      site.run(1_000);
      assert.equal(isLetGo(site.control), false);
      let lastW = site.last!.status.totalW;
      site.isStopping = true;
      site.onCycle.push((result) => {
        const stepW = Math.abs(result.status.totalW - lastW);
        assert.ok(stepW <= 5 * MW * 0.05 + 1, `${stepW} W in one cycle`);
        lastW = result.status.totalW;
      });
      const neededMs = (Math.abs(lastW) / (5 * MW)) * 1_000;
      site.run(neededMs - 100 - (neededMs % 50));
      assert.equal(isLetGo(site.control), false);
      assert.equal(site.last!.status.bindingLevel, "stop");
      site.run(250);
      assert.equal(isLetGo(site.control), true);
      assert.ok(Math.abs(site.batteryW) <= 1_000);
    }
  });

  it("has nothing to let go of units that it never told anything", () => {
    const site = new PlantSite({ plan: testPlan() });
    for (const unit of site.units) unit.isCut = true;
    site.run(1_000);
    assert.equal(isLetGo(site.control), true);
  });
});

describe("scene: a converter is not enabled", () => {
  it("leaves its part to the other within 6 s, is told, and gets it back when it follows", () => {
    const site = new PlantSite({ plan: testPlan({ peakCapW: 20 * MW }) });
    site.training = () => 21.7 * MW;
    site.run(2_000);
    assert.ok(Math.abs(site.gridW - 20 * MW) <= 0.05 * MW, `${site.gridW} W`);
    site.units[0]!.isDisabled = true;
    site.run(1_000);
    assert.ok(site.gridW > 22 * MW, "its part is missing");
    site.run(5_000);
    assert.ok(Math.abs(site.gridW - 20 * MW) <= 0.05 * MW, `${site.gridW} W`);
    assert.ok(site.units[0]!.powerW < 1);
    const told = () => site.eventsOf("unit-does-not-follow").map(({ phase }) => phase);
    assert.deepEqual(told(), ["raised"]);
    site.units[0]!.isDisabled = false;
    site.run(75_000);
    assert.ok(Math.abs(site.units[0]!.powerW - site.units[1]!.powerW) <= 0.05 * MW);
    assert.ok(Math.abs(site.gridW - 20 * MW) <= 0.05 * MW, `${site.gridW} W`);
    assert.deepEqual(told(), ["raised", "cleared"]);
  });
});

describe("scene: the reserve", () => {
  it("is approached at the ramp and never crossed", () => {
    const rampWPerS = 0.5 * MW;
    const plan = testPlan({ peakCapW: 20 * MW, rampWPerS });
    const site = new PlantSite({ plan, soc: 31 });
    site.run(2_000);
    let lastW = site.last!.status.totalW;
    let largestStepW = 0;
    site.onCycle.push((result) => {
      largestStepW = Math.max(largestStepW, Math.abs(result.status.totalW - lastW));
      lastW = result.status.totalW;
    });
    site.run(600_000);
    assert.ok(
      site.units.every((unit) => unit.soc >= 30),
      `${site.units[0]!.soc} %`,
    );
    assert.ok(site.batteryW <= 1_000, "nothing is left above the reserve");
    assert.ok(largestStepW <= rampWPerS * 0.05 + 2_000, `${largestStepW} W in one cycle`);
    assert.equal(site.last?.status.bindingLevel, "reserve");
    assert.deepEqual(
      site.eventsOf("reserve-reached").map((event) => event.device),
      ["bess-1", "bess-2"],
    );
    assert.ok(site.eventsOf("ramp-breach").length > 0, "the cap is told to be short");
  });

  for (const [what, fromPercent, toPercent, loadMw] of [
    ["the reserve", 65, 29.5, 32],
    ["the ceiling", 40, 95, 2],
  ] as const)
    it(`is left at the ramp when a reading finds the charge beyond ${what} at once`, () => {
      const rampWPerS = 0.5 * MW;
      const plan = testPlan({ peakCapW: 20 * MW, rampWPerS });
      const site = new PlantSite({ plan, soc: fromPercent });
      site.training = () => loadMw * MW;
      const action = { kind: "set-power", powerW: -10 * MW, rampWPerS: undefined } as const;
      if (toPercent > fromPercent) site.command({ action, leaseMs: 600_000 });
      site.run(60_000);
      const beforeW = Math.abs(site.batteryW);
      assert.ok(beforeW > 8 * MW, `${beforeW} W`);
      for (const unit of site.units) unit.soc = toPercent;
      // From the rating, 24 MW of both, to nothing at the ramp.
      site.run(50_000);
      assert.ok(Math.abs(site.batteryW) <= 1_000, `${site.batteryW} W are left`);
    });
});
