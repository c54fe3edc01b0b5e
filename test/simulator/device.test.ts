import { strict as assert } from "node:assert";
import type { KeepAlive, WriteStep } from "../../src/profiles/binding.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { type DeviceListener, SimulatedDevice } from "../../src/simulator/device.ts";
import { makeProfile, place, type ProfileParts, writeAt } from "../support/profile-builder.ts";

function device(parts: ProfileParts): SimulatedDevice {
  const profile = makeProfile(parts);
  return new SimulatedDevice({ id: "one", profile, unitId: 1, nominal: [] });
}

function heard(from: SimulatedDevice): string[] {
  const lines: string[] = [];
  const listener: DeviceListener = {
    onWrite: (id, value) => lines.push(`write ${id} ${value}`),
    onSettled: (id, value) => lines.push(`settled ${id} ${value}`),
    onReverted: (id) => lines.push(`reverted ${id}`),
    onReboot: () => lines.push("reboot"),
  };
  from.listen(listener);
  return lines;
}

const holding = (address: number) => ({ table: "holding", address }) as const;

describe("simulated device: values", () => {
  it("shows canonical values through scale, order, codes, slices and percent", () => {
    const one = device({
      points: [
        { id: "power", read: place(0, { raw: "int32", order: "CDAB", scale: 100 }, { count: 2 }) },
        {
          id: "state",
          type: "enum",
          texts: ["off", "on"],
          read: place(2, {
            codes: new Map([
              [7, 1],
              [3, 0],
            ]),
          }),
        },
        { id: "low", read: place(3, { raw: "bits", slice: [0, 4] }) },
        { id: "high", read: place(3, { raw: "bits", slice: [4, 12] }) },
        { id: "rating", range: [0, 20_000], read: place(4) },
        { id: "load", range: [0, 20_000], read: place(5, { scale: 0.001, percentOf: 4 }) },
        { id: "wet", type: "bool", read: place(6, { raw: "bool" }, { table: "discrete" }) },
      ],
    });
    assert.ok(one.setPoint("power", -1_234_500));
    assert.deepEqual([...(one.view(1, "holding", 0, 2) ?? [])], [0xcf, 0xc7, 0xff, 0xff]);
    assert.equal(one.readPoint("power"), -1_234_500);
    assert.ok(one.setState("state", "on"));
    assert.deepEqual([...(one.view(1, "holding", 2, 1) ?? [])], [0, 7]);
    assert.equal(one.setState("state", "burning"), false);
    one.setPoint("low", 5);
    one.setPoint("high", 0xabc);
    assert.deepEqual([...(one.view(1, "holding", 3, 1) ?? [])], [0xab, 0xc5]);
    one.setPoint("rating", 8000);
    one.setPoint("load", 2000);
    assert.deepEqual([...(one.view(1, "holding", 5, 1) ?? [])], [0, 250]);
    assert.equal(one.readPoint("load"), 2000);
    one.setPoint("wet", 1);
    assert.deepEqual([...(one.view(1, "discrete", 6, 1) ?? [])], [1]);
    assert.equal(one.setPoint("nothing", 1), false);
  });

  it("starts in the middle of each range, with scale factors that hold the range", () => {
    const sf = (address: number) => ({
      place: { table: "holding", address, count: 1, unit: undefined, model: undefined } as const,
      exponent: undefined,
      isStatic: false,
    });
    const one = device({
      points: [
        { id: "power", range: [0, 12e6], read: place(0, { raw: "int16", sf: sf(9) }) },
        { id: "small", range: [0, 100], read: place(1, { raw: "int16", sf: sf(9) }) },
        { id: "free", read: place(2) },
      ],
    });
    assert.equal(one.readPoint("power"), 6e6);
    // The shared scale factor is that of the larger point.
    assert.deepEqual([...(one.view(1, "holding", 9, 1) ?? [])], [0, 3]);
    assert.equal(one.readPoint("free"), 0);
  });

  it("takes the nominal registers before its own choice", () => {
    const profile = makeProfile({ points: [{ id: "a", range: [0, 10], read: place(0) }] });
    const nominal = [{ table: "holding", address: 0, words: [9] } as const];
    const one = new SimulatedDevice({ id: "one", profile, unitId: 1, nominal });
    assert.equal(one.readPoint("a"), 9);
  });

  it("freezes, and shows absent patterns, and comes back", () => {
    const absent = new Map([["7fff", qualityCode("not-available-pattern")]]);
    const one = device({
      points: [
        { id: "a", read: place(0, { raw: "int16", absent }) },
        { id: "b", read: place(1) },
        { id: "f", read: place(2, { raw: "float32", order: "ABCD" }, { count: 2 }) },
      ],
    });
    one.setPoint("a", 5);
    one.setPoint("b", 6);
    one.setFault({ kind: "frozen" }, 0);
    assert.equal(one.setPoint("a", 8), false);
    assert.equal(one.readPoint("a"), 5);
    one.setFault({ kind: "absent", points: undefined }, 0);
    assert.deepEqual([...(one.view(1, "holding", 0, 1) ?? [])], [0x7f, 0xff]);
    assert.equal(one.readPoint("a"), undefined);
    assert.equal(one.readPoint("f"), undefined);
    assert.equal(one.setPoint("a", 8), false);
    assert.equal(one.readPoint("b"), 6, "no pattern, so it keeps its value");
    one.setFault({ kind: "absent", points: ["f"] }, 0);
    assert.equal(one.readPoint("a"), 5);
    one.setFault(undefined, 0);
    assert.equal(one.readPoint("f"), 0);
    assert.ok(one.setPoint("a", 8));
  });
});

