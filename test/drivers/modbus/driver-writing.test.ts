import { strict as assert } from "node:assert";
import { GatewayError } from "../../../src/domain/errors.ts";
import { pointIndex } from "../../../src/domain/point.ts";
import type { Setpoint, WriteOutcome } from "../../../src/domain/write.ts";
import { ModbusDriver } from "../../../src/drivers/modbus/driver.ts";
import type {
  CompiledProfile,
  KeepAlive,
  RegisterPlace,
  WriteBinding,
} from "../../../src/profiles/binding.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { FakeLink, timedOut } from "./fake-link.ts";
import {
  conversion,
  facts,
  point,
  profile,
  readAt,
  scaleFactorAt,
  writeAt,
} from "../../support/profile-builder.ts";

const READ_BACK = { place: undefined, withinMs: 200, tolerance: 1 };

function place(address: number, changes: Partial<RegisterPlace> = {}): RegisterPlace {
  return { table: "holding", address, count: 1, unit: undefined, model: undefined, ...changes };
}

/** A device whose first point is written at register 0; the second one is polled. */
function device(write: Partial<WriteBinding>, changes: Partial<CompiledProfile> = {}) {
  const points = [
    point(0, { write: writeAt(0, write), access: "rw" }),
    point(1, { read: readAt(100), range: [0, 60_000] }),
  ];
  return profile(points, changes);
}

async function start(compiled: CompiledProfile) {
  const clock = new SimClock();
  const link = new FakeLink(clock);
  const stop = new AbortController();
  const driver = new ModbusDriver({ profile: compiled, firstPoint: 500, unitId: 1, link, clock });
  const done = driver.run(() => undefined, stop.signal);
  await clock.advance(10);
  link.log.length = 0;
  const setpoint = (value: number, confirm: Setpoint["confirm"] = "by-poll"): Setpoint => ({
    point: pointIndex(500),
    value,
    confirm,
  });
  /** Writes and lets so much time pass. */
  const write = async (value: number, confirm?: Setpoint["confirm"], ms = 0) => {
    const outcomes = driver.write([setpoint(value, confirm)], stop.signal);
    await clock.advance(ms);
    const [outcome] = await outcomes;
    assert.ok(outcome !== undefined);
    return outcome;
  };
  const finish = async () => {
    stop.abort();
    await done;
  };
  return { clock, link, stop, driver, done, setpoint, write, finish };
}

function errorOf(outcome: WriteOutcome): GatewayError {
  assert.ok(outcome.result !== "accepted", "the write was accepted");
  return outcome.error;
}

