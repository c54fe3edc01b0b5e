import { strict as assert } from "node:assert";
import { qualityName } from "../../../src/domain/quality.ts";
import type { Reading } from "../../../src/domain/round.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { ModbusDriver, type ModbusDriverOptions } from "../../../src/drivers/modbus/driver.ts";
import type { BoundPoint, CompiledProfile } from "../../../src/profiles/binding.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { FakeLink, timedOut } from "./fake-link.ts";
import {
  conversion,
  facts,
  point,
  profile,
  readAt,
  scaleFactorAt,
} from "../../support/profile-builder.ts";

const FIRST_POINT = 1_000;

interface Seen {
  readonly at: number;
  readonly points: Record<number, number | string>;
}

/** What a reader would have kept: the arrays are the driver's. */
function copyOf(reading: Reading): Seen {
  const points: Record<number, number | string> = {};
  reading.points.forEach((index, at) => {
    const quality = reading.quality[at] ?? 0;
    const value = reading.texts?.get(at) ?? reading.values[at] ?? Number.NaN;
    points[index - FIRST_POINT] = quality === 0 ? value : qualityName(quality);
  });
  return { at: reading.receivedAt, points };
}

function start(device: CompiledProfile, changes: Partial<ModbusDriverOptions> = {}) {
  const clock = new SimClock();
  const link = new FakeLink(clock);
  const seen: Seen[] = [];
  const stop = new AbortController();
  const driver = new ModbusDriver({
    profile: device,
    firstPoint: FIRST_POINT,
    unitId: 1,
    link,
    clock,
    ...changes,
  });
  const run = async () => driver.run((reading) => seen.push(copyOf(reading)), stop.signal);
  return { clock, link, seen, stop, driver, run };
}

const TWO_GROUPS = {
  groups: [
    { name: "fast", everyMs: 100, phaseMs: 0 },
    { name: "slow", everyMs: 300, phaseMs: 0 },
    { name: "once", everyMs: 0, phaseMs: 0 },
  ],
};

function threePoints(): BoundPoint[] {
  return [point(0), point(1, { group: 1 }), point(2, { group: 2 })];
}

