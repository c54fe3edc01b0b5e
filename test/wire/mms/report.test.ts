import assert from "node:assert/strict";
import fc from "fast-check";
import type { InformationReport } from "../../../src/wire/mms/pdu.ts";
import {
  decodeReport,
  encodeReport,
  isReport,
  optionBits,
  type Report,
  reportIdOf,
  type ReportOption,
  reportOptions,
  type Trigger,
  triggerBits,
  triggers,
} from "../../../src/wire/mms/report.ts";
import type { AccessResult } from "../../../src/wire/mms/value.ts";
import { NAME, OCTETS, VALUE } from "./arbitraries.ts";
import { octets } from "./recorded-frames.ts";

const OPTIONS: readonly ReportOption[] = [
  "sequence-number",
  "report-time",
  "reason",
  "data-set",
  "data-reference",
  "buffer-overflow",
  "entry-id",
  "configuration-revision",
  "segmentation",
];
const TRIGGERS: readonly Trigger[] = [
  "data-change",
  "quality-change",
  "data-update",
  "integrity",
  "general-interrogation",
  "application",
];

/** Reports whose fields are those that their options announce. */
const REPORT = fc
  .record({
    options: fc.subarray([...OPTIONS]),
    size: fc.integer({ min: 1, max: 40 }),
    text: NAME,
    bytes: OCTETS,
    number: fc.nat(65_535),
    flag: fc.boolean(),
    values: fc.array(VALUE, { minLength: 40, maxLength: 40 }),
    included: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    reasons: fc.subarray([...TRIGGERS], { minLength: 1 }),
  })
  .map(({ options, size, text, bytes, number, flag, values, included, reasons }) => {
    const set = new Set(options);
    const when = <T>(option: ReportOption, value: T) => (set.has(option) ? value : undefined);
    const report: Report = {
      reportId: text,
      options: set,
      sequence: when("sequence-number", number),
      entryTimeMs: when("report-time", 1_795_219_481_921),
      dataSet: when("data-set", text),
      hasOverflowed: when("buffer-overflow", flag),
      entryId: when("entry-id", bytes),
      configurationRevision: when("configuration-revision", number),
      subSequence: when("segmentation", number),
      moreFollows: set.has("segmentation") && flag,
      entries: values.slice(0, size).flatMap((value, index) =>
        included[index] === true
          ? [
              {
                index,
                reference: when("data-reference", text),
                value,
                reasons: when("reason", reasons),
              },
            ]
          : [],
      ),
    };
    return { report, size };
  });

function bits(digits: string, bitCount: number): AccessResult {
  return { kind: "bits", bitCount, bytes: octets(digits) };
}

function reportOf(...results: readonly AccessResult[]): InformationReport {
  return { access: { by: "list", list: { scope: "device", item: "RPT" } }, results };
}

const ID: AccessResult = { kind: "text", value: "r" };
const TRUTH: AccessResult = { kind: "boolean", value: true };
const ONE: AccessResult = { kind: "unsigned", value: 1 };

function faultOf(size: number, ...results: readonly AccessResult[]): string {
  const decoded = decodeReport(reportOf(...results), size);
  return decoded.result === "undecodable" ? decoded.fault : "decoded";
}

describe("reports", () => {
  it("come back whatever their options are", () => {
    fc.assert(
      fc.property(REPORT, ({ report, size }) => {
        const information = encodeReport(report, size);
        assert.ok(isReport(information));
        assert.equal(reportIdOf(information), report.reportId);
        assert.deepEqual(decodeReport(information, size), { result: "report", report });
      }),
      { numRuns: 300 },
    );
  });

  it("name their options and triggers by the bits of the standard", () => {
    // 0111 1000 10: sequence, time, reason, data set, configuration revision.
    const options = reportOptions({ bitCount: 10, bytes: octets("7880") });
    assert.deepEqual([...options], [...OPTIONS.slice(0, 4), "configuration-revision"]);
    assert.deepEqual(optionBits(options), { bitCount: 10, bytes: octets("7880") });
    // 0110 11: data change, quality change, integrity, general interrogation.
    const wanted = triggers({ bitCount: 6, bytes: octets("6c") });
    assert.deepEqual(wanted, [
      "data-change",
      "quality-change",
      "integrity",
      "general-interrogation",
    ]);
    assert.deepEqual(
      triggerBits(["data-change", "quality-change", "integrity", "general-interrogation"]),
      { bitCount: 6, bytes: octets("6c") },
    );
  });

  it("take a reason of seven bits and more, and ignore what is not known", () => {
    assert.deepEqual(triggers({ bitCount: 7, bytes: octets("02") }), ["application"]);
    assert.deepEqual(triggers({ bitCount: 9, bytes: octets("4180") }), ["data-change"]);
  });

  it("do without overflow and entry id where a server announces and does not send them", () => {
    // 0000 0011 00: buffer overflow and entry id; then inclusion of two, both included.
    const decoded = decodeReport(reportOf(ID, bits("0300", 10), bits("c0", 2), ONE, TRUTH), 2);
    assert.ok(decoded.result === "report");
    assert.equal(decoded.report.hasOverflowed, undefined);
    assert.equal(decoded.report.entryId, undefined);
    assert.deepEqual(
      decoded.report.entries.map(({ index, value }) => [index, value]),
      [
        [0, ONE],
        [1, TRUTH],
      ],
    );
  });

  it("keep a member that could not be read as what it is", () => {
    const failure: AccessResult = { kind: "error", code: 10 };
    const decoded = decodeReport(reportOf(ID, bits("0000", 10), bits("80", 1), failure), 1);
    assert.ok(decoded.result === "report");
    assert.deepEqual(decoded.report.entries[0]?.value, failure);
  });

  it("are told as undecodable, with the reason, and throw nothing", () => {
    const none = bits("0000", 10);
    assert.equal(faultOf(1), "wrong-number-of-fields");
    assert.equal(faultOf(1, ONE), "no-report-id");
    assert.equal(faultOf(1, ID, ONE), "no-options");
    assert.equal(faultOf(1, ID, none), "wrong-number-of-fields");
    assert.equal(faultOf(1, ID, none, ONE), "wrong-field");
    assert.equal(faultOf(1, ID, bits("4000", 10), TRUTH), "wrong-field");
    assert.equal(faultOf(1, ID, bits("4000", 10), { kind: "integer", value: -1 }), "wrong-field");
    assert.equal(faultOf(1, ID, none, bits("80", 1)), "wrong-number-of-fields");
    assert.equal(faultOf(1, ID, none, bits("80", 1), TRUTH, TRUTH), "wrong-number-of-fields");
    assert.equal(faultOf(1, ID, bits("1000", 10), bits("80", 1), TRUTH, TRUTH), "wrong-field");
    assert.equal(faultOf(1, ID, none, bits("80", 1), TRUTH), "decoded");
  });

  it("have as many places as the data set has members, no more and no fewer", () => {
    const none = bits("0000", 10);
    assert.equal(faultOf(2, ID, none, bits("80", 1), TRUTH), "wrong-data-set-size");
    assert.equal(faultOf(1, ID, none, bits("80", 2), TRUTH), "wrong-data-set-size");
    assert.equal(
      faultOf(1, ID, none, bits("80".padEnd(8192, "0"), 32_768), TRUTH),
      "wrong-data-set-size",
    );
  });

  it("are told from other information by their list", () => {
    const list = { by: "list", list: { scope: "device", item: "OTHER" } } as const;
    assert.ok(!isReport({ access: list, results: [ID] }));
    assert.equal(reportIdOf(reportOf(ONE)), undefined);
  });
});
