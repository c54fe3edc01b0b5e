import { strict as assert } from "node:assert";
import {
  elementsOf,
  failureOf,
  NoticeJoiner,
  readResponsePdu,
  reportPdu,
  serviceErrorOf,
  typeSpecOf,
} from "../../../src/drivers/iec61850/native-answers.ts";
import { BerWriter } from "../../../src/wire/mms/ber-writer.ts";
import type { ObjectName } from "../../../src/wire/mms/object-name.ts";
import { decodePdu } from "../../../src/wire/mms/pdu.ts";
import { controlNoticeOf, encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import { type MmsValue, writeValue } from "../../../src/wire/mms/value.ts";

const ORIGIN: MmsValue = {
  kind: "structure",
  members: [
    { kind: "integer", value: 3 },
    { kind: "octets", bytes: Uint8Array.of(101) },
  ],
};
const OPER: ObjectName = { scope: "domain", domain: "DCPIBESS1", item: "DRCC3$CO$OutWSet$Oper" };
const LAST_ERROR: ObjectName = { scope: "device", item: "LastApplError" };

function ber(...values: readonly MmsValue[]): Uint8Array {
  const writer = new BerWriter();
  for (const value of values) writeValue(writer, value);
  return writer.finish();
}

function command(number: number): Uint8Array {
  const members: readonly MmsValue[] = [
    { kind: "structure", members: [{ kind: "float", value: 1, width: 32 }] },
    ORIGIN,
    { kind: "unsigned", value: number },
  ];
  return ber({ kind: "structure", members });
}

function cause(number: number, object = "DCPIBESS1/DRCC3$CO$OutWSet$Oper"): Uint8Array {
  const error = {
    object,
    error: 1,
    origin: { category: 3, identification: "e" },
    number,
    additionalCause: 8,
  };
  const [value] = encodeControlNotice({ notice: "application-error", error }).results;
  assert.ok(value !== undefined && value.kind !== "error");
  return ber(value);
}

function noticeOf(pdu: Uint8Array): string {
  const decoded = decodePdu(pdu);
  assert.equal(decoded.kind, "information-report");
  const notice = controlNoticeOf(decoded.report);
  if (notice?.notice !== "termination") return notice?.notice ?? "none";
  return notice.error === undefined ? "ended well" : `broken off: ${notice.error.additionalCause}`;
}

describe("answers of libiec61850 as PDUs", () => {
  it("join the cause of a broken command with its end, which the library takes apart", () => {
    const joiner = new NoticeJoiner();
    assert.equal(noticeOf(joiner.take(LAST_ERROR, cause(7))), "application-error");
    assert.equal(noticeOf(joiner.take(OPER, command(7))), "broken off: 8");
  });

  it("leave an end alone that has no cause, or the cause of another command", () => {
    const joiner = new NoticeJoiner();
    assert.equal(noticeOf(joiner.take(OPER, command(7))), "ended well");
    joiner.take(LAST_ERROR, cause(6));
    assert.equal(noticeOf(joiner.take(OPER, command(7))), "ended well");
    joiner.take(LAST_ERROR, cause(7, "DCPIBESS1/DRCC4$CO$OutWSet$Oper"));
    assert.equal(noticeOf(joiner.take(OPER, command(7))), "ended well");
  });

  it("use a cause once, and only for what comes directly after it", () => {
    const joiner = new NoticeJoiner();
    joiner.take(LAST_ERROR, cause(7));
    joiner.take({ ...OPER, item: "GGIO1$ST$Ind1" }, ber({ kind: "boolean", value: true }));
    assert.equal(noticeOf(joiner.take(OPER, command(7))), "ended well");
    joiner.take(LAST_ERROR, cause(8));
    assert.equal(noticeOf(joiner.take(OPER, command(8))), "broken off: 8");
    assert.equal(noticeOf(joiner.take(OPER, command(8))), "ended well");
  });

  it("carry values through as they came", () => {
    const values: readonly MmsValue[] = [
      { kind: "boolean", value: true },
      { kind: "unsigned", value: 7 },
    ];
    const inside = elementsOf(ber({ kind: "array", members: values }));
    const read = decodePdu(readResponsePdu(5, inside));
    assert.deepEqual(read, {
      kind: "confirmed-response",
      invokeId: 5,
      response: { service: "read", access: undefined, results: values },
    });
    const report = decodePdu(reportPdu({ scope: "device", item: "RPT" }, inside));
    assert.ok(report.kind === "information-report");
    assert.deepEqual(report.report.results, values);
  });

  it("tell the error of the library as the device had told it", () => {
    const refused: readonly (readonly [number, number, number])[] = [
      [81, 7, 2],
      [82, 7, 1],
      [83, 7, 3],
      [34, 2, 1],
      [35, 2, 5],
      [41, 3, 1],
      [9, 12, 0],
      [93, 12, 0],
    ];
    for (const [error, errorClass, code] of refused)
      assert.deepEqual(serviceErrorOf(error), { class: errorClass, code }, String(error));
    assert.deepEqual(failureOf(1, 2), { failure: "lost" });
    assert.deepEqual(failureOf(1, 3), { failure: "silence" });
    assert.deepEqual(failureOf(1, 4), { failure: "malformed" });
    const rejected = failureOf(9, 103);
    assert.ok(rejected.failure === "refused");
    assert.deepEqual(decodePdu(rejected.pdu), {
      kind: "reject",
      invokeId: 9,
      rejected: 1,
      reason: 1,
    });
  });

  it("spell the types of the library, and none that it does not describe", () => {
    const leaf = (kind: number, size: number) => ({ kind, size, exponentBits: 8, parts: [] });
    const type = {
      ...leaf(1, 2),
      parts: [
        { name: "f", type: leaf(6, 32) },
        { name: "rows", type: { ...leaf(0, 3), parts: [{ name: "", type: leaf(3, -13) }] } },
      ],
    };
    assert.deepEqual(typeSpecOf(type), {
      kind: "structure",
      members: [
        { name: "f", type: { kind: "float", width: 32, exponentBits: 8 } },
        { name: "rows", type: { kind: "array", count: 3, element: { kind: "bits", size: -13 } } },
      ],
    });
    assert.equal(
      typeSpecOf({ ...leaf(1, 1), parts: [{ name: "x", type: leaf(9, 1) }] }),
      undefined,
    );
  });
});
