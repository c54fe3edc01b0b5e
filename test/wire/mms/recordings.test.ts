import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  decodeAssociationAnswer,
  decodeAssociationRequest,
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  DEFAULT_TRANSPORT_SELECTOR,
  decodeUnit,
  encodeAbort,
  encodeAssociationAccept,
  encodeAssociationRequest,
  encodeMms,
  encodeRelease,
} from "../../../src/wire/mms/association.ts";
import { buildControl, type ControlCommand, readControl } from "../../../src/wire/mms/control.ts";
import { encodeTpdu, segmentTsdu } from "../../../src/wire/mms/cotp.ts";
import { ourInitiate, supportedServices } from "../../../src/wire/mms/initiate.ts";
import { controlName, formatReference, referenceOf } from "../../../src/wire/mms/names.ts";
import type { ObjectName } from "../../../src/wire/mms/object-name.ts";
import type { MmsPdu } from "../../../src/wire/mms/pdu.ts";
import { decodeReport, encodeReport } from "../../../src/wire/mms/report.ts";
import type { MmsRequest } from "../../../src/wire/mms/request.ts";
import type { MmsResponse } from "../../../src/wire/mms/response.ts";
import { controlNoticeOf, encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import { encodeTpkt } from "../../../src/wire/mms/tpkt.ts";
import { memberType, type TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { outline } from "./outline.ts";
import {
  allFrames,
  hex,
  objectTree,
  recordedFrames,
  RECORDINGS,
  TransportReceiver,
} from "./recorded-frames.ts";

const IDS = { acse: 1, mms: 3 };

/** TSDUs of one recording with the octets of the frames that carried them. */
function tsdusOf(recording: (typeof RECORDINGS)[number]) {
  const receivers = [new TransportReceiver(), new TransportReceiver()] as const;
  const gathered: [Uint8Array[], Uint8Array[]] = [[], []];
  const found: { step: string; toServer: boolean; tsdu: Uint8Array; frames: string }[] = [];
  for (const { step, toServer, bytes } of recordedFrames(recording)) {
    const side = toServer ? 0 : 1;
    gathered[side].push(bytes);
    receivers[side].push(bytes, (arrival) => {
      const frames = gathered[side].map(hex).join("");
      gathered[side] = [];
      if (arrival.type === "tsdu") {
        found.push({ step, toServer, tsdu: arrival.tsdu.slice(), frames });
      }
    });
  }
  return found;
}

function pdusOf(recording: (typeof RECORDINGS)[number]) {
  return tsdusOf(recording).flatMap(({ step, toServer, tsdu, frames }) => {
    if (tsdu[0] !== 0x01) return [];
    const unit = decodeUnit(tsdu, IDS);
    return unit.unit === "mms" ? [{ step, toServer, pdu: unit.pdu, frames }] : [];
  });
}

function requestsOf(recording: (typeof RECORDINGS)[number], step: string): MmsRequest[] {
  return pdusOf(recording).flatMap(({ step: at, pdu }) =>
    at === step && pdu.kind === "confirmed-request" ? [pdu.request] : [],
  );
}

function responsesOf(recording: (typeof RECORDINGS)[number], step: string): MmsResponse[] {
  return pdusOf(recording).flatMap(({ step: at, pdu }) =>
    at === step && pdu.kind === "confirmed-response" ? [pdu.response] : [],
  );
}

function domainItem(name: ObjectName): [string, string] {
  assert.ok(name.scope === "domain");
  return [name.domain, name.item];
}

describe("recorded frames of a foreign client and server", () => {
  it("are 206 and say what their labels promise", () => {
    const seen: string[] = [];
    let step = "";
    for (const recording of RECORDINGS) {
      const receivers = [new TransportReceiver(), new TransportReceiver()] as const;
      for (const frame of recordedFrames(recording)) {
        if (frame.step !== step) seen.push(`[${frame.step}]`);
        step = frame.step;
        const said: string[] = [];
        receivers[frame.toServer ? 0 : 1].push(frame.bytes, (arrival) => {
          said.push(outline(arrival));
        });
        seen.push(`${frame.toServer ? ">" : "<"} ${said.length === 0 ? "-" : said.join()}`);
      }
    }
    const expected = readFileSync("test/vectors/mms/outline.txt", "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.deepEqual(seen, expected);
    assert.equal(allFrames().length, 206);
  });

  it("come out of our encoder bit by bit as they came in, requests and answers", () => {
    let compared = 0;
    for (const recording of RECORDINGS) {
      for (const { step, pdu, frames } of pdusOf(recording)) {
        assert.equal(hex(segmentTsdu(encodeMms(IDS, pdu), 8192)), frames, step);
        compared++;
      }
    }
    assert.equal(compared, 193);
  });

  it("open an association with the very octets of ours", () => {
    const [request, accept] = tsdusOf("association").filter(({ step }) => step === "associate");
    assert.ok(request !== undefined && accept !== undefined);
    const indication = decodeAssociationRequest(request.tsdu);
    const limits = { outstandingCalling: 5, outstandingCalled: 5, nesting: 10, pduOctets: 65_000 };
    const ours = encodeAssociationRequest({
      calling: DEFAULT_CALLING,
      called: DEFAULT_CALLED,
      password: undefined,
      initiate: { ...ourInitiate(limits, []), services: indication.initiate.services },
    });
    assert.equal(hex(segmentTsdu(ours, 8192)), request.frames);
    const answer = decodeAssociationAnswer(accept.tsdu);
    assert.ok(answer.result === "associated");
    const again = encodeAssociationAccept(indication, IDS, answer.initiate);
    assert.equal(hex(segmentTsdu(again, 8192)), accept.frames);
    assert.deepEqual(indication.initiate.parameters, ourInitiate(limits, []).parameters);
    const services = supportedServices(answer.initiate.services);
    assert.ok(["read", "write", "informationReport"].every((name) => services.has(name as "read")));
  });

  it("connect, release and abort with the very octets of ours", () => {
    const framesOf = (step: string) =>
      recordedFrames("association").filter((frame) => frame.step === step);
    const [request, confirm] = framesOf("associate");
    const selectors = {
      callingSelector: DEFAULT_TRANSPORT_SELECTOR,
      calledSelector: DEFAULT_TRANSPORT_SELECTOR,
      tpduOctets: 8192,
      sourceReference: 1,
    };
    const connect = { type: "connect-request", destinationReference: 0, ...selectors } as const;
    const confirmed = { type: "connect-confirm", destinationReference: 1, ...selectors } as const;
    // The recorded peers put the called selector first; so do we.
    assert.equal(hex(encodeTpkt(encodeTpdu(connect))), hex(request!.bytes));
    assert.equal(hex(encodeTpkt(encodeTpdu(confirmed))), hex(confirm!.bytes));
    const [, , release, released] = framesOf("conclude");
    assert.equal(
      hex(segmentTsdu(encodeRelease(IDS, "release-request"), 8192)),
      hex(release!.bytes),
    );
    assert.equal(
      hex(segmentTsdu(encodeRelease(IDS, "release-response"), 8192)),
      hex(released!.bytes),
    );
    const [abort] = framesOf("abort");
    assert.equal(hex(segmentTsdu(encodeAbort(IDS), 8192)), hex(abort!.bytes));
  });

  it("name the same variables and data sets as that client's own directory", () => {
    const namesIn = (step: string) =>
      responsesOf("directory", step).flatMap((answer) =>
        answer.service === "getNameList" ? [answer.names] : [],
      );
    const tree = objectTree();
    const listed = (kind: string, domain: string) =>
      tree.filter(([k, d]) => k === kind && d === domain).map(([, , name]) => name);
    const [bess, ups] = namesIn("get-name-list-variables");
    assert.deepEqual(bess?.toSorted(), listed("v", "DCPIBESS1").toSorted());
    assert.deepEqual(ups?.toSorted(), listed("v", "DCPIUPS1").toSorted());
    assert.deepEqual(namesIn("get-name-list-datasets"), [
      listed("d", "DCPIBESS1"),
      listed("d", "DCPIUPS1"),
    ]);
    const members = responsesOf("directory", "get-dataset-directory").flatMap((answer) =>
      answer.service === "getNamedVariableListAttributes"
        ? answer.variables.map(({ name }) => formatReference(referenceOf(...domainItem(name))!))
        : [],
    );
    assert.deepEqual(
      members,
      tree.filter(([kind]) => kind === "m").map(([, , , member]) => member),
    );
  });

  it("read a power with its quality and time from one snapshot", () => {
    const [answer] = responsesOf("read-write", "read-structured-do");
    assert.ok(answer?.service === "read");
    assert.deepEqual(answer.results, [
      {
        kind: "structure",
        members: [
          // 48 96 f3 e9 as an IEEE 754 single.
          {
            kind: "structure",
            members: [{ kind: "float", value: 309_151.281_25, width: 32 }],
          },
          { kind: "bits", bitCount: 13, bytes: Uint8Array.of(0, 0) },
          {
            kind: "utc-time",
            // 6b 00 e0 18 s and 45 60 41 / 2^24 s.
            utcMs: 1_795_219_480_271,
            quality: {
              isLeapSecondKnown: true,
              hasClockFailure: false,
              isNotSynchronised: false,
              accuracyBits: 10,
            },
          },
        ],
      },
    ]);
  });

  it("describe a whole logical node as deep as its leaves", () => {
    const [answer] = responsesOf("directory", "get-variable-access-attributes-LN");
    assert.ok(answer?.service === "getVariableAccessAttributes");
    const leaf = memberType(answer.type, ["SP", "MaxWLim", "setMag", "f"]);
    assert.deepEqual(leaf, { kind: "float", width: 32, exponentBits: 8 });
    assert.equal(memberType(answer.type, ["SP", "MaxWLim", "none"]), undefined);
  });
});

/** What the recorded client wrote, and the type that the server had described before. */
function controlRows(): { step: string; type: TypeSpec; written: MmsValue }[] {
  const types = new Map<string, TypeSpec>();
  const rows: { step: string; type: TypeSpec; written: MmsValue }[] = [];
  let asked = "";
  for (const { step, pdu } of pdusOf("control")) {
    if (pdu.kind === "confirmed-request") {
      const { request } = pdu;
      if (request.service === "getVariableAccessAttributes") {
        asked = domainItem(request.name).join("/");
      }
      if (request.service !== "write" || request.access.by !== "names") continue;
      const name = domainItem(request.access.variables[0]!.name).join("/");
      const at = name.lastIndexOf("$");
      const type = memberType(types.get(name.slice(0, at))!, [name.slice(at + 1)]);
      rows.push({ step, type: type!, written: request.values[0]! });
    } else if (pdu.kind === "confirmed-response") {
      const { response } = pdu;
      if (response.service === "getVariableAccessAttributes") types.set(asked, response.type);
    }
  }
  return rows;
}

describe("recorded commands", () => {
  it("are built again from the type that the server described", () => {
    const rows = controlRows();
    assert.equal(rows.length, 15);
    for (const { step, type, written } of rows) {
      const read = readControl(type, written);
      assert.ok(read.result === "command", step);
      assert.equal(read.command.origin.category, 3);
      assert.equal(read.command.origin.identification, "dcpi-gw");
      assert.deepEqual(buildControl(type, read.command), { result: "built", value: written });
    }
  });

  it("are built from a plain number or boolean alike", () => {
    const [setpoint] = controlRows();
    const read = readControl(setpoint!.type, setpoint!.written);
    assert.ok(read.result === "command");
    const { value } = read.command;
    assert.ok(typeof value === "object" && value.kind === "structure");
    const [member] = value.members;
    assert.ok(member?.kind === "float");
    const plain: ControlCommand = { ...read.command, value: member.value };
    assert.deepEqual(buildControl(setpoint!.type, plain), {
      result: "built",
      value: setpoint!.written,
    });
  });

  it("end in notices that come out of our encoder as they came in", () => {
    const notices = pdusOf("control").flatMap(({ pdu }) =>
      pdu.kind === "information-report" ? [pdu.report] : [],
    );
    assert.equal(notices.length, 7);
    for (const report of notices) {
      const notice = controlNoticeOf(report);
      assert.ok(notice !== undefined);
      assert.deepEqual(encodeControlNotice(notice), report);
    }
  });

  it("tell why a selection was refused, with the number of the command", () => {
    const pdu = pdusOf("control").find(
      ({ step, pdu: { kind } }) =>
        step === "control-sboe-select-refused-sbow" && kind === "information-report",
    )?.pdu as Extract<MmsPdu, { kind: "information-report" }>;
    assert.deepEqual(controlNoticeOf(pdu.report), {
      notice: "application-error",
      error: {
        object: "DCPIBESS1/DRCC1$CO$OutVarSet$SBOw",
        error: 0,
        origin: { category: 3, identification: "dcpi-gw" },
        number: 1,
        additionalCause: 10,
      },
    });
    const written = requestsOf("control", "control-sboe-select-refused-sbow")[0];
    assert.ok(written?.service === "write" && written.access.by === "names");
    const object = { ld: "DCPIBESS1", ln: "DRCC1", path: ["OutVarSet"] };
    assert.deepEqual(written.access.variables[0]?.name, controlName(object, "SBOw"));
  });
});

describe("recorded reports", () => {
  const SIZES = [7, 5, 3];
  const reports = pdusOf("report").flatMap(({ step, pdu }) =>
    pdu.kind === "information-report" ? [{ step, information: pdu.report }] : [],
  );

  it("come out of our encoder as they came in", () => {
    assert.equal(reports.length, 34);
    for (const { step, information } of reports) {
      const size = SIZES.find((members) => decodeReport(information, members).result === "report");
      assert.ok(size !== undefined, step);
      const decoded = decodeReport(information, size);
      assert.ok(decoded.result === "report");
      assert.deepEqual(encodeReport(decoded.report, size), information, step);
    }
  });

  it("carry every field of a buffered block", () => {
    const first = reports.find(({ step }) => step === "brcb-evt-set-rcb")!;
    const decoded = decodeReport(first.information, 5);
    assert.ok(decoded.result === "report");
    const { options, ...report } = decoded.report;
    assert.deepEqual(
      [...options],
      [
        "sequence-number",
        "report-time",
        "reason",
        "data-set",
        "data-reference",
        "buffer-overflow",
        "entry-id",
        "configuration-revision",
      ],
    );
    assert.deepEqual(report, {
      reportId: "BESS1/evt01",
      sequence: 0,
      // 00 04 4d 41 ms in the day 3d 31 after 1984-01-01.
      entryTimeMs: 441_763_200_000 + 15_665 * 86_400_000 + 281_921,
      dataSet: "DCPIBESS1/LLN0$dsEvt",
      hasOverflowed: true,
      entryId: Uint8Array.of(0, 0, 1, 0xa1, 0xfb, 0x6b, 0x65, 0x41),
      configurationRevision: 1,
      subSequence: undefined,
      moreFollows: false,
      entries: [
        {
          index: 0,
          reference: "DCPIBESS1/ZBAT1$ST$BatSt$stVal",
          value: { kind: "boolean", value: true },
          reasons: ["data-change"],
        },
      ],
    });
  });

  it("are not believed about the size of their data set", () => {
    const first = reports.find(({ step }) => step === "brcb-evt-set-rcb")!;
    assert.deepEqual(decodeReport(first.information, 7), {
      result: "undecodable",
      fault: "wrong-data-set-size",
      field: 9,
    });
  });
});
