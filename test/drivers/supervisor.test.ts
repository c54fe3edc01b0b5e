import { strict as assert } from "node:assert";
import { GatewayError } from "../../src/domain/errors.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import {
  deviceId,
  type DeviceDefinition,
  pointId,
  pointIndex,
  type PointDefinition,
  streamId,
} from "../../src/domain/point.ts";
import { qualityName } from "../../src/domain/quality.ts";
import type { Reading, Round } from "../../src/domain/round.ts";
import type { Driver, EmitReading } from "../../src/drivers/driver.ts";
import { staggeredPhases, superviseFleet } from "../../src/drivers/fleet.ts";
import {
  superviseDevice,
  SUPERVISOR_LIMITS,
  type SupervisorLimits,
} from "../../src/drivers/supervisor.ts";
import { SimClock } from "../support/sim-clock.ts";

const FIRST_POINT = 40;
const POLL_MS = 100;

const DEVICE: DeviceDefinition = {
  stream: streamId(3),
  id: deviceId("meter-1"),
  deviceClass: "meter",
  profile: "test/meter",
  producer: "field",
  firstPoint: FIRST_POINT,
  pointCount: 3,
};

function definition(position: number, everyMs: number | undefined): PointDefinition {
  return {
    index: pointIndex(FIRST_POINT + position),
    id: pointId(`meter-1/x-${position}`),
    device: DEVICE.id,
    name: `x-${position}`,
    field: `x_${position}`,
    type: "float",
    unit: undefined,
    texts: undefined,
    range: undefined,
    writable: false,
    readable: true,
    everyMs,
  };
}

