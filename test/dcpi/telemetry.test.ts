import { strict as assert } from "node:assert";
import fc from "fast-check";
import { asBackfill, TelemetryEncoder, type TelemetryForm } from "../../src/dcpi/telemetry.ts";
import { AssertionError } from "../../src/domain/assert.ts";
import { qualityCode, qualityName } from "../../src/domain/quality.ts";
import type { Round } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { asJson, asText, plantTable } from "./plant.ts";

const T = Date.UTC(2026, 0, 1);
const table = plantTable([
  { id: "other", deviceClass: "meter", points: ["active-power", "frequency"] },
  {
    id: "bess-1",
    deviceClass: "bess",
    points: [
      "active-power",
      "state-of-charge",
      "operating-state",
      "alarm-active",
      "heartbeat",
      "x-alarm-word:bits",
      "x-serial-number:text",
    ],
  },
]);
const device = table.devices[1]!;
const FIRST = device.firstPoint;

function encoder(form: TelemetryForm = "by-name"): TelemetryEncoder {
  return new TelemetryEncoder(table, device, { modelHash: "0a1b2c3d", form });
}

function roundOf(given: Partial<Round> & { readonly places?: readonly number[] }): Round {
  const places = given.places ?? [0, 1, 2, 3, 4, 5];
  return {
    stream: device.stream,
    seq: 7,
    points: Uint32Array.from(places, (place) => FIRST + place),
    values: Float64Array.from([25_753_800, 1457 * 0.1, 3, 1, 42, 65_535]),
    quality: new Uint8Array(places.length),
    sourceTimes: undefined,
    texts: undefined,
    receivedAt: monotonicMs(1),
    receivedUtc: utcMs(T),
    ...given,
  };
}

const NO_COMMUNICATION = qualityCode("no-communication");
const STALE = qualityCode("stale");
const UNKNOWN_CODE = qualityCode("unknown-code");