describe("modbus driver, writing", () => {
  it("writes at once, between two polls, and leaves the read-back of a cyclic setpoint to them", async () => {
    const { link, write, finish } = await start(device({ readBack: READ_BACK }));
    assert.deepEqual(await write(42), { result: "accepted", readBack: undefined });
    assert.deepEqual(link.log, ["write 6@0=42"]);
    assert.equal(link.writes[0]?.lane, "urgent");
    await finish();
  });

  it("reads back until the device shows the value", async () => {
    const { clock, link, driver, setpoint, stop, finish } = await start(
      device({ readBack: READ_BACK }),
    );
    link.onWrite = () => "ignore";
    const outcomes = driver.write([setpoint(42, "read-back")], stop.signal);
    await clock.advance(50);
    link.registers[0] = 41;
    await clock.advance(50);
    assert.deepEqual(await outcomes, [
      { result: "accepted", readBack: { result: "applied", value: 41 } },
    ]);
    await finish();
  });

  it("says that a device accepts and ignores", async () => {
    const { link, write, finish } = await start(device({ readBack: READ_BACK }));
    link.onWrite = () => "ignore";
    link.registers[0] = 7;
    assert.deepEqual(await write(42, "read-back", 250), {
      result: "accepted",
      readBack: { result: "differs", value: 7 },
    });
    await finish();
  });

  it("says that it cannot be seen what the device did", async () => {
    const { link, write, finish } = await start(device({ readBack: READ_BACK }));
    link.onRead = ({ lane }) => (lane === "urgent" ? 4 : undefined);
    assert.deepEqual(await write(42, "read-back", 250), {
      result: "accepted",
      readBack: { result: "unconfirmed" },
    });
    await finish();
    const blind = await start(device({}));
    const unseen = await blind.write(42, "read-back");
    assert.deepEqual(unseen, { result: "accepted", readBack: { result: "unconfirmed" } });
    await blind.finish();
  });

  it("reads back where the profile says", async () => {
    const readBack = { ...READ_BACK, place: place(30) };
    const { link, write, finish } = await start(
      device({ readBack, conversion: conversion({ scale: 10 }) }),
    );
    link.registers[30] = 5;
    assert.deepEqual(await write(50, "read-back"), {
      result: "accepted",
      readBack: { result: "applied", value: 50 },
    });
    assert.deepEqual(link.log, ["write 6@0=5", "read 30+1"]);
    await finish();
  });

  it("passes on a refusal of the device", async () => {
    const { link, write, finish } = await start(device({}));
    link.onWrite = () => 3;
    const outcome = await write(42);
    assert.equal(outcome.result, "refused");
    assert.equal(errorOf(outcome).code, "DEVICE_EXCEPTION");
    assert.equal(errorOf(outcome).context["exception"], 3);
    await finish();
  });

  it("answers a lost reply with 'unknown', and finds out by reading", async () => {
    const { link, write, finish } = await start(device({ readBack: READ_BACK }));
    link.onWrite = () => timedOut();
    link.registers[0] = 42;
    const outcome = await write(42, "read-back");
    assert.equal(outcome.result, "unknown");
    assert.deepEqual(outcome.readBack, { result: "applied", value: 42 });
    assert.equal(errorOf(outcome).code, "LINK_TIMEOUT");
    await finish();
  });

  it("answers 'refused' when the write never left", async () => {
    const { link, driver, setpoint, write, finish } = await start(device({}));
    link.onWrite = () => new GatewayError("LINK_BUSY", { sent: false });
    assert.equal((await write(42)).result, "refused");
    await finish();
    const [outcome] = await driver.write([setpoint(1)], new AbortController().signal);
    assert.equal(outcome?.result, "refused");
    assert.equal(errorOf(outcome).code, "LINK_LOST");
  });

  it("refuses what is out of range, before anything is sent", async () => {
    const { link, write, finish } = await start(
      device({ maximum: { kind: "point", ordinal: 1, sign: 1 }, exclude: [[10, 20]] }),
    );
    const outcome = await write(1);
    assert.equal(errorOf(outcome).context["reason"], "out-of-range", "the limit read is 0");
    assert.deepEqual(link.log, []);
    await finish();
  });

  it("takes a polled interlock for two and a half periods, as everybody takes a value", async () => {
    const interlocks = new Map([
      ["remote", { name: "remote", ordinal: 1, place: undefined, equals: 1 }],
    ]);
    const { clock, link, write, finish } = await start(
      device({ needs: ["remote"] }, { interlocks }),
    );
    link.registers[100] = 1;
    await clock.advance(95);
    // Read at 100; the next poll does not come back for long.
    link.latencyMs = 10_000;
    await clock.advance(195);
    link.latencyMs = 0;
    link.log.length = 0;
    await write(5);
    assert.deepEqual(link.log, ["write 6@0=5"], "200 ms old");
    await clock.advance(60);
    await write(6);
    assert.deepEqual(link.log, ["write 6@0=5", "read 100+1", "write 6@0=6"], "260 ms old");
    await finish();
  });

  it("writes only while its interlocks hold, read anew when they are old", async () => {
    const interlocks = new Map([
      ["remote", { name: "remote", ordinal: 1, place: undefined, equals: 1 }],
      [
        "no-emergency-stop",
        { name: "no-emergency-stop", ordinal: undefined, place: place(60), equals: 0 },
      ],
    ]);
    const { clock, link, write, finish } = await start(
      device({ needs: ["remote", "no-emergency-stop"] }, { interlocks }),
    );
    const refused = await write(5);
    assert.equal(errorOf(refused).code, "REQUEST_REFUSED");
    assert.equal(errorOf(refused).context["interlock"], "remote");
    link.registers[100] = 1;
    await clock.advance(100);
    link.log.length = 0;
    assert.equal((await write(5)).result, "accepted");
    assert.deepEqual(link.log, ["read 60+1", "write 6@0=5"], "the polled one is fresh");
    link.registers[60] = 1;
    assert.equal(errorOf(await write(6)).context["interlock"], "no-emergency-stop");
    assert.deepEqual(link.writes.length, 1);
    await finish();
  });

  it("does the steps around a write: once per connection, or each time", async () => {
    const steps = {
      before: [
        { ...place(70), raw: [0x1234], when: "session" as const },
        { ...place(71), raw: [1], when: "each" as const },
      ],
      after: [{ ...place(72, { count: 2 }), raw: [0, 9], when: "each" as const }],
    };
    const { link, write, finish } = await start(device(steps));
    await write(5);
    await write(6);
    assert.deepEqual(link.log, [
      "write 6@70=4660",
      "write 6@71=1",
      "write 6@0=5",
      "write 16@72=9",
      "write 6@71=1",
      "write 6@0=6",
      "write 16@72=9",
    ]);
    link.onWrite = ({ address }) => (address === 71 ? 4 : undefined);
    assert.equal((await write(7)).result, "refused");
    assert.equal(link.log.at(-1), "write 6@71=1", "the setpoint was not sent");
    link.onWrite = ({ address }) => (address === 72 ? timedOut() : undefined);
    assert.equal((await write(8)).result, "unknown");
    await finish();
  });

  it("writes copies, coils, masked bits and large numbers with the function of the profile", async () => {
    const cases: readonly (readonly [Partial<WriteBinding>, number, string[]])[] = [
      [{ copies: 2 }, 7, ["write 6@0=7", "write 6@1=7"]],
      [{ function: 16, copies: 2 }, 7, ["write 16@0=458759"]],
      [
        {
          function: 16,
          count: 2,
          conversion: conversion({ raw: "uint32", order: "ABCD" }),
          maximum: { kind: "fixed", value: 1e6 },
        },
        100_000,
        ["write 16@0=100000"],
      ],
      [
        { function: 5, table: "coil", conversion: conversion({ raw: "bool" }) },
        1,
        ["write 5@0=65280"],
      ],
      [
        { function: 15, table: "coil", conversion: conversion({ raw: "bool" }) },
        1,
        ["write 15@0=1"],
      ],
      [
        { function: 22, mask: 0x0030, conversion: conversion({ raw: "uint16", slice: [4, 2] }) },
        2,
        ["write 22@0=4291756064"],
      ],
    ];
    for (const [write, value, expected] of cases) {
      const running = await start(device(write));
      assert.equal((await running.write(value)).result, "accepted");
      assert.deepEqual(running.link.log, expected);
      await running.finish();
    }
  });

  it("sends each copy alone where the device takes no more in one request", async () => {
    const { link, write, finish } = await start(
      device({ function: 16, copies: 3 }, { modbus: facts({ maxWrite: 2 }) }),
    );
    await write(7);
    assert.deepEqual(link.log, ["write 16@0=7", "write 16@1=7", "write 16@2=7"]);
    await finish();
  });

  it("says 'unknown' when only a part of the copies was written", async () => {
    const { link, write, finish } = await start(device({ copies: 2 }));
    link.onWrite = ({ address }) => (address === 1 ? 4 : undefined);
    assert.equal((await write(7)).result, "unknown");
    await finish();
  });

  it("ends a pulse, even when nobody waits for it any more", async () => {
    const { clock, link, driver, setpoint, finish } = await start(
      device({ pulse: { release: 0, afterMs: 50 } }),
    );
    const impatient = new AbortController();
    const outcomes = driver.write([setpoint(1)], impatient.signal);
    await clock.advance(20);
    assert.deepEqual(link.log, ["write 6@0=1"]);
    impatient.abort();
    await outcomes;
    assert.deepEqual(link.log, ["write 6@0=1", "write 6@0=0"]);
    await finish();
  });

  it("uses the scale factor that the device has now", async () => {
    const sf = scaleFactorAt(80);
    const scaled = conversion({ sf });
    const points = [
      point(0, {
        read: readAt(79, { conversion: scaled }),
        write: writeAt(0, { conversion: scaled }),
      }),
      point(1, { read: undefined, group: undefined, write: writeAt(5, { conversion: scaled }) }),
    ];
    const { clock, link, driver, setpoint, stop, finish } = await start(profile(points));
    link.registers[80] = 1;
    await clock.advance(100);
    link.log.length = 0;
    const both = [setpoint(50), { ...setpoint(70), point: pointIndex(501) }];
    const outcomes = await driver.write(both, stop.signal);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      ["accepted", "accepted"],
    );
    assert.deepEqual(link.log, ["write 6@0=5", "read 80+1", "write 6@5=7"]);
    await finish();
  });

  it("never mixes the steps of two setpoints", async () => {
    const before = [{ ...place(70), raw: [1], when: "each" as const }];
    const { clock, link, driver, setpoint, stop, finish } = await start(device({ before }));
    link.latencyMs = 5;
    const outcomes = driver.write([setpoint(1), setpoint(2)], stop.signal);
    await clock.advance(30);
    await outcomes;
    assert.deepEqual(link.log, ["write 6@70=1", "write 6@0=1", "write 6@70=1", "write 6@0=2"]);
    await finish();
  });

  it("takes a setpoint for a point that is not written for our own mistake", async () => {
    const { driver, setpoint, stop, finish } = await start(device({}));
    const wrong = driver.write([{ ...setpoint(1), point: pointIndex(501) }], stop.signal);
    await assert.rejects(wrong, { name: "AssertionError" });
    await finish();
  });
});