describe("modbus driver, polling", () => {
  it("reads all at once, then each group in its period, and what is due together as one", async () => {
    const { clock, link, seen, stop, run } = start(profile(threePoints(), TWO_GROUPS));
    const done = run();
    await clock.advance(600);
    assert.deepEqual(
      seen.map(({ at, points }) => [at, Object.keys(points).map(Number)]),
      [
        [0, [0, 1, 2]],
        [100, [0]],
        [200, [0]],
        [300, [0, 1]],
        [400, [0]],
        [500, [0]],
        [600, [0, 1]],
      ],
    );
    stop.abort();
    await done;
    assert.equal(link.log.at(-1), "close", "the link is released");
  });

  it("reads what is read once again after each connection", async () => {
    const { clock, link, seen, driver } = start(profile(threePoints(), TWO_GROUPS));
    for (let connection = 1; connection <= 2; connection += 1) {
      const stop = new AbortController();
      const done = driver.run((reading) => seen.push(copyOf(reading)), stop.signal);
      await clock.advance(40);
      stop.abort();
      await done;
    }
    assert.deepEqual(
      seen.map(({ points }) => Object.keys(points).length),
      [3, 3],
    );
    assert.equal(link.log.filter((line) => line === "open").length, 2);
    assert.equal(driver.counters.polls, 2);
  });

  it("keeps to absolute deadlines: what a poll takes does not add up", async () => {
    const { clock, link, seen, stop, run } = start(profile([point(0)]));
    link.latencyMs = 30;
    const done = run();
    await clock.advance(500);
    assert.deepEqual(
      seen.map(({ at }) => at),
      [30, 130, 230, 330, 430],
    );
    stop.abort();
    await done;
  });

  it("skips what it cannot reach, and counts it", async () => {
    const { clock, link, seen, stop, run, driver } = start(profile([point(0)]));
    const done = run();
    await clock.advance(50);
    link.latencyMs = 150;
    await clock.advance(650);
    assert.deepEqual(
      seen.map(({ at }) => at),
      [0, 250, 450, 650],
    );
    assert.equal(driver.counters.overruns, 3);
    assert.ok(driver.counters.duty > 0);
    stop.abort();
    await done;
  });

  it("takes the site's period, but none shorter than the device bears", async () => {
    const device = profile(threePoints(), {
      ...TWO_GROUPS,
      modbus: facts({ minimumPeriodMs: 50 }),
    });
    const { clock, seen, stop, run } = start(device, { pollMs: { fast: 20, default: 150 } });
    const done = run();
    await clock.advance(150);
    assert.deepEqual(
      seen.map(({ at }) => at),
      [0, 50, 100, 150],
    );
    assert.deepEqual(Object.keys(seen.at(-1)!.points), ["0", "1"]);
    stop.abort();
    await done;
  });

  it("shifts all its polls by its phase", async () => {
    const { clock, seen, stop, run } = start(profile([point(0)]), { phaseMs: 30 });
    const done = run();
    await clock.advance(250);
    assert.deepEqual(
      seen.map(({ at }) => at),
      [0, 30, 130, 230],
    );
    stop.abort();
    await done;
  });

  it("ends a poll just before each control cycle when it is told the cycle", async () => {
    const align = { originMs: monotonicMs(20), periodMs: 100 };
    const { clock, link, seen, stop, run, driver } = start(profile([point(0)]), { align });
    link.latencyMs = 8;
    const done = run();
    await clock.advance(3_020);
    assert.equal(driver.leadMs, 9, "p99 of the round trip and one millisecond");
    const lastCycles = seen.slice(-3).map(({ at }) => at);
    assert.deepEqual(lastCycles, [2_819, 2_919, 3_019]);
    stop.abort();
    await done;
    assert.equal(driver.leadMs, 0);
  });

  it("does not let a cycle wait for what it does not need", async () => {
    const align = { originMs: monotonicMs(20), periodMs: 100 };
    const points = [point(0), point(1, { group: 1, read: readAt(50) })];
    const { clock, link, seen, stop, run, driver } = start(profile(points, TWO_GROUPS), { align });
    link.latencyMs = 8;
    const done = run();
    await clock.advance(5_000);
    assert.equal(driver.leadMs, 9, "one request, although every third cycle has two");
    assert.equal(driver.counters.roundP99Ms, 8);
    assert.equal(driver.counters.lateRounds, 20, "only until it was learned");
    const slow = seen.filter(({ points: read }) => 1 in read && !(0 in read));
    assert.ok(slow.length > 10);
    assert.ok(slow.every(({ at }) => (at - 20) % 100 === 33));
    stop.abort();
    await done;
  });

  it("counts the rounds that came too late for their cycle, and begins the next ones earlier", async () => {
    const align = { originMs: monotonicMs(20), periodMs: 100 };
    const { clock, link, stop, run, driver } = start(profile([point(0)]), { align });
    const late = (): number => driver.counters.lateRounds;
    link.latencyMs = 2;
    const done = run();
    await clock.advance(3_020);
    assert.equal(driver.leadMs, 3);
    assert.equal(late(), 0);
    link.latencyMs = 12;
    await clock.advance(110);
    assert.equal(late(), 1);
    await clock.advance(10_000);
    assert.equal(driver.leadMs, 13);
    const untilLearned = late();
    assert.ok(untilLearned <= 34, `${untilLearned} rounds until it was learned`);
    await clock.advance(5_000);
    assert.equal(late(), untilLearned);
    stop.abort();
    await done;
  });

  it("gives up on a silent device after the first time-out and leaves the retry to others", async () => {
    const points = [point(0), point(1, { read: readAt(50) })];
    const { clock, link, seen, run, driver } = start(profile(points));
    const failed = assert.rejects(run(), { code: "LINK_TIMEOUT", retry: "transient" });
    await clock.advance(50);
    link.onRead = () => timedOut();
    const before = link.reads.length;
    await clock.advance(100);
    await failed;
    assert.equal(link.reads.length, before + 1, "the second request was not tried");
    assert.equal(link.log.at(-1), "close");
    assert.equal(seen.length, 1);
    assert.equal(driver.counters.timeouts, 1);
  });

  it("marks the points of a refused request and polls on", async () => {
    const points = [point(0), point(1, { read: readAt(50) }), point(2, { read: readAt(90) })];
    const device = profile(points, { modbus: facts({ exceptions: new Map([[4, "absent"]]) }) });
    const { clock, link, seen, stop, run, driver } = start(device);
    link.registers.set([7], 90);
    link.onRead = ({ address }) => (address === 0 ? 1 : address === 50 ? 4 : undefined);
    const done = run();
    await clock.advance(100);
    assert.deepEqual(seen.at(-1)?.points, {
      0: "bad/device-exception",
      1: "bad/not-implemented",
      2: 7,
    });
    assert.equal(driver.counters.exceptions, 4);
    stop.abort();
    await done;
  });

  it("asks again at the end of the round where an exception means later", async () => {
    const points = [point(0), point(1, { read: readAt(50) })];
    const exceptions = new Map([[6, "retry-later"]] as const);
    const { clock, link, seen, stop, run } = start(
      profile(points, { modbus: facts({ exceptions }) }),
    );
    let busy = 1;
    link.onRead = ({ address }) => (address === 0 && busy-- > 0 ? 6 : undefined);
    const done = run();
    await clock.advance(50);
    assert.deepEqual(seen[0]?.points, { 0: 0, 1: 0 });
    assert.deepEqual(link.log, ["open", "read 0+1", "read 50+1", "read 0+1"]);
    link.onRead = ({ address }) => (address === 0 ? 6 : undefined);
    await clock.advance(50);
    assert.deepEqual(seen[1]?.points, { 0: "bad/device-exception", 1: 0 });
    stop.abort();
    await done;
  });

  it("reads bits, texts and scaled values, and says what the device lacks", async () => {
    const points = [
      point(0, {
        type: "bool",
        read: readAt(3, { table: "coil", conversion: conversion({ raw: "bool" }) }),
      }),
      point(1, {
        type: "text",
        read: readAt(10, {
          count: 2,
          conversion: conversion({ raw: "string", string: { pad: "nul", byteOrder: "AB" } }),
        }),
      }),
      point(2, {
        read: readAt(20, {
          conversion: conversion({
            raw: "int16",
            sf: scaleFactorAt(22),
            absent: new Map([["8000", 68]]),
          }),
        }),
      }),
    ];
    const { clock, link, seen, stop, run } = start(profile(points));
    link.bits[3] = 1;
    link.registers.set([0x4142, 0x4300], 10);
    link.registers.set([0xfff6, 0, 0xffff], 20);
    const done = run();
    await clock.advance(50);
    assert.deepEqual(seen[0]?.points, { 0: 1, 1: "ABC", 2: -1 });
    link.registers.set([0x8000], 20);
    await clock.advance(50);
    assert.deepEqual(seen[1]?.points, { 0: 1, 1: "ABC", 2: "bad/not-available-pattern" });
    stop.abort();
    await done;
  });

  it("reads a static scale factor with the first round only, until it is known", async () => {
    const read = readAt(0, {
      conversion: conversion({ sf: scaleFactorAt(2, { isStatic: true }) }),
    });
    const { clock, link, seen, stop, run } = start(profile([point(0, { read })]));
    link.registers.set([5, 0, 3], 0);
    link.onRead = () => (link.reads.length === 1 ? 4 : undefined);
    const done = run();
    await clock.advance(300);
    assert.deepEqual(
      seen.map(({ points }) => points[0]),
      ["bad/device-exception", 5_000, 5_000, 5_000],
    );
    assert.deepEqual(link.log.slice(1, 5), ["read 0+3", "read 0+3", "read 0+3", "read 0+3"]);
    stop.abort();
    await done;
  });

  it("adds derived points to the rounds that bring one of their inputs", async () => {
    const points = [
      point(0),
      point(1, { group: 1 }),
      point(2, { read: undefined, group: undefined }),
      point(3, { read: undefined, group: undefined }),
    ];
    const derived = [
      { ordinal: 2, operation: { kind: "sum" as const, of: [0, 1] } },
      { ordinal: 3, operation: { kind: "scale" as const, of: 1, factor: 10, offset: 0 } },
    ];
    const { clock, link, seen, stop, run } = start(profile(points, { ...TWO_GROUPS, derived }));
    link.registers.set([5, 7], 0);
    const done = run();
    await clock.advance(50);
    link.registers.set([6, 8], 0);
    await clock.advance(50);
    assert.deepEqual(seen[0]?.points, { 0: 5, 1: 7, 2: 12, 3: 70 });
    assert.deepEqual(seen[1]?.points, { 0: 6, 2: 13 });
    stop.abort();
    await done;
  });

  it("opens and closes around each round where the device wants it", async () => {
    const device = profile([point(0)], { modbus: facts({ closeAfterRound: true }) });
    const { clock, link, stop, run } = start(device);
    const done = run();
    await clock.advance(100);
    assert.deepEqual(link.log, ["open", "read 0+1", "close", "open", "read 0+1", "close"]);
    stop.abort();
    await done;
  });

  it("stops without an error, also before it is connected", async () => {
    const { stop, run, link } = start(profile([point(0)]));
    stop.abort();
    await run();
    assert.deepEqual(link.reads, []);
  });
});

