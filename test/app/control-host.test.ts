import { strict as assert } from "node:assert";
import { ControlHost, NOTICES_WAITING_MAX } from "../../src/app/control-host.ts";
import type { Desk } from "../../src/app/smoothing-desk.ts";
import type {
  ControlStatus,
  CyclicReport,
  OrderAnswer,
  WriteReport,
} from "../../src/control/exchange.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import type { CommandStep } from "../../src/domain/command.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { PointTable } from "../../src/domain/point.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { createLogger } from "../../src/platform/log.ts";
import { PointImage } from "../../src/points/image.ts";
import { QualityOverrides } from "../../src/points/quality-overrides.ts";
import {
  CHILLER_MEASURED,
  CHILLER_RUN,
  METER,
  MW,
  pointCountOf,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { SimClock } from "../support/sim-clock.ts";

const DISK_MS = 20;
const SETTLE_MS = 1_000;

/** A host with two units, a slow disk and drivers that answer when the test says so. */
function start(plan: ControlPlan = testPlan({ withFeeders: false }), desk?: Desk) {
  const clock = new SimClock();
  const image = new PointImage(pointCountOf(2));
  const stop = new AbortController();
  const events: PlantEvent[] = [];
  const steps: CommandStep[] = [];
  const letGo: string[] = [];
  const answers: ((report: WriteReport) => void)[] = [];
  let report: ((report: CyclicReport) => void) | undefined;
  const host = new ControlHost({
    plan,
    clock,
    image,
    dispatch: {
      replaced: 0,
      letGo: (device) => letGo.push(device),
      send: (_writes, onReport) => (report = onReport),
      sendDirect: async () =>
        new Promise((resolve) => {
          answers.push(resolve);
        }),
    },
    overrides: new QualityOverrides(Array.from({ length: pointCountOf(2) }, (_, place) => place)),
    latches: {
      save: async () => clock.sleep(DISK_MS),
    },
    latchRecord: { state: "absent" },
    table: { devices: [], points: [] } as unknown as PointTable,
    onEvent: (event) => events.push(event),
    onStep: (step) => steps.push(step),
    log: createLogger("test", "silent"),
    ...(desk === undefined ? {} : { desk }),
    signal: stop.signal,
  });
  const values: Record<number, number> = {
    [METER]: 20 * MW,
    [CHILLER_RUN]: 1,
    [CHILLER_MEASURED]: 18,
  };
  for (const place of [0, 1]) {
    const points = unitPoints(place);
    Object.assign(values, {
      [points.power]: 0,
      [points.setpoint]: 0,
      [points.soc]: 60,
      [points.state]: STATE_RUNNING,
      [points.alarms]: 0,
    });
  }
  const turn = async (changes: Readonly<Record<number, number>> = {}) => {
    await clock.advance(50);
    Object.assign(values, changes);
    image.post(readingOf(values, { at: clock.now() }));
    host.cycle(clock.now());
  };
  const chiller = (id: string) => ({
    id,
    holder: "cloud",
    asset: "chiller-1",
    action: { kind: "set-point", point: "supply-temperature-setpoint", value: 18 } as const,
    priority: 7,
    sequence: 1,
    leaseMs: 0,
    notAfter: monotonicMs(1e9),
    receivedUtc: utcMs(0),
  });
  const reports = () => report;
  return { clock, host, turn, events, steps, answers, stop, chiller, letGo, reports };
}

const ALARMS = unitPoints(0).alarms;
const reset = { kind: "reset", trip: "all", by: "anna" } as const;

/** The test site with smoothing of a load of 0 to 100 MW. */
function smoothedPlan(): ControlPlan {
  const smoothing = siteSettings(LOOPS.d95, { lowW: 0, highW: 100 * MW });
  return testPlan({ withFeeders: false, smoothing });
}

describe("control host", () => {
  it("tells a trip and the end of one only when they are on the disk", async () => {
    const { clock, host, turn, events } = start();
    await turn();
    await turn({ [ALARMS]: 64 });
    assert.deepEqual(events, []);
    await clock.advance(DISK_MS);
    assert.deepEqual(
      events.map(({ id, phase }) => [id, phase]),
      [["emergency-stop", "raised"]],
    );
    const answered: OrderAnswer[] = [];
    const ask = async () => answered.push(await host.order(reset));
    void ask();
    await turn();
    await clock.advance(0);
    assert.equal(answered[0]?.reason, "cause-present", "a refusal claims nothing and waits not");
    void ask();
    await turn({ [ALARMS]: 0 });
    await clock.advance(DISK_MS - 1);
    assert.equal(answered.length, 1);
    await clock.advance(1);
    assert.deepEqual([answered[1]?.result, answered[1]?.reason], ["done", undefined]);
  });

  it("refuses one local order more than it keeps", async () => {
    const { host, turn } = start();
    const orders = Array.from({ length: 17 }, async () => host.order(reset));
    assert.equal((await orders[16])?.reason, "too-many-orders");
    await turn();
    assert.equal((await orders[0])?.reason, "no-such-trip");
  });

  it("refuses one direct write more than may be under way", async () => {
    const { host, turn, answers, clock, chiller } = start();
    await turn();
    for (let count = 0; count < 64; count += 1) host.take(chiller(`c-${count}`));
    assert.equal(answers.length, 64);
    assert.throws(() => {
      host.take(chiller("more"));
    }, /too many writes/);
    for (const answer of answers)
      answer({ point: METER, value: 18, result: "refused", reason: "X", readBack: undefined });
    await clock.advance(0);
    host.take(chiller("again"));
    assert.equal(answers.length, 65);
  });

  it("waits for no effect of a direct write when the process ends", async () => {
    const { host, turn, answers, clock, chiller, steps, stop } = start();
    await turn();
    host.take(chiller("c"));
    const readBack = { result: "applied", value: 18 } as const;
    answers[0]?.({ point: METER, value: 18, result: "accepted", reason: undefined, readBack });
    await clock.advance(SETTLE_MS / 2);
    stop.abort();
    await clock.advance(SETTLE_MS);
    assert.deepEqual(
      steps.map(({ stage }) => stage),
      ["received", "accepted", "written", "read-back"],
    );
  });

  it("drops the oldest of too many reports, and counts it", async () => {
    const { host, turn, reports } = start();
    await turn();
    const report = { point: METER, value: 1, reason: undefined, readBack: undefined };
    for (let count = 0; count < 1_027; count += 1)
      reports()?.({ ...report, result: "accepted", sentAt: monotonicMs(count) });
    assert.deepEqual((host.status() as { droppedReports: number }).droppedReports, 3);
  });

  it("knows no load and no setpoint while it is blind, instead of zero", async () => {
    const { host, turn } = start();
    assert.deepEqual(
      [host.figures()["x-site-load"], host.figures()["x-battery-setpoint"]],
      [undefined, undefined],
    );
    await turn();
    assert.deepEqual(
      [host.figures()["x-site-load"], host.figures()["x-battery-setpoint"]],
      [20 * MW, 0],
    );
  });

  it("tells the delay of a unit when it is found, and nothing before", async () => {
    const desk: Desk = {
      ask: (question, answer) => {
        if (question.kind !== "unit-delay") return;
        const found = { result: "found", delayMs: 80 + question.unit, correlation: 1 } as const;
        queueMicrotask(() => {
          answer({ kind: "unit-delay", unit: question.unit, found });
        });
      },
    };
    const { host, turn } = start(smoothedPlan(), desk);
    const delays = () => ["bess-1", "bess-2"].map((unit) => host.figures()[`x-unit-delay.${unit}`]);
    await turn();
    assert.deepEqual(delays(), [undefined, undefined]);
    for (let count = 0; count < 410; count += 1) await turn();
    assert.deepEqual(delays(), [0.08, undefined]);
    for (let count = 0; count < 150; count += 1) await turn();
    assert.deepEqual(delays(), [0.08, 0.081]);
    const { control } = host.status() as { readonly control: ControlStatus };
    assert.deepEqual(
      control.units.map(({ delayMs }) => delayMs),
      [80, 81],
    );
  });

  it("answers a workload in the next cycle, and one more than may wait at once", async () => {
    const { host, turn } = start(smoothedPlan());
    await turn();
    const notice = (workload: string) => ({
      workload,
      powerW: undefined,
      peakW: MW,
      steps: [{ at: monotonicMs(60_000), powerW: MW }],
      slackMs: 0,
      withinMs: 2_000,
      notAfter: monotonicMs(1e9),
    });
    const asked = Array.from({ length: NOTICES_WAITING_MAX + 1 }, async (_, place) =>
      host.announce(notice(`job-${place}`)),
    );
    assert.equal((await asked[NOTICES_WAITING_MAX])?.refused, "too-many-announcements");
    await turn();
    const first = await asked[0];
    assert.deepEqual(
      [first?.workload, first?.refused, first?.startsAt],
      ["job-0", undefined, 60_000],
    );
    assert.equal(host.figures()["x-workload-steps"], NOTICES_WAITING_MAX);
    const { refusedNotices } = host.status() as { readonly refusedNotices: number };
    assert.equal(refusedNotices, 1);
    host.stop();
    assert.equal((await host.announce(notice("late"))).refused, "control-ends");
    assert.equal((await start().host.announce(notice("x"))).refused, "not-smoothed");
  });
});