describe("modbus driver, keep-alives", () => {
  function kept(action: KeepAlive["action"]): CompiledProfile {
    const keepAlive = { name: "beat", action, everyMs: 40, deviceTimeoutMs: 100, onLoss: "stops" };
    return device(
      { keepAlive: ["beat"] },
      {
        keepAlives: new Map([["beat", keepAlive]]),
        groups: [{ name: "slow", everyMs: 10_000, phaseMs: 0 }],
      },
    );
  }

  /** Two keep-alives for one setpoint: repeating it, and a heartbeat. */
  function keptTwice(): CompiledProfile {
    const rule = { everyMs: 40, deviceTimeoutMs: 100, onLoss: "stops" };
    const raw = { kind: "raw", place: place(90), raw: 1 } as const;
    return {
      ...kept(raw),
      points: device({ keepAlive: ["again", "beat"] }).points,
      keepAlives: new Map<string, KeepAlive>([
        ["again", { name: "again", action: { kind: "repeat", ordinal: 0 }, ...rule }],
        ["beat", { name: "beat", action: raw, ...rule }],
      ]),
    };
  }

  const beats = (link: FakeLink) => link.log.filter((line) => !line.startsWith("read"));

  it("beats while a setpoint is held, and ends with the connection", async () => {
    const action = { kind: "counter", place: place(90), raw: "uint16" } as const;
    const { clock, link, write, finish, driver } = await start(kept(action));
    await clock.advance(200);
    assert.deepEqual(beats(link), [], "nothing is held yet");
    await write(5, "read-back");
    await clock.advance(100);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@90=1", "write 6@90=2", "write 6@90=3"]);
    await finish();
    const count = link.writes.length;
    await clock.advance(500);
    assert.equal(link.writes.length, count);
    assert.equal(driver.counters.keepAliveBeats, 3);
  });

  it("counts on from what stands in the register: the first beat is a change", async () => {
    const action = { kind: "counter", place: place(90), raw: "uint16" } as const;
    const { clock, link, write, finish } = await start(kept(action));
    link.registers[90] = 0xffff;
    await write(5, "read-back");
    await clock.advance(50);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@90=0", "write 6@90=1"]);
    await finish();
    const blind = await start(kept(action));
    blind.link.onRead = ({ address }) => (address === 90 ? 2 : undefined);
    await blind.write(5, "read-back");
    await blind.clock.advance(10);
    assert.deepEqual(beats(blind.link), ["write 6@0=5", "write 6@90=1"], "it cannot be read");
    await blind.finish();
  });

  it("does not repeat a cyclic setpoint: its giver does, until the device shall revert", async () => {
    const { clock, link, write, finish } = await start(kept({ kind: "repeat", ordinal: 0 }));
    await write(5, "by-poll");
    await clock.advance(500);
    assert.deepEqual(beats(link), ["write 6@0=5"]);
    await write(6, "read-back");
    await write(7, "by-poll");
    await clock.advance(500);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@0=6", "write 6@0=7"]);
    await finish();
  });

  it("lets beats that alone hold a cyclic setpoint go with its writes, and end with them", async () => {
    const { clock, link, write, finish } = await start(
      kept({ kind: "raw", place: place(90), raw: 1 }),
    );
    for (const value of [1, 2, 3, 4, 5]) {
      await write(value, "by-poll");
      await clock.advance(10);
    }
    const sent = beats(link);
    assert.equal(sent.filter((line) => line === "write 6@90=1").length, 3, "every 20 ms");
    await clock.advance(500);
    assert.equal(beats(link).length, sent.length, "no beat without a write");
    await finish();
  });

  it("goes on beating for a cyclic setpoint that ends by itself when it is not repeated", async () => {
    const { clock, link, write, finish } = await start(keptTwice());
    await write(5, "by-poll");
    await clock.advance(90);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@90=1", "write 6@90=1", "write 6@90=1"]);
    await finish();
  });

  it("toggles, or writes the same, as the profile says", async () => {
    for (const [action, expected] of [
      [
        { kind: "toggle", place: place(90, { table: "coil" }) },
        ["5@90=65280", "5@90=0", "5@90=65280"],
      ],
      [{ kind: "raw", place: place(90), raw: 17 }, ["6@90=17", "6@90=17", "6@90=17"]],
    ] as const) {
      const { clock, link, write, finish } = await start(kept(action));
      await write(5, "read-back");
      await clock.advance(100);
      assert.deepEqual(
        beats(link).slice(1),
        expected.map((line) => `write ${line}`),
      );
      await finish();
    }
  });

  it("repeats a setpoint only when nobody wrote it in time", async () => {
    const { clock, link, write, finish } = await start(kept({ kind: "repeat", ordinal: 0 }));
    await write(5, "read-back");
    await clock.advance(30);
    await write(6, "read-back");
    await clock.advance(30);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@0=6"]);
    await clock.advance(50);
    assert.deepEqual(beats(link), ["write 6@0=5", "write 6@0=6", "write 6@0=6", "write 6@0=6"]);
    await finish();
  });

  it("repeats nothing whose fate is not known", async () => {
    const { clock, link, write, finish } = await start(kept({ kind: "repeat", ordinal: 0 }));
    await write(5, "read-back");
    link.onWrite = () => timedOut();
    await write(6, "read-back");
    link.onWrite = () => undefined;
    link.log.length = 0;
    await clock.advance(500);
    assert.deepEqual(beats(link), []);
    await finish();
  });

  it("goes quiet when the setpoints are let go", async () => {
    const { clock, link, write, driver, finish } = await start(
      kept({ kind: "raw", place: place(90), raw: 1 }),
    );
    await write(5, "read-back");
    await clock.advance(50);
    driver.letGo();
    link.log.length = 0;
    await clock.advance(500);
    assert.deepEqual(beats(link), []);
    await finish();
  });

  it("ends the connection when a beat finds the device silent", async () => {
    const { clock, link, write, done } = await start(
      kept({ kind: "raw", place: place(90), raw: 1 }),
    );
    const failed = assert.rejects(done, { code: "LINK_TIMEOUT" });
    await write(5, "read-back");
    link.onWrite = () => timedOut();
    await clock.advance(50);
    await failed;
  });

  it("counts beats that the device refuses and goes on", async () => {
    const { clock, link, write, driver, finish } = await start(
      kept({ kind: "raw", place: place(90), raw: 1 }),
    );
    link.onWrite = ({ address }) => (address === 90 ? 4 : undefined);
    await write(5, "read-back");
    await clock.advance(100);
    assert.equal(driver.counters.keepAliveRefused, 3);
    await finish();
  });
});