describe("modbus driver, illegal gaps", () => {
  const readable = new Map([["holding", [[0, 999]]]] as const);

  function scattered(addresses: readonly number[]) {
    const points = addresses.map((address, ordinal) => point(ordinal, { read: readAt(address) }));
    return start(profile(points, { modbus: facts({ readable }) }));
  }

  it("finds a hole by bisection, reads every legal point in the same round, and remembers", async () => {
    const addresses = [0, 10, 20, 30, 40, 50, 60, 70];
    const { clock, link, seen, stop, run, driver } = scattered(addresses);
    link.illegal.add(35);
    addresses.forEach((address, at) => (link.registers[address] = 100 + at));
    const done = run();
    await clock.advance(50);
    const all = Object.fromEntries(addresses.map((_, at) => [at, 100 + at]));
    assert.deepEqual(seen[0]?.points, all);
    assert.deepEqual(driver.gaps.entries, [
      { unit: 1, table: "holding", illegal: [[31, 39]], cuts: [] },
    ]);
    link.log.length = 0;
    await clock.advance(100);
    assert.deepEqual(link.log, ["read 0+31", "read 40+31"]);
    assert.deepEqual(seen[1]?.points, all);
    stop.abort();
    await done;
  });

  it("loses no legal point to any pattern of holes, in any round", async () => {
    const addresses = Array.from({ length: 60 }, (_, at) => at * 5);
    const { clock, link, seen, stop, run } = scattered(addresses);
    for (let at = 2; at < 300; at += 15) link.illegal.add(at);
    const done = run();
    await clock.advance(500);
    const rounds = seen.map(({ points }) => Object.values(points).filter((v) => v === 0).length);
    assert.equal(rounds[0], 60);
    assert.ok(
      rounds.every((good) => good === 60),
      rounds.join(),
    );
    link.log.length = 0;
    await clock.advance(100);
    assert.ok(link.log.length <= 25, `${link.log.length} requests for 20 holes`);
    stop.abort();
    await done;
  });

  it("spends a bounded number of requests on it, and has all legal points one round later", async () => {
    const addresses = Array.from({ length: 300 }, (_, at) => at * 3);
    const { clock, link, seen, stop, run } = scattered(addresses);
    for (let at = 1; at < 900; at += 3) link.illegal.add(at);
    const done = run();
    await clock.advance(50);
    assert.ok(link.reads.length < 280, `${link.reads.length} requests in the first round`);
    await clock.advance(100);
    const good = Object.values(seen[1]!.points).filter((value) => value === 0).length;
    assert.equal(good, 300);
    stop.abort();
    await done;
  });

  it("keeps a refused point from taking its neighbours along, and never splits a point", async () => {
    const points = [
      point(0, {
        read: readAt(0, { count: 2, conversion: conversion({ raw: "uint32", order: "ABCD" }) }),
      }),
      point(1, {
        read: readAt(2, { count: 2, conversion: conversion({ raw: "uint32", order: "ABCD" }) }),
      }),
      point(2, {
        read: readAt(4, { count: 2, conversion: conversion({ raw: "uint32", order: "ABCD" }) }),
      }),
    ];
    const { clock, link, seen, stop, run } = start(profile(points));
    link.illegal.add(3);
    const done = run();
    await clock.advance(100);
    for (const round of seen) {
      assert.deepEqual(round.points, { 0: 0, 1: "bad/device-exception", 2: 0 });
    }
    assert.ok(link.reads.every(({ address, count }) => address % 2 === 0 && count % 2 === 0));
    assert.deepEqual(link.log.slice(-3), ["read 0+2", "read 2+2", "read 4+2"]);
    stop.abort();
    await done;
  });

  it("starts with what was learned before", async () => {
    const gaps = {
      version: 1 as const,
      entries: [{ unit: 1, table: "holding" as const, illegal: [[1, 9]] as const, cuts: [] }],
    };
    const points = [point(0), point(1, { read: readAt(10) })];
    const { clock, link, stop, run } = start(profile(points, { modbus: facts({ readable }) }), {
      gaps,
    });
    const done = run();
    await clock.advance(10);
    assert.deepEqual(link.log, ["open", "read 0+1", "read 10+1"]);
    stop.abort();
    await done;
  });

  it("does the same for bits", async () => {
    const points = [0, 3, 9, 17].map((address, ordinal) =>
      point(ordinal, {
        type: "bool",
        read: readAt(address, { table: "discrete", conversion: conversion({ raw: "bool" }) }),
      }),
    );
    const bits = new Map([["discrete", [[0, 99]]]] as const);
    const { clock, link, seen, stop, run } = start(
      profile(points, { modbus: facts({ readable: bits }) }),
    );
    link.bits.set([1, 0, 0, 1], 0);
    link.bits[17] = 1;
    link.illegal.add(5);
    const done = run();
    await clock.advance(100);
    for (const { points: values } of seen) assert.deepEqual(values, { 0: 1, 1: 1, 2: 0, 3: 1 });
    assert.equal(seen.length, 2);
    stop.abort();
    await done;
  });
});

