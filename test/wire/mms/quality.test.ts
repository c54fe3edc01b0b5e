import assert from "node:assert/strict";
import fc from "fast-check";
import { qualityName } from "../../../src/domain/quality.ts";
import { utcMs } from "../../../src/domain/time.ts";
import {
  BEHAVIOUR,
  gatewayQuality,
  SKEW_MAX_MS,
  valueTime,
} from "../../../src/wire/mms/gateway-quality.ts";
import {
  decodePosition,
  decodeQuality,
  encodePosition,
  encodeQuality,
  QUALITY_DETAILS,
  type QualityDetail,
  type Quality61850,
} from "../../../src/wire/mms/quality.ts";
import {
  decodeBinaryTime,
  decodeUtcTime,
  encodeBinaryTime,
  encodeUtcTime,
  type TimeQuality,
} from "../../../src/wire/mms/time.ts";
import { UTC_TIME } from "./arbitraries.ts";
import { assertFault } from "./assert-fault.ts";
import { hex, octets } from "./recorded-frames.ts";

const GOOD: Quality61850 = {
  validity: "good",
  details: [],
  isSubstituted: false,
  isTest: false,
  isOperatorBlocked: false,
};

function bits(digits: string, bitCount = 13) {
  return { bitCount, bytes: octets(digits) };
}

describe("quality in 13 bits", () => {
  it("has its validity in the first two and a meaning for each other", () => {
    assert.deepEqual(decodeQuality(bits("0000")), GOOD);
    assert.equal(decodeQuality(bits("4000"))?.validity, "invalid");
    assert.equal(decodeQuality(bits("8000"))?.validity, "reserved");
    assert.equal(decodeQuality(bits("c000"))?.validity, "questionable");
    QUALITY_DETAILS.forEach((detail, at) => {
      const mask = (0x2000 >> at).toString(16).padStart(4, "0");
      assert.deepEqual(decodeQuality(bits(mask)), { ...GOOD, details: [detail] });
    });
    assert.deepEqual(decodeQuality(bits("0020")), { ...GOOD, isSubstituted: true });
    assert.deepEqual(decodeQuality(bits("0010")), { ...GOOD, isTest: true });
    assert.deepEqual(decodeQuality(bits("0008")), { ...GOOD, isOperatorBlocked: true });
  });

  it("comes back from every combination", () => {
    for (let code = 0; code < 0x2000; code++) {
      const given = bits((code << 3).toString(16).padStart(4, "0"));
      const quality = decodeQuality(given);
      assert.ok(quality !== undefined);
      assert.deepEqual(encodeQuality(quality), given);
    }
  });

  it("is none with fewer bits, and may have more", () => {
    assert.equal(decodeQuality(bits("0000", 12)), undefined);
    assert.deepEqual(decodeQuality(bits("0007", 16)), GOOD);
  });
});

describe("a switch in two bits", () => {
  it("is open, closed, or in no position to act on", () => {
    const positions = ["00", "40", "80", "c0"].map((digits) => decodePosition(bits(digits, 2)));
    assert.deepEqual(positions, ["intermediate", "open", "closed", "faulty"]);
    for (const position of positions) {
      assert.equal(decodePosition(encodePosition(position)), position);
    }
    assert.equal(decodePosition(bits("80", 3)), undefined);
    assert.equal(decodePosition(bits("", 0)), undefined);
  });
});