describe("modbus driver, closed between rounds", () => {
  const CLOSING = { modbus: facts({ closeAfterRound: true }) };
  const refused = () => new GatewayError("LINK_REFUSED", { host: "h" });

  it("opens for a write and closes behind it", async () => {
    const { link, write, finish } = await start(device({}, CLOSING));
    assert.equal((await write(5)).result, "accepted");
    assert.deepEqual(link.log, ["open", "write 6@0=5", "close"]);
    await finish();
  });

  it("refuses a write for which no connection can be made, and says that nothing was sent", async () => {
    const { link, driver, setpoint, stop, finish } = await start(device({}, CLOSING));
    link.onOpen = refused;
    const outcomes = await driver.write([setpoint(5), setpoint(6)], stop.signal);
    assert.deepEqual(
      outcomes.map((outcome) => [outcome.result, errorOf(outcome).code]),
      [
        ["refused", "LINK_REFUSED"],
        ["refused", "LINK_REFUSED"],
      ],
    );
    link.onOpen = () => undefined;
    const given = new AbortController();
    given.abort(new Error("enough"));
    const [late] = await driver.write([setpoint(7)], given.signal);
    assert.ok(late?.result === "refused");
    assert.equal(errorOf(late).context["sent"], false);
    assert.deepEqual(link.writes, []);
    await finish();
  });

  it("does not close the connection while a write needs it", async () => {
    const { clock, link, write, finish } = await start(device({ readBack: READ_BACK }, CLOSING));
    await clock.advance(85);
    link.log.length = 0;
    link.latencyMs = 10;
    await clock.advance(20);
    // The round lasts from 100 to 120; the write begins in it, and reads back after it.
    assert.deepEqual(link.log, ["open", "read 0+1", "read 100+1"]);
    const outcome = await write(5, "read-back", 40);
    assert.deepEqual(outcome, { result: "accepted", readBack: { result: "applied", value: 5 } });
    assert.equal(link.log.filter((line) => line === "open").length, 1);
    assert.equal(link.log.at(-1), "close");
    await finish();
  });

  it("opens for a beat, too", async () => {
    const beat = {
      name: "beat",
      action: { kind: "raw", place: place(90), raw: 1 },
      everyMs: 30,
      deviceTimeoutMs: 100,
      onLoss: "stops",
    } as const;
    const { clock, link, write, finish } = await start(
      device({ keepAlive: ["beat"] }, { ...CLOSING, keepAlives: new Map([["beat", beat]]) }),
    );
    await write(5, "read-back");
    link.log.length = 0;
    await clock.advance(40);
    assert.deepEqual(link.log, ["open", "write 6@90=1", "close"]);
    await finish();
  });
});