describe("modbus driver, SunSpec", () => {
  const chain = {
    bases: [40_000, 0],
    base: 40_000,
    models: [{ model: 1, address: 40_002, length: 4 }],
  };
  const points = [point(0, { read: readAt(40_004, { model: 1 }) })];

  function withChain(link: FakeLink, base: number, models: readonly (readonly [number, number])[]) {
    link.registers.set([0x5375, 0x6e53], base);
    let at = base + 2;
    for (const [model, length] of models) {
      link.registers.set([model, length], at);
      at += length + 2;
    }
    link.registers.set([0xffff, 0], at);
  }

  it("reads on when the models stand where the profile has them", async () => {
    const { clock, link, seen, stop, run } = start(profile(points, { sunspec: chain }));
    withChain(link, 40_000, [[1, 4]]);
    link.registers[40_004] = 77;
    const done = run();
    await clock.advance(10);
    assert.deepEqual(seen[0]?.points, { 0: 77 });
    stop.abort();
    await done;
  });

  it("follows the models to where they stand", async () => {
    const { clock, link, seen, stop, run } = start(profile(points, { sunspec: chain }));
    withChain(link, 0, [
      [9, 2],
      [1, 4],
    ]);
    link.registers[8] = 78;
    const done = run();
    await clock.advance(10);
    assert.deepEqual(seen[0]?.points, { 0: 78 });
    stop.abort();
    await done;
  });

  for (const [name, models] of [
    ["has no marker", undefined],
    ["lacks a model", [[7, 3]]],
  ] as const) {
    it(`refuses a device that ${name}`, async () => {
      const { link, run } = start(profile(points, { sunspec: chain }));
      if (models !== undefined) withChain(link, 0, models);
      await assert.rejects(run(), { code: "DEVICE_MISMATCH" });
      assert.equal(link.log.at(-1), "close");
    });
  }

  it("does not walk a chain that never ends", async () => {
    const { link, run } = start(profile(points, { sunspec: chain }));
    withChain(
      link,
      0,
      Array.from({ length: 300 }, () => [5, 0] as const),
    );
    await assert.rejects(run(), { code: "DEVICE_MISMATCH" });
    assert.ok(link.reads.length < 300);
  });
});