describe("simulated device: writes", () => {
  it("decodes what is written and tells its listener once for all copies", () => {
    const one = device({
      points: [{ id: "speed", read: place(8), write: writeAt(8, { copies: 4, settleMs: 500 }) }],
    });
    const lines = heard(one);
    one.tick(1000);
    assert.equal(one.write(1, holding(8), [55, 55, 55, 55]), 0);
    one.tick(1499);
    assert.deepEqual(lines, ["write speed 55"]);
    one.tick(1500);
    one.tick(9000);
    assert.deepEqual(lines, ["write speed 55", "settled speed 55"]);
    assert.deepEqual(one.counters, {
      writes: 1,
      refusedWrites: 0,
      ignoredWrites: 0,
      reversions: 0,
      reboots: 0,
    });
  });

  it("refuses registers that are not written (2) and values outside fixed limits (3)", () => {
    const write = writeAt(1, {
      minimum: { kind: "fixed", value: 10 },
      maximum: { kind: "fixed", value: 90 },
      exclude: [[20, 30]],
    });
    const one = device({
      points: [
        { id: "a", read: place(0) },
        { id: "s", read: place(1), write },
      ],
    });
    const lines = heard(one);
    one.write(1, holding(1), [50]);
    assert.equal(one.write(1, holding(0), [1]), 2);
    assert.equal(one.write(1, holding(0), [1, 50]), 2);
    assert.equal(one.write(2, holding(1), [50]), 2);
    for (const value of [9, 91, 25]) assert.equal(one.write(1, holding(1), [value]), 3);
    assert.equal(one.readPoint("s"), 50, "a refused write changes nothing");
    for (const value of [10, 20, 30, 90]) assert.equal(one.write(1, holding(1), [value]), 0);
    assert.equal(lines.length, 5);
    assert.equal(one.counters.refusedWrites, 6);
  });

  it("refuses with 4 while an interlock does not hold", () => {
    const one = device({
      points: [
        { id: "location", read: place(0) },
        { id: "s", read: place(1), write: writeAt(1, { needs: ["remote", "armed"] }) },
      ],
      interlocks: [
        { name: "remote", ordinal: 0, place: undefined, equals: 1 },
        { name: "armed", ordinal: undefined, place: { ...place(5) }, equals: 3 },
      ],
    });
    one.setPoint("location", 1);
    assert.equal(one.write(1, holding(1), [7]), 4);
    const nominal = [{ table: "holding", address: 5, words: [3] } as const];
    const { profile } = one;
    const armed = new SimulatedDevice({ id: "two", profile, unitId: 1, nominal });
    assert.equal(armed.write(1, holding(1), [7]), 4);
    armed.setPoint("location", 1);
    assert.equal(armed.write(1, holding(1), [7]), 0);
  });

  it("wants its unlock word before every write", () => {
    const step: WriteStep = { ...place(9), raw: [0x5a], when: "each" };
    const one = device({
      points: [{ id: "s", read: place(1), write: writeAt(1, { before: [step] }) }],
    });
    assert.equal(one.write(1, holding(1), [7]), 4);
    assert.equal(one.write(1, holding(9), [0x11]), 0);
    assert.equal(one.write(1, holding(1), [7]), 4, "the wrong word");
    assert.equal(one.write(1, holding(9), [0x5a]), 0);
    assert.equal(one.write(1, holding(1), [7]), 0);
    assert.equal(one.write(1, holding(1), [8]), 4, "locked again");
  });

  it("shows the value where it is read back before the actuator has moved", () => {
    const back = { ...place(4, {}, { table: "input" }) };
    const readBack = { place: back, withinMs: 100, tolerance: 1 };
    const one = device({
      points: [
        { id: "s", read: place(2), write: writeAt(1, { readBack, settleMs: 1000 }) },
        { id: "x-active", read: place(4, { scale: 0.1 }, { table: "input" }) },
      ],
    });
    one.write(1, holding(1), [18]);
    assert.equal(one.readPoint("s"), 18);
    assert.equal(one.readPoint("x-active"), 18);
    assert.deepEqual([...(one.view(1, "input", 4, 1) ?? [])], [0, 180]);
  });

  it("tells of registers that arm a setpoint although they are no setpoints", () => {
    const step: WriteStep = { ...place(3), raw: [1], when: "session" };
    const one = device({
      points: [
        { id: "enabled", read: place(3) },
        { id: "s", read: place(1), write: writeAt(1, { before: [step] }) },
      ],
    });
    const lines = heard(one);
    one.write(1, holding(3), [1]);
    one.write(1, holding(1), [7]);
    assert.deepEqual(lines, ["write enabled 1", "write s 7"]);
  });

  it("acts on the beginning of a pulse only, and clears command registers itself", () => {
    const one = device({
      points: [
        { id: "reset", access: "w", write: writeAt(1, { pulse: { release: 0, afterMs: 100 } }) },
        { id: "clear", access: "w", write: writeAt(2) },
      ],
    });
    const lines = heard(one);
    one.tick(0);
    one.write(1, holding(1), [1]);
    one.write(1, holding(1), [0]);
    one.write(1, holding(2), [1]);
    assert.deepEqual(lines, ["write reset 1", "write clear 1"]);
    assert.deepEqual([...(one.view(1, "holding", 2, 1) ?? [])], [0, 1]);
    one.tick(1000);
    assert.deepEqual([...(one.view(1, "holding", 2, 1) ?? [])], [0, 0]);
  });

  it("acknowledges and ignores when told to", () => {
    const one = device({ points: [{ id: "s", read: place(1), write: writeAt(1) }] });
    const lines = heard(one);
    one.setFault({ kind: "write-ignored" }, 0);
    assert.equal(one.write(1, holding(1), [7]), 0);
    assert.equal(one.readPoint("s"), 0);
    assert.deepEqual(lines, []);
    assert.equal(one.counters.ignoredWrites, 1);
  });
});

