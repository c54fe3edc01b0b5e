import { strict as assert } from "node:assert";
import type { Command, CommandStep } from "../../src/domain/command.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import type { ReadBack } from "../../src/domain/write.ts";
import { fullAuthority } from "../../src/control/authority/authority.ts";
import { DirectLane } from "../../src/control/direct-lane.ts";
import { compileEnvelope } from "../../src/control/envelope.ts";
import type { WriteReport } from "../../src/control/exchange.ts";
import { ownedPoints } from "../../src/control/units.ts";
import { PointImage } from "../../src/points/image.ts";
import {
  CHILLER_MEASURED,
  CHILLER_RUN,
  CHILLER_SUPPLY,
  chillerEntry,
  pointCountOf,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const UTC = utcMs(1);
/** A point of a unit that no controller drives, without one that shows its effect. */
const LAMP = unitPoints(0).heartbeat;

function start() {
  const plan = testPlan();
  const image = new PointImage(pointCountOf(2));
  image.post(readingOf({ [CHILLER_RUN]: 1, [CHILLER_MEASURED]: 17.5 }));
  image.take();
  const lamp = { ...chillerEntry(), asset: "bess-1", pointName: "x-lamp", point: LAMP };
  const free = { ...lamp, min: 0, max: 1, interlocks: [], effect: undefined };
  const authority = fullAuthority();
  const envelope = compileEnvelope([...plan.envelope, free]);
  const lane = new DirectLane(envelope, ownedPoints(plan), authority);
  const sight = (now: number) => ({ view: image.view, now: monotonicMs(now), utc: UTC });
  const ask = (value: number, rest: Partial<Command> = {}, now = 0) =>
    lane.judge(
      {
        id: "c-1",
        holder: "cloud",
        asset: "chiller-1",
        action: { kind: "set-point", point: "supply-temperature-setpoint", value },
        priority: 4,
        sequence: 1,
        leaseMs: 0,
        notAfter: monotonicMs(1_000),
        receivedUtc: UTC,
        ...rest,
      },
      sight(now),
    );
  return { lane, ask, sight };
}

const stages = (steps: readonly CommandStep[]) => steps.map((step) => step.stage);
const lastOf = (steps: readonly CommandStep[]) => steps.at(-1)!;

function reportOf(
  result: WriteReport["result"],
  readBack?: ReadBack,
  reason?: string,
): WriteReport {
  return { point: CHILLER_SUPPLY, value: 18, result, reason, readBack };
}

describe("direct lane", () => {
  it("lets a write through at once, with its read-back asked for", () => {
    const verdict = start().ask(18);
    assert.deepEqual(stages(verdict.steps), ["received", "accepted"]);
    assert.ok(verdict.kind === "write");
    assert.deepEqual(verdict.write.setpoint, {
      point: CHILLER_SUPPLY,
      value: 18,
      confirm: "read-back",
    });
  });

  it("clamps to the same envelope as the cycle and says so", () => {
    const verdict = start().ask(30);
    assert.equal(verdict.kind, "write");
    assert.deepEqual(stages(verdict.steps), ["received", "clamped"]);
    const step = lastOf(verdict.steps);
    assert.deepEqual([step.requested, step.applied, step.reason], [30, 24, "range"]);
  });

  it("counts what it lets through as sent", () => {
    const { ask } = start();
    ask(18);
    const second = ask(19, {}, 100);
    assert.equal(lastOf(second.steps).reason, "too-soon");
  });

  const refusals: readonly (readonly [string, Partial<Command>, string])[] = [
    ["a point without an envelope", { asset: "ups-1" }, "read-only"],
    [
      "what control drives",
      { asset: "bess-1", action: { kind: "set-point", point: "active-power-setpoint", value: 1 } },
      "owned-by-control",
    ],
    [
      "a power of an asset that control does not drive",
      { action: { kind: "set-power", powerW: 1, rampWPerS: undefined } },
      "not-driven-by-control",
    ],
    ["a release of nothing", { action: { kind: "release" } }, "not-driven-by-control"],
    ...["run-command", "alarm-reset"].map(
      (point) =>
        [
          `${point} of a driven unit`,
          { asset: "bess-1", action: { kind: "set-point", point, value: 1 } },
          "owned-by-control",
        ] as const,
    ),
    [
      "a value that is no number",
      {
        action: {
          kind: "set-point",
          point: "supply-temperature-setpoint",
          value: Number.NaN,
        },
      },
      "not-a-number",
    ],
  ];
  for (const [name, rest, reason] of refusals) {
    it(`refuses ${name}`, () => {
      const verdict = start().ask(18, rest);
      assert.equal(verdict.kind, "refused");
      assert.deepEqual(stages(verdict.steps), ["received", "refused"]);
      assert.equal(lastOf(verdict.steps).reason, reason);
      assert.ok(lastOf(verdict.steps).final);
    });
  }

  it("lets other points of a driven unit be written", () => {
    const verdict = start().ask(1, {
      asset: "bess-1",
      action: { kind: "set-point", point: "x-lamp", value: 1 },
    });
    assert.ok(verdict.kind === "write");
    assert.equal(verdict.write.setpoint.point, LAMP);
  });

  it("does not execute what comes too late", () => {
    const verdict = start().ask(18, {}, 1_001);
    assert.deepEqual(stages(verdict.steps), ["received", "expired"]);
    assert.equal(verdict.kind, "refused");
  });

  const outcomes: readonly (readonly [string, WriteReport, readonly string[], string?])[] = [
    [
      "an applied write waits for its effect",
      reportOf("accepted", { result: "applied", value: 18 }),
      ["written", "read-back"],
    ],
    [
      "a device that acknowledges and ignores differs",
      reportOf("accepted", { result: "differs", value: 16 }),
      ["written", "read-back", "refused"],
      "read-back-differs",
    ],
    ["an unconfirmed write waits for its effect", reportOf("accepted"), ["written"]],
    [
      "a refusal is told with its code",
      reportOf("refused", undefined, "DEVICE_EXCEPTION"),
      ["refused"],
      "DEVICE_EXCEPTION",
    ],
    ["a refusal without a code is one", reportOf("refused"), ["refused"], "device-refused"],
    ["a lost answer is unknown", reportOf("unknown"), ["unknown"], "no-answer"],
    [
      "a lost answer that was read back is not lost",
      reportOf("unknown", { result: "applied", value: 18 }, "LINK_TIMEOUT"),
      ["written", "read-back"],
    ],
    [
      "a lost answer that cannot be read keeps its reason",
      reportOf("unknown", { result: "unconfirmed" }, "LINK_TIMEOUT"),
      ["unknown"],
      "LINK_TIMEOUT",
    ],
  ];
  for (const [name, report, expected, reason] of outcomes) {
    it(name, () => {
      const { lane, ask } = start();
      const verdict = ask(18);
      assert.ok(verdict.kind === "write");
      const steps = lane.outcomeSteps(verdict.write, report, UTC);
      assert.deepEqual(stages(steps), expected);
      if (reason !== undefined) assert.equal(lastOf(steps).reason, reason);
    });
  }

  it("ends with the measured effect", () => {
    const { lane, ask, sight } = start();
    const verdict = ask(18);
    assert.ok(verdict.kind === "write");
    const steps = lane.effectSteps(verdict.write, sight(1_000));
    assert.deepEqual(stages(steps), ["effect", "done"]);
    assert.equal(lastOf(steps).measured, 17.5);
    const blind = lane.effectSteps(verdict.write, sight(9_999));
    assert.deepEqual(stages(blind), ["unknown"]);
  });

  it("ends with the read-back where nothing shows the effect", () => {
    const { lane, ask, sight } = start();
    const action = { kind: "set-point", point: "x-lamp", value: 1 } as const;
    const verdict = ask(1, { asset: "bess-1", action });
    assert.ok(verdict.kind === "write");
    const outcome = (report: WriteReport) => stages(lane.outcomeSteps(verdict.write, report, UTC));
    assert.deepEqual(outcome(reportOf("accepted", { result: "applied", value: 1 })), [
      "written",
      "read-back",
      "done",
    ]);
    assert.deepEqual(outcome(reportOf("accepted", { result: "unconfirmed" })), [
      "written",
      "unknown",
    ]);
    assert.deepEqual(lane.effectSteps(verdict.write, sight(0)), []);
  });
});