describe("quality as the gateway has it", () => {
  const name = (quality: Quality61850 | undefined, behaviour?: number): string =>
    qualityName(gatewayQuality(quality, behaviour));
  const row = (
    expected: string,
    quality: Partial<Quality61850>,
    behaviour?: number,
  ): [string, Quality61850, number | undefined] => [expected, { ...GOOD, ...quality }, behaviour];
  const invalid = (detail: QualityDetail): Partial<Quality61850> => ({
    validity: "invalid",
    details: [detail],
  });
  const doubtful = (detail: QualityDetail): Partial<Quality61850> => ({
    validity: "questionable",
    details: [detail],
  });
  const ROWS = [
    row("good", {}),
    row("good", {}, BEHAVIOUR.on),
    row("bad/not-available-pattern", { validity: "invalid" }),
    row("bad/unknown-code", { validity: "reserved" }),
    row("bad/device-failure", { details: ["failure"] }),
    row("bad/sensor-fault", { details: ["bad-reference"] }),
    row("bad/device-failure", doubtful("failure")),
    row("bad/sensor-fault", doubtful("bad-reference")),
    row("bad/device-failure", invalid("failure")),
    row("bad/sensor-fault", invalid("bad-reference")),
    row("bad/over-range", invalid("overflow")),
    row("bad/out-of-range", invalid("out-of-range")),
    row("bad/too-old", invalid("old-data")),
    row("bad/input-bad", invalid("inconsistent")),
    row("bad/sensor-fault", invalid("oscillatory")),
    row("bad/sensor-fault", invalid("inaccurate")),
    row("uncertain/sensor-not-accurate", { validity: "questionable" }),
    row("uncertain/stale", doubtful("old-data")),
    row("uncertain/stale", { details: ["old-data"] }),
    row("uncertain/mismatch", { details: ["inconsistent"] }),
    row("uncertain/sensor-not-accurate", { details: ["out-of-range"] }),
    row("uncertain/sensor-not-accurate", { details: ["overflow"] }),
    row("uncertain/sensor-not-accurate", { details: ["oscillatory"] }),
    row("uncertain/sensor-not-accurate", { details: ["inaccurate"] }),
    row("uncertain/substituted", { isSubstituted: true }),
    row("uncertain/stale", { isOperatorBlocked: true }),
    row("bad/input-bad", { isTest: true }),
    row("bad/input-bad", { isTest: true }, BEHAVIOUR.on),
    row("bad/input-bad", { isTest: true }, BEHAVIOUR.blocked),
    row("uncertain/substituted", { isTest: true }, BEHAVIOUR.test),
    row("bad/input-bad", {}, BEHAVIOUR.testBlocked),
    row("bad/input-bad", {}, BEHAVIOUR.off),
    row("good", {}, BEHAVIOUR.blocked),
    row("good", {}, BEHAVIOUR.test),
  ];
  for (const [expected, quality, behaviour] of ROWS) {
    const flags = Object.entries(quality).filter(([, value]) => value === true);
    const said = [quality.validity, ...quality.details, ...flags.map(([flag]) => flag)];
    const node = behaviour === undefined ? "" : ` in behaviour ${behaviour}`;
    it(`is ${expected} for ${said.join(" ")}${node}`, () => {
      assert.equal(name(quality, behaviour), expected);
    });
  }

  it("is never good without a quality", () => {
    assert.equal(name(undefined), "uncertain/no-quality");
    assert.equal(name(undefined, BEHAVIOUR.on), "uncertain/no-quality");
    assert.equal(name(undefined, BEHAVIOUR.off), "bad/input-bad");
  });

  it("is good for one combination of bits only", () => {
    let good = 0;
    for (let code = 0; code < 0x2000; code++) {
      const quality = decodeQuality(bits((code << 3).toString(16).padStart(4, "0")));
      if (name(quality) === "good") good++;
    }
    assert.equal(good, 1);
  });
});

describe("time of a value", () => {
  const RECEIVED = utcMs(1_795_219_480_000);
  const TRUSTED: TimeQuality = {
    isLeapSecondKnown: true,
    hasClockFailure: false,
    isNotSynchronised: false,
    accuracyBits: 10,
  };
  const at = (offsetMs: number, quality: Partial<TimeQuality> = {}) =>
    valueTime({ utcMs: RECEIVED + offsetMs, quality: { ...TRUSTED, ...quality } }, RECEIVED);

  it("is the device's own while its clock can be trusted", () => {
    const sourceUtcMs = utcMs(RECEIVED - 300);
    assert.deepEqual(at(-300), { sourceUtcMs, orderUtcMs: sourceUtcMs, isSkewed: false });
  });

  it("is kept but not ordered by while the clock failed or is not synchronised", () => {
    for (const doubt of [{ hasClockFailure: true }, { isNotSynchronised: true }]) {
      assert.deepEqual(at(-300, doubt), {
        sourceUtcMs: utcMs(RECEIVED - 300),
        orderUtcMs: RECEIVED,
        isSkewed: false,
      });
    }
  });

  it("is not said by an attribute that was never touched, nor by one without a time", () => {
    const unsaid = { sourceUtcMs: undefined, orderUtcMs: RECEIVED, isSkewed: false };
    assert.deepEqual(valueTime({ utcMs: 0, quality: TRUSTED }, RECEIVED), unsaid);
    assert.deepEqual(valueTime(undefined, RECEIVED), unsaid);
  });

  it("is told as skewed beyond two seconds either way, and kept", () => {
    assert.equal(SKEW_MAX_MS, 2000);
    for (const [offsetMs, isSkewed] of [
      [2000, false],
      [2001, true],
      [-2000, false],
      [-2001, true],
    ] as const) {
      assert.equal(at(offsetMs).isSkewed, isSkewed, `${offsetMs} ms`);
      assert.equal(at(offsetMs).sourceUtcMs, RECEIVED + offsetMs);
    }
  });
});

describe("times on the wire", () => {
  it("come back to the microsecond", () => {
    fc.assert(
      fc.property(UTC_TIME, (time) => {
        assert.deepEqual(decodeUtcTime(encodeUtcTime(time)), time);
      }),
    );
  });

  it("stay within their second, and every one that came in goes out", () => {
    const last = decodeUtcTime(octets("ffffffff ffffff 0a"));
    assert.equal(last.utcMs, 4_294_967_295_999.999);
    assert.equal(hex(encodeUtcTime(last)).slice(0, 8), "ffffffff");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        encodeUtcTime(decodeUtcTime(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const time = decodeBinaryTime(bytes);
        assert.deepEqual(decodeBinaryTime(encodeBinaryTime(time)), time);
      }),
    );
  });

  it("have one size each", () => {
    assertFault("wrong-size", () => decodeUtcTime(octets("00")));
    assertFault("wrong-size", () => decodeBinaryTime(octets("0000000000")));
  });
});