describe("simulated device: keep-alive and reboot", () => {
  const beat: KeepAlive = {
    name: "beat",
    action: { kind: "counter", place: { ...place(5) }, raw: "uint16" },
    everyMs: 1000,
    deviceTimeoutMs: 3000,
    onLoss: "zero",
  };
  const repeat: KeepAlive = {
    ...beat,
    name: "repeat",
    action: { kind: "repeat", ordinal: 0 },
  };
  const watchdog: KeepAlive = {
    ...beat,
    name: "watchdog",
    action: { kind: "raw", place: { ...place(6) }, raw: 10 },
  };
  const made = (...names: string[]) =>
    device({
      points: [{ id: "s", read: place(1), write: writeAt(1, { keepAlive: names }) }],
      keepAlives: [beat, repeat, watchdog],
    });

  it("lets a setpoint lapse when its counter stops", () => {
    const one = made("beat");
    const lines = heard(one);
    one.tick(0);
    one.write(1, holding(1), [70]);
    for (const [nowMs, count] of [
      [1000, 1],
      [2000, 2],
      [3000, 2],
      [4000, 2],
    ] as const) {
      one.tick(nowMs);
      one.write(1, holding(5), [count]);
    }
    one.tick(5000);
    assert.equal(one.readPoint("s"), 70);
    one.tick(5001);
    assert.equal(one.readPoint("s"), 0);
    one.tick(20_000);
    assert.deepEqual(
      lines.filter((line) => line.startsWith("reverted")),
      ["reverted s"],
    );
    assert.equal(one.counters.reversions, 1);
  });

  it("lets it live while the setpoint is repeated or the watchdog word is written", () => {
    const one = made("repeat", "watchdog");
    one.tick(0);
    one.write(1, holding(1), [70]);
    for (let nowMs = 2000; nowMs <= 20_000; nowMs += 2000) {
      one.tick(nowMs);
      one.write(1, holding(1), [70]);
      one.write(1, holding(6), [10]);
    }
    assert.equal(one.counters.reversions, 0);
    one.tick(22_000);
    one.write(1, holding(1), [70]);
    one.write(1, holding(6), [11]);
    one.tick(23_001);
    assert.equal(one.counters.reversions, 1, "the wrong word is no beat");
  });

  it("loses its setpoints in a reboot and wakes up by itself", () => {
    const one = made("beat");
    const lines = heard(one);
    one.tick(0);
    one.write(1, holding(1), [70]);
    one.setFault({ kind: "reboot", downMs: 500 }, 100);
    assert.equal(one.readPoint("s"), 0);
    assert.equal(lines.at(-1), "reboot");
    one.tick(599);
    assert.equal(one.fault?.kind, "reboot");
    one.tick(600);
    assert.equal(one.fault, undefined);
    one.tick(60_000);
    assert.equal(one.counters.reversions, 0, "nothing was held any more");
  });
});

