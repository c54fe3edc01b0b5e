import { strict as assert } from "node:assert";
import { CycleGrid } from "../../src/app/cycle-grid.ts";
import { CycleRunner } from "../../src/app/cycle-runner.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { ModbusDriver } from "../../src/drivers/modbus/driver.ts";
import { FakeLink } from "../drivers/modbus/fake-link.ts";
import { point, profile } from "../support/profile-builder.ts";
import { SimClock } from "../support/sim-clock.ts";

const METER_MS = 49.99;
const METER_PHASE_MS = 17;
const SECONDS = 120;
const SETTLED_S = 40;

/** A meter with a clock of its own, its driver and the cycle, for two minutes. */
async function run(isLocked: boolean, latencyMs: (now: number) => number = () => 2) {
  const clock = new SimClock();
  const link = new FakeLink(clock);
  const grid = new CycleGrid(monotonicMs(100), 50);
  const renewals = (): number => Math.floor((clock.now() - METER_PHASE_MS) / METER_MS);
  link.onRead = () => {
    link.registers[0] = renewals();
    link.latencyMs = latencyMs(clock.now());
    return undefined;
  };
  link.latencyMs = 2;
  const driver = new ModbusDriver({
    profile: profile([point(0)], { groups: [{ name: "fast", everyMs: 50, phaseMs: 0 }] }),
    firstPoint: 0,
    unitId: 1,
    link,
    clock,
    align: grid,
    ...(isLocked
      ? {
          onCycleShift: (shiftMs: number) => {
            grid.want(shiftMs);
          },
        }
      : {}),
  });
  let shown = 0;
  const ages: number[] = [];
  const starts: number[] = [];
  const runner = new CycleRunner({
    clock,
    timer: {
      waitUntil: async (deadline, signal) =>
        clock.sleep(Math.max(0, deadline - clock.now()), signal),
    },
    grid,
    act: (now) => {
      starts.push(now);
      if (now > SETTLED_S * 1_000) ages.push(now - (METER_PHASE_MS + shown * METER_MS));
    },
  });
  const stop = new AbortController();
  const running = Promise.all([
    driver.run((reading) => {
      shown = reading.values[0] ?? 0;
    }, stop.signal),
    runner.run(stop.signal),
  ]);
  await clock.advance(SECONDS * 1_000);
  const { phase } = driver;
  stop.abort();
  await clock.advance(100);
  await running;
  return { ages, starts, runner, phase };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("cycles that follow a meter", () => {
  it("begin when its new values have just been read", async () => {
    const { ages, runner, phase } = await run(true);
    assert.equal(phase, "locked");
    assert.ok(mean(ages) < 7, `${mean(ages)} ms old on average: 3 ms of it is the lead`);
    assert.equal(runner.overruns, 0);
  });

  it("would else begin with values half a period older", async () => {
    const { ages, starts, phase } = await run(false);
    assert.equal(phase, undefined);
    assert.ok(mean(ages) > 25, `${mean(ages)} ms old on average`);
    assert.ok(starts.every((start) => (start - 100) % 50 === 0));
  });

  it("are never shorter or longer than their period by more than a millisecond", async () => {
    const { starts } = await run(true);
    for (const [at, start] of starts.entries()) {
      const before = starts[at - 1] ?? start - 50;
      assert.ok(Math.abs(start - before - 50) <= 1 + 1e-9, `${start - before} ms`);
    }
  });

  it("move when reads take longer, so that the reads stay where they were", async () => {
    const slowerMs = (now: number): number => (now > 60_000 ? 9 : 2);
    const { ages, phase } = await run(true, slowerMs);
    assert.equal(phase, "locked");
    assert.ok(mean(ages.slice(-600)) < 16, `${mean(ages.slice(-600))} ms: 10 ms of it is the lead`);
  });
});