/** A driver that does as the test says. */
class FakeDriver implements Driver {
  readonly #clock: SimClock;
  readonly startedAt: number[] = [];
  /** Points that a poll brings, by position. */
  polled = [0, 1];
  quality = 0;
  failure: GatewayError | undefined;
  isMute = false;
  isHistory = false;
  /** What the supervisor answered to each reading. */
  readonly numbers: number[] = [];

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  async run(emit: EmitReading, signal: AbortSignal): Promise<void> {
    this.startedAt.push(this.#clock.now());
    try {
      while (!signal.aborted) {
        if (this.failure !== undefined) throw this.failure;
        if (!this.isMute) this.numbers.push(emit(this.#reading()));
        await this.#clock.sleep(POLL_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async write(): Promise<never> {
    return Promise.reject(new Error("not used"));
  }

  #reading(): Reading {
    return {
      points: Uint32Array.from(this.polled, (position) => FIRST_POINT + position),
      values: new Float64Array(this.polled.length).fill(this.quality === 0 ? 5 : Number.NaN),
      quality: new Uint8Array(this.polled.length).fill(this.quality),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: this.#clock.now(),
      receivedUtc: this.#clock.utcNow(),
      ...(this.isHistory ? { isHistory: true } : {}),
    };
  }
}

interface Given {
  readonly at: number;
  readonly seq: number;
  readonly points: Record<number, string>;
  readonly sourceTimes: (number | undefined)[] | undefined;
}

const POINTS = [definition(0, POLL_MS), definition(1, POLL_MS), definition(2, undefined)];

function start(
  prepare: (driver: FakeDriver) => void = () => undefined,
  limits: Partial<SupervisorLimits> = {},
) {
  const clock = new SimClock();
  const driver = new FakeDriver(clock);
  prepare(driver);
  const rounds: Given[] = [];
  const events: PlantEvent[] = [];
  const stop = new AbortController();
  const epochUtc = clock.utcNow();
  const emit = (round: Round) => {
    assert.equal(round.stream, 3);
    const given: Record<number, string> = {};
    round.points.forEach((index, at) => {
      given[index - FIRST_POINT] = qualityName(round.quality[at] ?? 0);
    });
    const sourceTimes =
      round.sourceTimes &&
      Array.from(round.sourceTimes, (time) => (Number.isNaN(time) ? undefined : time - epochUtc));
    rounds.push({ at: round.receivedAt, seq: round.seq, points: given, sourceTimes });
  };
  const done = superviseDevice(
    {
      driver,
      device: DEVICE,
      points: POINTS,
      clock,
      random: () => 0.5,
      emit,
      onEvent: (event) => events.push(event),
      limits: { ...SUPERVISOR_LIMITS, ...limits },
    },
    stop.signal,
  );
  const finish = async () => {
    stop.abort();
    await done;
  };
  return { clock, driver, rounds, events, stop, done, finish };
}

describe("a supervisor and what is history", () => {
  it("numbers it like any round, and tells the driver the number", async () => {
    const { clock, driver, rounds, finish } = start();
    await clock.advance(3 * POLL_MS);
    assert.deepEqual(
      driver.numbers,
      rounds.map(({ seq }) => seq),
    );
    await finish();
  });

  it("does not take it for a sign of life", async () => {
    const { clock, driver, rounds, finish } = start();
    await clock.advance(2 * POLL_MS);
    driver.isHistory = true;
    await clock.advance(10 * POLL_MS);
    const marks = rounds.filter(({ points }) => points[0] === "bad/no-communication");
    assert.ok(marks.length > 0, "silent although history comes");
    await finish();
  });
});

function fails(driver: FakeDriver): void {
  driver.failure = LOST;
}

const LOST = new GatewayError("LINK_TIMEOUT", { timeoutMs: 500 });
const NO_COMMUNICATION = "bad/no-communication";

describe("supervisor", () => {
  it("numbers the rounds of a device without a gap from 1, whatever made them", async () => {
    const { clock, driver, rounds, finish } = start();
    await clock.advance(250);
    driver.failure = LOST;
    await clock.advance(1_000);
    driver.failure = undefined;
    await clock.advance(20_000);
    assert.deepEqual(
      rounds.map(({ seq }) => seq),
      rounds.map((_, at) => at + 1),
    );
    assert.ok(rounds.length > 100);
    await finish();
  });

  it("makes every point bad as soon as the driver fails, and keeps when it was last good", async () => {
    const { clock, driver, rounds, events, finish } = start();
    await clock.advance(150);
    driver.failure = LOST;
    await clock.advance(50);
    const last = rounds.at(-1);
    assert.deepEqual(last, {
      at: 200,
      seq: 3,
      points: { 0: NO_COMMUNICATION, 1: NO_COMMUNICATION },
      sourceTimes: [100, 100],
    });
    assert.deepEqual(
      events.map(({ id, phase, device }) => [id, phase, device]),
      [["no-communication", "raised", "meter-1"]],
    );
    await finish();
  });

  it("tries again, and says when the device is back", async () => {
    const { clock, driver, rounds, events, finish } = start();
    await clock.advance(50);
    driver.failure = LOST;
    await clock.advance(100);
    driver.failure = undefined;
    await clock.advance(500);
    assert.deepEqual(driver.startedAt, [0, 500]);
    assert.deepEqual(rounds.at(-1)?.points, { 0: "good", 1: "good" });
    assert.deepEqual(
      events.map(({ phase, at }) => [phase, at - Date.UTC(2026, 0, 1)]),
      [
        ["raised", 100],
        ["cleared", 500],
      ],
    );
    await finish();
  });

  it("waits longer after each failure, never longer than its limit, and begins anew after a success", async () => {
    const { clock, driver, finish } = start(fails);
    await clock.advance(60_000);
    const waits = driver.startedAt.slice(1).map((at, index) => at - driver.startedAt[index]!);
    assert.deepEqual(waits.slice(0, 4), [400, 700, 1_150, 1_825]);
    assert.ok(waits.every((ms) => ms <= 10_000));
    assert.ok(waits.at(-1)! > 9_000);
    driver.failure = undefined;
    await clock.advance(12_000);
    driver.failure = LOST;
    await clock.advance(450);
    driver.failure = undefined;
    await clock.advance(100);
    const [before, after] = driver.startedAt.slice(-2);
    assert.ok(after! - before! > 400);
    await finish();
  });

  it("leaves a shared bus to the others while its device is silent", async () => {
    const { clock, driver, finish } = start(fails, { busShare: 0.1 });
    await clock.advance(10_000);
    const waits = driver.startedAt.slice(1).map((at, index) => at - driver.startedAt[index]!);
    assert.ok(
      waits.every((ms) => ms >= 4_500),
      waits.join(),
    );
    await finish();
  });

  it("makes points bad within two polls when the driver says nothing at all", async () => {
    const { clock, driver, rounds, events, finish } = start();
    await clock.advance(250);
    driver.isMute = true;
    await clock.advance(150);
    assert.equal(rounds.length, 3, "the last reading is not yet two polls old");
    await clock.advance(20);
    assert.deepEqual(rounds.at(-1), {
      at: 410,
      seq: 4,
      points: { 0: NO_COMMUNICATION, 1: NO_COMMUNICATION },
      sourceTimes: [200, 200],
    });
    await clock.advance(5_000);
    assert.equal(rounds.length, 4, "it is said once");
    driver.isMute = false;
    await clock.advance(100);
    assert.deepEqual(rounds.at(-1)?.points, { 0: "good", 1: "good" });
    assert.deepEqual(
      events.map(({ phase }) => phase),
      ["raised", "cleared"],
    );
    await finish();
  });

  it("makes points bad at their maximum age where that comes before two polls", async () => {
    const { clock, driver, rounds, finish } = start(() => undefined, { maxAgeMs: 150 });
    await clock.advance(150);
    driver.isMute = true;
    rounds.length = 0;
    await clock.advance(300);
    const [silent] = rounds;
    assert.equal(silent?.at, 250, "the last reading was at 100");
    assert.deepEqual(Object.keys(silent.points), ["0", "1"]);
    await finish();
  });

  it("makes only those points bad that get no reading", async () => {
    const { clock, driver, rounds, events, finish } = start();
    await clock.advance(50);
    driver.polled = [0];
    await clock.advance(300);
    const bad = rounds.filter(({ points }) => points[1] === NO_COMMUNICATION);
    assert.deepEqual(
      bad.map(({ at, points }) => [at, Object.keys(points)]),
      [[210, ["1"]]],
    );
    assert.deepEqual(rounds.at(-1)?.points, { 0: "good" });
    assert.equal(events.length, 0, "people are told of a silence that lasts");
    await clock.advance(400);
    assert.equal(events.length, 1);
    await finish();
  });

  it("marks a poll that is late once, and bothers nobody with it", async () => {
    const { clock, driver, rounds, events, finish } = start();
    await clock.advance(250);
    driver.isMute = true;
    await clock.advance(200);
    driver.isMute = false;
    await clock.advance(2_000);
    assert.equal(rounds.filter(({ points }) => points[0] === NO_COMMUNICATION).length, 1);
    assert.deepEqual(events, []);
    await finish();
  });

  it("says that a device was never heard", async () => {
    const { clock, rounds, finish } = start((driver) => (driver.isMute = true));
    await clock.advance(300);
    assert.deepEqual(rounds, [
      {
        at: 210,
        seq: 1,
        points: { 0: NO_COMMUNICATION, 1: NO_COMMUNICATION },
        sourceTimes: [undefined, undefined],
      },
    ]);
    await finish();
  });

  it("tells when a value that the device calls bad was last good", async () => {
    const { clock, driver, rounds, finish } = start();
    await clock.advance(150);
    driver.quality = 66;
    await clock.advance(200);
    assert.deepEqual(rounds.at(-1), {
      at: 300,
      seq: 4,
      points: { 0: "bad/device-exception", 1: "bad/device-exception" },
      sourceTimes: [100, 100],
    });
    assert.equal(rounds[0]?.sourceTimes, undefined);
    await finish();
  });

  it("loses what is read once per connection with the device, and gets it back", async () => {
    const { clock, driver, rounds, finish } = start((given) => (given.polled = [0, 1, 2]));
    await clock.advance(50);
    driver.polled = [0, 1];
    await clock.advance(5_000);
    assert.ok(rounds.every(({ points }) => points[2] !== NO_COMMUNICATION));
    driver.failure = LOST;
    await clock.advance(100);
    assert.equal(rounds.at(-1)?.points[2], NO_COMMUNICATION);
    await finish();
  });

  it("gives the bad round again now and then while the device is down", async () => {
    const { clock, rounds, finish } = start(fails);
    await clock.advance(60_000);
    const gaps = rounds.slice(1).map(({ at }, index) => at - rounds[index]!.at);
    assert.ok(
      gaps.every((ms) => ms <= 10_000),
      gaps.join(),
    );
    await finish();
  });

  it("calls the points of a wrong device a matter of configuration", async () => {
    const { clock, rounds, finish } = start((driver) => {
      driver.failure = new GatewayError("DEVICE_MISMATCH");
    });
    await clock.advance(10);
    assert.deepEqual(rounds[0]?.points, { 0: "bad/configuration", 1: "bad/configuration" });
    await finish();
  });

  it("does not hide our own mistakes", async () => {
    const broken = start((driver) => {
      driver.failure = new TypeError("a bug") as unknown as GatewayError;
    });
    const failed = assert.rejects(broken.done, /a bug/);
    await broken.clock.advance(10);
    await failed;
  });

  it("takes a driver that ends by itself for our own mistake", async () => {
    const clock = new SimClock();
    const driver = { run: async () => Promise.resolve(), write: async () => Promise.resolve([]) };
    const options = {
      driver,
      device: DEVICE,
      points: [],
      clock,
      random: () => 0,
      emit: () => undefined,
      onEvent: () => undefined,
      limits: SUPERVISOR_LIMITS,
    };
    const { signal } = new AbortController();
    await assert.rejects(superviseDevice(options, signal), { name: "AssertionError" });
  });
});

describe("fleet", () => {
  it("spreads the devices of one period evenly over it", () => {
    assert.deepEqual(staggeredPhases([1_000, 1_000, 100, 1_000, 1_000]), [0, 250, 0, 500, 750]);
    assert.deepEqual(staggeredPhases([]), []);
  });

  it("has devices share a turn where there are more of them than turns of 50 ms", () => {
    const phases = staggeredPhases(new Array<number>(80).fill(1_000));
    const sizes = new Map<number, number>();
    for (const phaseMs of phases) sizes.set(phaseMs, (sizes.get(phaseMs) ?? 0) + 1);
    assert.deepEqual(
      [...sizes],
      Array.from({ length: 20 }, (_, turn) => [turn * 50, 4]),
    );
  });

  function fleet(count: number) {
    const clock = new SimClock();
    const drivers: FakeDriver[] = [];
    const phases: number[] = [];
    const rounds: Round[] = [];
    const members = Array.from({ length: count }, (_, at) => ({
      device: { ...DEVICE, stream: streamId(at), id: deviceId(`meter-${at}`) },
      points: [definition(0, POLL_MS), definition(1, POLL_MS)],
      limits: SUPERVISOR_LIMITS,
      periodMs: POLL_MS,
      makeDriver: (phaseMs: number) => {
        phases.push(phaseMs);
        const driver = new FakeDriver(clock);
        drivers.push(driver);
        return driver;
      },
    }));
    const stop = new AbortController();
    const context = {
      clock,
      random: () => 0.5,
      emit: (round: Round) => rounds.push(round),
      onEvent: () => undefined,
    };
    const done = superviseFleet(members, context, stop.signal);
    return { clock, drivers, phases, rounds, stop, done };
  }

  it("starts each device in its phase, and one that is lost disturbs no other", async () => {
    const { clock, drivers, phases, rounds, stop, done } = fleet(4);
    await clock.advance(1_000);
    assert.deepEqual(phases, [0, 0, 50, 50]);
    assert.deepEqual(
      drivers.map(({ startedAt }) => startedAt),
      [[0], [0], [50], [50]],
    );
    drivers[1]!.failure = LOST;
    rounds.length = 0;
    await clock.advance(10_000);
    for (const stream of [0, 2, 3]) {
      const times = rounds
        .filter((round) => round.stream === stream)
        .map((round) => round.receivedAt);
      const periods = times.slice(1).map((at, index) => at - times[index]!);
      assert.ok(periods.every((ms) => ms === POLL_MS));
    }
    stop.abort();
    await done;
  });

  it("stops all devices when one has a bug, and tells it", async () => {
    const { clock, drivers, done } = fleet(3);
    const failed = assert.rejects(done, /a bug/);
    await clock.advance(500);
    drivers[1]!.failure = new TypeError("a bug") as unknown as GatewayError;
    await clock.advance(500);
    await failed;
  });

  it("starts nothing when it is told to stop before", async () => {
    const stop = new AbortController();
    stop.abort();
    const clock = new SimClock();
    const context = { clock, random: () => 0, emit: () => undefined, onEvent: () => undefined };
    await superviseFleet([], context, stop.signal);
  });
});