describe("simulated device: pens", () => {
  const parts: ProfileParts = {
    points: [
      { id: "power", read: place(0, { scale: 10 }) },
      { id: "limit", read: place(1), write: writeAt(1) },
      { id: "share", read: place(2, { percentOf: 1, scale: 0.01 }) },
      {
        id: "state",
        type: "enum",
        texts: ["off", "on"],
        read: place(3, { codes: new Map([[7, 1]]) }),
      },
    ],
  };

  it("set points as often as their value changes, and states by their text", () => {
    const one = device(parts);
    const pen = one.pen("power");
    assert.ok(pen.set(120));
    assert.equal(one.readPoint("power"), 120);
    one.setPoint("power", 50);
    assert.ok(pen.set(120), "the same value again");
    assert.equal(one.readPoint("power"), 50, "is not written again");
    assert.ok(pen.set(130));
    assert.equal(one.readPoint("power"), 130);
    assert.ok(one.pen("state").setState("on"));
    assert.equal(one.readPoint("state"), 1);
    assert.equal(one.pen("state").setState("odd"), false);
  });

  it("write the same value again after anybody else may have written", () => {
    const one = device(parts);
    const pen = one.pen("limit");
    pen.set(7);
    one.write(1, holding(1), [9]);
    pen.set(7);
    assert.equal(one.readPoint("limit"), 7);
    one.setFault({ kind: "reboot", downMs: 10 }, 0);
    one.setFault(undefined, 20);
    pen.set(7);
    assert.equal(one.readPoint("limit"), 7);
  });

  it("write a percentage again when what it is percent of has moved", () => {
    const one = device(parts);
    const pen = one.pen("share");
    one.setPoint("limit", 200);
    pen.set(100);
    assert.equal(one.readPoint("share"), 100);
    one.setPoint("limit", 400);
    pen.set(100);
    assert.equal(one.readPoint("share"), 100);
  });

  it("write nothing on a frozen device, on an absent point and on one that is not there", () => {
    const one = device(parts);
    const pen = one.pen("power");
    pen.set(10);
    one.setFault({ kind: "frozen" }, 0);
    assert.equal(pen.set(20), false);
    assert.equal(one.readPoint("power"), 10);
    one.setFault(undefined, 0);
    assert.ok(pen.set(10));
    assert.equal(one.pen("nothing").set(1), false);
  });
});
