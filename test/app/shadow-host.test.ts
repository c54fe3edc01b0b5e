import { strict as assert } from "node:assert";
import { durationMs, shadowLines } from "../../src/app/commands/shadow.ts";
import { ARMED_MS_MAX, ShadowHost } from "../../src/app/shadow-host.ts";
import { parseShadowOrder } from "../../src/app/shadow-requests.ts";
import { cycle } from "../../src/control/cycle.ts";
import type { CycleInputs } from "../../src/control/exchange.ts";
import { handedOver } from "../../src/control/handover.ts";
import { createControl } from "../../src/control/state.ts";
import type { Command, CommandStep } from "../../src/domain/command.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import { MW, pointCountOf, testPlan } from "../support/plant-plan.ts";
import { SimClock } from "../support/sim-clock.ts";

const PERIOD_MS = 50;

/** A control and its shadow, cycle by cycle; the cycle of control takes as long as a test says. */
class Pair {
  readonly clock = new SimClock();
  readonly events: PlantEvent[] = [];
  readonly steps: CommandStep[] = [];
  readonly image = new PointImage(pointCountOf(2));
  real = createControl(testPlan(), { now: monotonicMs(0), latches: undefined });
  readonly host = new ShadowHost({
    plan: testPlan({ peakCapW: 20 * MW }),
    clock: this.clock,
    device: "gateway-control",
    desk: undefined,
    onEvent: (event) => this.events.push(event),
    onStep: (step) => this.steps.push(step),
  });

  async turn(tookMs = 0, commands: readonly Command[] = []): Promise<void> {
    await this.clock.advance(PERIOD_MS);
    this.image.take();
    const inputs: CycleInputs = {
      now: this.clock.now(),
      utc: this.clock.utcNow(),
      view: this.image.view,
      commands,
      orders: [],
      outcomes: [],
    };
    cycle(this.real, inputs);
    await this.clock.advance(tookMs);
    this.real = this.host.afterCycle(this.real, inputs);
  }

  command(value: number, changes: Partial<Command> = {}): Command {
    return {
      id: `c-${this.clock.now()}`,
      holder: "grid",
      asset: "gateway-control",
      action: { kind: "set-point", point: "x-shadow", value },
      priority: 4,
      sequence: 1,
      leaseMs: 60_000,
      notAfter: monotonicMs(this.clock.now() + 5_000),
      receivedUtc: utcMs(0),
      ...changes,
    };
  }

  report() {
    const { report } = this.host.order({ kind: "report" });
    assert.ok(report !== undefined);
    return report;
  }
}

describe("shadow host", () => {
  it("is left out where the cycle took most of its period, and counts that", async () => {
    const pair = new Pair();
    await pair.turn(10);
    await pair.turn(30);
    await pair.turn(49);
    await pair.turn();
    assert.deepEqual([pair.report().cycles, pair.report().skipped], [2, 2]);
  });

  it("gives a command that came in a cycle that was left out to the next one", async () => {
    const pair = new Pair();
    const lease = pair.command(0, {
      asset: "bess-1",
      action: { kind: "set-power", powerW: MW, rampWPerS: undefined },
    });
    await pair.turn(40, [lease]);
    await pair.turn();
    // No unit is heard here, so its answer is a refusal; the answer is what shows that it came.
    assert.equal(pair.report().skipped, 1);
    assert.equal(pair.report().cycles, 1);
  });

  it("answers a command by what people at the box allow", async () => {
    const pair = new Pair();
    await pair.turn();
    const ends = (command: Command): string => {
      pair.host.take(command, pair.real);
      const { stage, reason = "" } = pair.steps.at(-1)!;
      return `${stage} ${reason}`.trim();
    };
    assert.equal(ends(pair.command(1)), "refused not-armed-at-the-box");
    assert.equal(ends(pair.command(2)), "refused out-of-envelope");
    assert.equal(ends(pair.command(0)), "done", "to end it needs nobody at the box");
    const late = { notAfter: monotonicMs(pair.clock.now() - 1) };
    assert.equal(ends(pair.command(1, late)), "refused too-late");
    const other = { action: { kind: "set-point", point: "x-other", value: 1 } } as const;
    assert.equal(ends(pair.command(1, other)), "refused read-only");
    assert.equal(pair.host.order({ kind: "arm", forMs: 60_000, by: "" }).reason, "name-needed");
    assert.equal(
      pair.host.order({ kind: "arm", forMs: ARMED_MS_MAX + 1, by: "anna" }).reason,
      "not-that-long",
    );
    assert.equal(pair.host.order({ kind: "arm", forMs: 60_000, by: "anna" }).result, "done");
    assert.equal(ends(pair.command(1)), "done");
    await pair.turn();
    assert.equal(pair.events.at(-1)?.id, "shadow-writes");
    assert.match(pair.events.at(-1)?.text ?? "", /grid and anna/);
    assert.equal(pair.real.plan.grid.peakCapW, 20 * MW);
  });

  it("reads what comes over the socket, and nothing else", () => {
    assert.deepEqual(parseShadowOrder({ kind: "report" }), { kind: "report" });
    const arm = { kind: "arm", forMs: 1_000, by: "anna" };
    assert.deepEqual(parseShadowOrder(arm), arm);
    for (const wrong of [
      undefined,
      {},
      { kind: "arm", by: "anna" },
      { kind: "arm", forMs: Number.NaN, by: "anna" },
      { kind: "disarm" },
      { kind: "write", by: "anna" },
      { kind: "disarm", by: "a".repeat(201) },
    ])
      assert.throws(() => parseShadowOrder(wrong), { code: "REQUEST_REFUSED" });
  });

  it("says for a person who writes, and what would have been otherwise", async () => {
    const pair = new Pair();
    await pair.turn();
    const lines = shadowLines(pair.host.order({ kind: "report" }));
    assert.match(lines[0]!, /the configured settings write; nobody at the box lets it write/);
    assert.ok(lines.some((line) => line.startsWith("bess-2")));
    for (const line of lines) assert.ok(line.length <= 100, line);
    const refused = pair.host.order({ kind: "arm", forMs: 1, by: "" });
    assert.deepEqual(shadowLines(refused), ["refused: say who allows it: --by name"]);
  });

  it("takes a time in seconds, minutes or hours", () => {
    assert.deepEqual(["90s", "30m", "2h"].map(durationMs), [90_000, 1_800_000, 7_200_000]);
    assert.deepEqual(
      ["", "30", "m", "-5m", "1d", "1.5h"].map(durationMs),
      Array(6).fill(undefined),
    );
  });
});

describe("handover", () => {
  const { grid } = testPlan({ rampWPerS: 0.05 * MW, importLimitW: 28 * MW });
  const sight = { plan: { grid }, grid: { loadW: 25 * MW }, elapsedMs: 1_000 };

  it("takes the difference away at the ramp, from either side, and then changes nothing", () => {
    for (const sign of [1, -1]) {
      const state = { handoverW: sign * 0.12 * MW };
      const left = [1, 2, 3, 4].map(() => Math.round(handedOver(state, sight, 5 * MW) - 5 * MW));
      assert.deepEqual(
        left.map((value) => value * sign + 0),
        [0.07 * MW, 0.02 * MW, 0, 0],
      );
    }
  });

  it("stays inside the limits of the connection", () => {
    const state = { handoverW: -12 * MW };
    assert.equal(handedOver(state, sight, 5 * MW), -3 * MW);
  });
});