describe("telemetry message", () => {
  it("is one line that a person can read", () => {
    assert.equal(
      asText(encoder().encode(12, roundOf({}))),
      `{"s":"bess-1","e":12,"n":7,"t":${T},"m":"0a1b2c3d","v":{"active_power_w":25753800,` +
        `"state_of_charge_pct":145.7,"operating_state":"running","alarm_active":true,` +
        `"heartbeat":42,"x_alarm_word":65535}}`,
    );
  });

  it("has null and the reason where a value is bad, never a number", () => {
    const quality = new Uint8Array(6);
    quality[0] = NO_COMMUNICATION;
    quality[1] = STALE;
    quality[2] = NO_COMMUNICATION;
    quality[3] = NO_COMMUNICATION;
    const { v, q } = asJson(encoder().encode(1, roundOf({ quality })));
    assert.deepEqual(v, {
      active_power_w: null,
      state_of_charge_pct: 145.7,
      operating_state: null,
      alarm_active: null,
      heartbeat: 42,
      x_alarm_word: 65_535,
    });
    assert.deepEqual(q, {
      active_power_w: "bad/no-communication",
      state_of_charge_pct: "uncertain/stale",
      operating_state: "bad/no-communication",
      alarm_active: "bad/no-communication",
    });
  });

  it("says of a state that nobody knows that its code is unknown, and the code itself", () => {
    const values = Float64Array.from([1, Number.NaN, Number.NaN]);
    const given = { values, quality: Uint8Array.from([0, UNKNOWN_CODE, NO_COMMUNICATION]) };
    const texts = new Map([
      [1, "65535"],
      [2, "12"],
    ]);
    const round = roundOf({ places: [0, 2, 3], ...given, texts });
    const { v, q, c } = asJson(encoder().encode(1, round));
    assert.deepEqual(v, { active_power_w: 1, operating_state: null, alarm_active: null });
    assert.deepEqual(q, {
      operating_state: "bad/unknown-code",
      alarm_active: "bad/no-communication",
    });
    assert.deepEqual(c, { operating_state: 65_535 });
    const columns = asJson(encoder("columns").encode(1, round));
    assert.deepEqual(
      [columns["q"], columns["c"]],
      [{ 2: "bad/unknown-code", 3: "bad/no-communication" }, { 2: 65_535 }],
    );
    const silent = asJson(encoder().encode(1, { ...round, texts: undefined }));
    assert.equal("c" in silent, false);
  });

  it("has room for every remark of every point at its longest", () => {
    const places = [0, 1, 2, 3, 4, 5, 6];
    const round = roundOf({
      places,
      values: new Float64Array(7).fill(Number.NaN),
      quality: new Uint8Array(7).fill(UNKNOWN_CODE),
      sourceTimes: new Float64Array(7).fill(-1.7976931348623157e308),
      texts: new Map(places.map((place) => [place, "-99999999999999999999"])),
    });
    const { q, c, dt } = asJson(encoder().encode(1, round));
    for (const member of [q, c, dt]) assert.equal(Object.keys(member as object).length, 7);
  });

  it("calls a number malformed that is missing without a reason", () => {
    const values = new Float64Array(6).fill(Number.NaN);
    const { v, q } = asJson(encoder().encode(1, roundOf({ values })));
    assert.deepEqual(new Set(Object.values(v as object)), new Set([null]));
    assert.deepEqual(new Set(Object.values(q as object)), new Set(["bad/malformed"]));
    assert.equal(Object.keys(q as object).length, 6);
  });

  it("tells the source time only where it differs, and says when it is not known", () => {
    const quality = new Uint8Array(6);
    quality.set([0, 0, STALE, NO_COMMUNICATION, NO_COMMUNICATION, 0]);
    const sourceTimes = Float64Array.from([T, T - 20, Number.NaN, Number.NaN, T - 5_000, T + 3]);
    const { dt } = asJson(encoder().encode(1, roundOf({ quality, sourceTimes })));
    assert.deepEqual(dt, {
      state_of_charge_pct: -20,
      operating_state: null,
      heartbeat: -5_000,
      x_alarm_word: 3,
    });
    const same = asJson(encoder().encode(1, roundOf({ sourceTimes: sourceTimes.fill(T) })));
    assert.equal("dt" in same, false);
  });

  it("carries texts, and whole numbers beyond 2^53 with all their digits", () => {
    const texts = new Map([
      [0, 'SN "7" ü\n'],
      [1, "18446744073709551615"],
    ]);
    const values = Float64Array.from([Number.NaN, 18_446_744_073_709_552_000]);
    const round = roundOf({ places: [6, 4], values, texts, quality: new Uint8Array(2) });
    const bytes = encoder().encode(1, round);
    assert.ok(asText(bytes).includes('"heartbeat":18446744073709551615'));
    const { v, q } = asJson(bytes);
    assert.equal((v as Record<string, unknown>)["x_serial_number"], 'SN "7" ü\n');
    assert.equal(q, undefined, "a text is good although it has no number");
  });

  it("writes null for an enum index that has no text and a text that is not there", () => {
    const values = Float64Array.from([99, Number.NaN]);
    const round = roundOf({ places: [2, 6], values, quality: new Uint8Array(2) });
    const { v, q } = asJson(encoder().encode(1, round));
    assert.deepEqual(v, { operating_state: null, x_serial_number: null });
    assert.deepEqual(q, { operating_state: "bad/malformed", x_serial_number: "bad/malformed" });
  });

  it("carries columns in the model's order, with places only for a part of the device", () => {
    const part = roundOf({
      places: [4, 0],
      values: Float64Array.from([42, -5.5]),
      quality: Uint8Array.from([0, STALE]),
      sourceTimes: Float64Array.from([T, T - 1]),
    });
    assert.deepEqual(asJson(encoder("columns").encode(1, part)), {
      s: "bess-1",
      e: 1,
      n: 7,
      t: T,
      m: "0a1b2c3d",
      v: [42, -5.5],
      p: [4, 0],
      q: { 0: "uncertain/stale" },
      dt: { 0: -1 },
    });
    const places = [0, 1, 2, 3, 4, 5, 6];
    const texts = new Map([[6, "A"]]);
    const values = Float64Array.from([1, 2, 3, 0, 5, 6, Number.NaN]);
    const whole = roundOf({ places, values, texts, quality: new Uint8Array(7) });
    const json = asJson(encoder("columns").encode(1, whole));
    assert.deepEqual(json["v"], [1, 2, "running", false, 5, 6, "A"]);
    assert.equal("p" in json, false);
  });

  it("holds for every round that a device can send", () => {
    const sample = fc.record({
      place: fc.integer({ min: 0, max: 5 }),
      value: fc.double(),
      quality: fc.constantFrom(0, STALE, NO_COMMUNICATION, 200),
      offset: fc.constantFrom(0, -3, Number.NaN),
    });
    const samples = fc.uniqueArray(sample, { selector: ({ place }) => place, maxLength: 6 });
    const byName = encoder();
    fc.assert(
      fc.property(samples, (given) => {
        const round = roundOf({
          places: given.map(({ place }) => place),
          values: Float64Array.from(given, ({ value }) => value),
          quality: Uint8Array.from(given, ({ quality }) => quality),
          sourceTimes: Float64Array.from(given, ({ offset }) => T + offset),
        });
        const { v, q } = asJson(byName.encode(1, round)) as {
          v: Record<string, unknown>;
          q?: Record<string, string>;
        };
        assert.equal(Object.keys(v).length, given.length);
        for (const { place, quality } of given) {
          const { field } = table.points[FIRST + place]!;
          if (quality >= 64) assert.equal(v[field], null);
          if (v[field] === null) assert.match(q?.[field] ?? "", /^bad\//);
          else assert.equal(q?.[field] ?? "good", qualityName(quality));
        }
      }),
    );
  });

  it("gives bytes that the next message does not change", () => {
    const one = encoder();
    const first = one.encode(1, roundOf({}));
    const before = asText(first);
    one.encode(2, roundOf({ seq: 8 }));
    assert.equal(asText(first), before);
  });

  it("does not write a round of another device", () => {
    const foreign = roundOf({ places: [0], points: Uint32Array.of(0) });
    assert.throws(() => encoder().encode(1, foreign), AssertionError);
    const many = roundOf({ points: new Uint32Array(99).fill(FIRST) });
    assert.throws(() => encoder().encode(1, many), AssertionError);
  });

  it("flags a late message without reading it", () => {
    const bytes = encoder().encode(1, roundOf({}));
    const late = asJson(asBackfill(bytes));
    assert.deepEqual(late, { bf: true, ...asJson(bytes) });
    assert.equal(Object.keys(late)[0], "bf");
    assert.equal(asText(asBackfill(new TextEncoder().encode("{}"))), '{"bf":true}');
    assert.deepEqual(asJson(asBackfill(asBackfill(bytes))), late);
    assert.equal(asText(asBackfill(asBackfill(bytes))), asText(asBackfill(bytes)));
    assert.throws(() => asBackfill(new TextEncoder().encode("[1]")), AssertionError);
  });
});
