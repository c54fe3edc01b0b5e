import assert from "node:assert/strict";
import type {
  Association,
  ReportPlan,
  SubscribeResult,
  Subscription,
} from "../../../src/drivers/iec61850/engine.ts";
import { ReportMemory } from "../../../src/drivers/iec61850/report-memory.ts";
import type { ObjectName } from "../../../src/wire/mms/object-name.ts";
import { encodeReport, type Report, type Trigger } from "../../../src/wire/mms/report.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import { bitsOf, type MmsValue } from "../../../src/wire/mms/value.ts";
import { RecordingSink } from "../../support/report-sink.ts";
import { until } from "../../support/until.ts";
import {
  associated,
  BOOLEAN,
  CALL,
  INT32U,
  INT8U,
  type Setup,
  setUp,
  structure,
  TEXT,
} from "./setup.ts";

const TIME = Date.UTC(2026, 0, 1, 12);

const BITS = (size: number): TypeSpec => ({ kind: "bits", size });
const UNBUFFERED = {
  RptID: TEXT,
  RptEna: BOOLEAN,
  Resv: BOOLEAN,
  DatSet: TEXT,
  ConfRev: INT32U,
  OptFlds: BITS(-10),
  BufTm: INT32U,
  SqNum: INT8U,
  TrgOps: BITS(-6),
  IntgPd: INT32U,
  GI: BOOLEAN,
} as const;
const BUFFERED = {
  RptID: TEXT,
  RptEna: BOOLEAN,
  DatSet: TEXT,
  ConfRev: INT32U,
  OptFlds: BITS(-10),
  BufTm: INT32U,
  SqNum: { kind: "unsigned", bits: 16 },
  TrgOps: BITS(-6),
  IntgPd: INT32U,
  GI: BOOLEAN,
  PurgeBuf: BOOLEAN,
  EntryID: { kind: "octets", size: 8 },
  TimeOfEntry: { kind: "binary-time", hasDate: true },
  ResvTms: { kind: "integer", bits: 16 },
  Owner: { kind: "octets", size: -64 },
} as const;

type Fields = Readonly<Record<string, MmsValue>>;

/** What a block has when nobody set anything. */
const INITIAL: Fields = {
  RptID: { kind: "text", value: "shared" },
  RptEna: { kind: "boolean", value: false },
  Resv: { kind: "boolean", value: false },
  DatSet: { kind: "text", value: "BESS1/LLN0$dsMeas" },
  ConfRev: { kind: "unsigned", value: 1 },
  OptFlds: { kind: "bits", ...bitsOf(10, []) },
  BufTm: { kind: "unsigned", value: 0 },
  SqNum: { kind: "unsigned", value: 0 },
  TrgOps: { kind: "bits", ...bitsOf(6, []) },
  IntgPd: { kind: "unsigned", value: 0 },
  GI: { kind: "boolean", value: false },
  PurgeBuf: { kind: "boolean", value: false },
  EntryID: { kind: "octets", bytes: new Uint8Array(8) },
  TimeOfEntry: { kind: "binary-time", ms: TIME, hasDate: true },
  ResvTms: { kind: "integer", value: 0 },
  Owner: { kind: "octets", bytes: new Uint8Array(4) },
};

const MEMBERS: readonly ObjectName[] = ["TotW", "TotVAr", "Hz"].map((name) => ({
  scope: "domain",
  domain: "BESS1",
  item: `MMXU1$MX$${name}`,
}));

function serve(setup: Setup, blocks: Readonly<Record<string, Fields>>): void {
  const { peer } = setup;
  const buffered: Record<string, TypeSpec> = {};
  const unbuffered: Record<string, TypeSpec> = {};
  for (const [name, fields] of Object.entries(blocks)) {
    const isBuffered = name.startsWith("b");
    const type = isBuffered ? BUFFERED : UNBUFFERED;
    (isBuffered ? buffered : unbuffered)[name] = structure(type);
    const own = { ...INITIAL, ...fields };
    const members = Object.keys(type).map((field) => own[field]!);
    const root = `BESS1/LLN0$${isBuffered ? "BR" : "RP"}$${name}`;
    peer.values.set(root, { kind: "structure", members });
  }
  const node = structure({ BR: structure(buffered), RP: structure(unbuffered) });
  peer.types.set("BESS1/LLN0", node);
  peer.dataSets.set("BESS1/LLN0$dsMeas", MEMBERS);
}

function planFor(name: string, more: Partial<ReportPlan> = {}): ReportPlan {
  return {
    ld: "BESS1",
    ln: "LLN0",
    isBuffered: name.startsWith("b"),
    names: [name],
    triggers: ["data-change", "quality-change"],
    integrityMs: 0,
    bufferMs: 50,
    reserveS: 60,
    isInterrogated: false,
    memory: new ReportMemory(undefined),
    ...more,
  };
}

function entryId(number: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, number >> 8, number & 0xff);
}

interface ReportParts extends Partial<Omit<Report, "entries">> {
  readonly at?: readonly number[];
  readonly reason?: Trigger;
  readonly size?: number;
}

/** A report of `name`, as the peer sends it. */
function send(setup: Setup, name: string, parts: ReportParts): void {
  const isBuffered = name.startsWith("b");
  const { at = [0], reason = "data-change", size = MEMBERS.length, ...fields } = parts;
  const report: Report = {
    reportId: `BESS1/LLN0$${isBuffered ? "BR" : "RP"}$${name}`,
    options: new Set([
      "sequence-number",
      "report-time",
      "reason",
      ...(fields.entryId === undefined ? [] : (["entry-id", "buffer-overflow"] as const)),
      ...(fields.subSequence === undefined ? [] : (["segmentation"] as const)),
      ...(fields.configurationRevision === undefined ? [] : (["configuration-revision"] as const)),
    ]),
    sequence: 0,
    entryTimeMs: TIME,
    dataSet: undefined,
    hasOverflowed: false,
    entryId: undefined,
    configurationRevision: undefined,
    subSequence: undefined,
    moreFollows: false,
    ...fields,
    entries: at.map((index) => ({
      index,
      reference: undefined,
      value: { kind: "float", value: index, width: 32 },
      reasons: [reason],
    })),
  };
  setup.peer.inform(encodeReport(report, size));
}

describe("iec61850 reports", () => {
  let setup: Setup;
  let association: Association;
  let sink: RecordingSink;

  async function begin(blocks: Readonly<Record<string, Fields>>): Promise<void> {
    setup = await setUp();
    serve(setup, blocks);
    association = await associated(setup);
    sink = new RecordingSink();
  }

  async function subscribed(plan: ReportPlan): Promise<Subscription> {
    const result = await association.subscribe(plan, sink, CALL);
    assert.ok(result.result === "subscribed", JSON.stringify(result));
    return result.subscription;
  }

  function fieldsWritten(name: string): string[] {
    const root = new RegExp(`\\$(BR|RP)\\$${name}\\$`);
    return setup.peer.written
      .filter((written) => root.test(written))
      .map((written) => written.split("$").at(-1) ?? "");
  }

  afterEach(async () => {
    association.abort();
    await setup.stop();
  });

  it("reserves, configures and enables an unbuffered block in this order", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01", { integrityMs: 2_000, isInterrogated: true }));
    assert.deepEqual(fieldsWritten("urcb01"), [
      "Resv",
      "OptFlds",
      "TrgOps",
      "IntgPd",
      "BufTm",
      "RptID",
      "RptEna",
      "GI",
    ]);
    const triggers = setup.peer.writes.find(({ name }) => name.endsWith("TrgOps"))?.value;
    assert.deepEqual(triggers, { kind: "bits", ...bitsOf(6, [1, 2, 4, 5]) });
  });

  it("empties the buffer at the very first subscription, and never again", async () => {
    await begin({ brcb01: {} });
    const plan = planFor("brcb01");
    const first = await subscribed(plan);
    assert.deepEqual(fieldsWritten("brcb01").slice(-3), ["RptID", "PurgeBuf", "RptEna"]);
    send(setup, "brcb01", { entryId: entryId(1), hasOverflowed: true });
    await until(() => sink.reports.length === 1);
    assert.equal(sink.reports[0]?.isBuffered, false);
    // The first overflow after a purge is the purge itself.
    assert.deepEqual(sink.gaps, []);
    await first.stop(CALL);
    setup.peer.writes.length = 0;
    await subscribed(plan);
    assert.ok(!fieldsWritten("brcb01").includes("PurgeBuf"));
  });

  it("does not write what the block has: writing it would empty the buffer", async () => {
    const had: Fields = {
      RptID: { kind: "text", value: "BESS1/LLN0$BR$brcb01" },
      OptFlds: { kind: "bits", ...bitsOf(10, [1, 2, 3, 4, 6, 7, 8]) },
      TrgOps: { kind: "bits", ...bitsOf(6, [1, 2]) },
      BufTm: { kind: "unsigned", value: 50 },
    };
    await begin({ brcb01: had });
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(7) });
    await subscribed(planFor("brcb01", { memory }));
    assert.deepEqual(fieldsWritten("brcb01"), ["ResvTms", "EntryID", "RptEna"]);
    const resumed = setup.peer.writes.find(({ name }) => name.endsWith("EntryID"))?.value;
    assert.deepEqual(resumed, { kind: "octets", bytes: entryId(7) });
  });

  it("flags the buffer until the interrogation, and delivers each entry once", async () => {
    await begin({ brcb01: {} });
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(3) });
    memory.note(entryId(4), TIME + 4);
    await subscribed(planFor("brcb01", { memory, isInterrogated: true }));
    const send1 = (number: number, parts: ReportParts = {}) => {
      send(setup, "brcb01", {
        sequence: number - 4,
        entryId: entryId(number),
        entryTimeMs: TIME + number,
        ...parts,
      });
    };
    for (const number of [4, 5, 6]) send1(number);
    send1(7, { reason: "general-interrogation", at: [0, 1, 2] });
    send1(8);
    send1(9, { entryTimeMs: TIME + 2 });
    await until(() => sink.reports.length === 5);
    assert.deepEqual(
      sink.reports.map(({ isBuffered }) => isBuffered),
      [true, true, false, false, true],
    );
    assert.equal(sink.reports[2]?.kind, "general-interrogation");
    assert.equal(association.counters.duplicateReports, 1);
    assert.deepEqual(sink.gaps, []);
  });

  it("takes the buffer for told after a second of silence, without an interrogation", async () => {
    await begin({ brcb01: {} });
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(3) });
    await subscribed(planFor("brcb01", { memory }));
    send(setup, "brcb01", { sequence: 0, entryId: entryId(4) });
    await until(() => sink.reports.length === 1);
    await setup.clock.advance(1_050);
    send(setup, "brcb01", { sequence: 1, entryId: entryId(5) });
    await until(() => sink.reports.length === 2);
    assert.deepEqual(
      sink.reports.map(({ isBuffered }) => isBuffered),
      [true, false],
    );
  });

  it("tells a gap when the device no longer has the entry, and takes all it has", async () => {
    await begin({ brcb01: {} });
    setup.peer.onWrite = (name, value) =>
      name.endsWith("EntryID") && value.kind === "octets" && value.bytes[7] === 9
        ? { code: 11 }
        : "accepted";
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(9) });
    await subscribed(planFor("brcb01", { memory, isInterrogated: true }));
    assert.deepEqual(sink.gaps, [{ gap: "entry-unknown", code: 11 }]);
    assert.deepEqual(fieldsWritten("brcb01").slice(-4), ["EntryID", "EntryID", "RptEna", "GI"]);
  });

  it("leaves a block of another client alone and takes the next instance", async () => {
    await begin({ urcb01: { Resv: { kind: "boolean", value: true } }, urcb02: {} });
    const plan = planFor("urcb01", { names: ["urcb01", "urcb02"] });
    const subscription = await subscribed(plan);
    assert.equal(subscription.block.name, "urcb02");
    assert.deepEqual(fieldsWritten("urcb01"), []);
  });

  for (const code of [2, 3]) {
    it(`takes code ${code} at the reservation for another client's block`, async () => {
      const owner: MmsValue = { kind: "octets", bytes: Uint8Array.of(10, 0, 0, 7) };
      await begin({ brcb01: { Owner: owner } });
      setup.peer.onWrite = () => ({ code });
      const result: SubscribeResult = await association.subscribe(planFor("brcb01"), sink, CALL);
      assert.deepEqual(result, { result: "occupied", owner: "10.0.0.7" });
    });
  }

  it("waits for its own block, with its buffer, rather than to take another", async () => {
    const owner: MmsValue = { kind: "octets", bytes: Uint8Array.of(127, 0, 0, 1) };
    await begin({ brcb01: { Owner: owner }, brcb02: {} });
    setup.peer.onWrite = (name) => (name.includes("brcb01") ? { code: 2 } : "accepted");
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(3) });
    const plan = planFor("brcb02", { names: ["brcb02", "brcb01"], memory });
    const result = await association.subscribe(plan, sink, CALL);
    assert.equal(result.result, "occupied");
    assert.deepEqual(fieldsWritten("brcb02"), []);
  });

  it("tells a gap when its buffer's block is another client's and a new one is taken", async () => {
    await begin({ brcb01: {}, brcb02: {} });
    setup.peer.onWrite = (name) => (name.includes("brcb01") ? { code: 2 } : "accepted");
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(3) });
    const plan = planFor("brcb01", { names: ["brcb01", "brcb02"], memory });
    await subscribed(plan);
    assert.deepEqual(sink.gaps, [{ gap: "other-instance", was: "brcb01", is: "brcb02" }]);
  });

  it("says which field the device refuses", async () => {
    await begin({ urcb01: {} });
    setup.peer.onWrite = (name) => (name.endsWith("TrgOps") ? { code: 7 } : "accepted");
    const result = await association.subscribe(planFor("urcb01"), sink, CALL);
    assert.deepEqual(result, { result: "refused", block: "urcb01", step: "TrgOps", code: 7 });
    assert.equal(fieldsWritten("urcb01").at(-1), "Resv");
  });

  it("keeps blocks apart that came with one id for all", async () => {
    await begin({ urcb01: {}, urcb02: {} });
    const other = new RecordingSink();
    await subscribed(planFor("urcb01"));
    const second = await association.subscribe(planFor("urcb02"), other, CALL);
    assert.equal(second.result, "subscribed");
    send(setup, "urcb02", {});
    await until(() => other.reports.length === 1);
    assert.equal(sink.reports.length, 0);
  });

  it("does not subscribe twice under an id that the device will not change", async () => {
    await begin({ urcb01: {}, urcb02: {} });
    setup.peer.onWrite = (name) => (name.endsWith("RptID") ? { code: 3 } : "accepted");
    await subscribed(planFor("urcb01"));
    const result = await association.subscribe(planFor("urcb02"), sink, CALL);
    assert.ok(result.result === "refused" && result.step === "RptID");
  });

  for (const { name, last } of [
    { name: "urcb01", last: 255 },
    { name: "brcb01", last: 65_535 },
  ]) {
    it(`counts the reports of ${name} to ${last} and from 0 again`, async () => {
      await begin({ [name]: {} });
      await subscribed(planFor(name));
      send(setup, name, { sequence: last });
      send(setup, name, { sequence: 0 });
      send(setup, name, { sequence: 2 });
      await until(() => sink.reports.length === 3);
      assert.deepEqual(sink.gaps, [{ gap: "sequence", expected: 1, got: 2 }]);
    });
  }

  it("takes 256 of a buffered block for the one after 255", async () => {
    await begin({ brcb01: {} });
    await subscribed(planFor("brcb01"));
    for (const sequence of [255, 256]) send(setup, "brcb01", { sequence });
    await until(() => sink.reports.length === 2);
    assert.deepEqual(sink.gaps, []);
  });

  it("joins the segments of a report", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01"));
    send(setup, "urcb01", { sequence: 4, subSequence: 0, moreFollows: true, at: [0] });
    send(setup, "urcb01", { sequence: 4, subSequence: 1, moreFollows: true, at: [1] });
    send(setup, "urcb01", { sequence: 4, subSequence: 2, at: [2] });
    send(setup, "urcb01", { sequence: 5, at: [1] });
    await until(() => sink.reports.length === 2);
    assert.deepEqual(
      sink.reports[0]?.entries.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.deepEqual(sink.gaps, []);
  });

  it("drops a report with a missing segment, and goes on", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01"));
    send(setup, "urcb01", { sequence: 4, subSequence: 0, moreFollows: true });
    send(setup, "urcb01", { sequence: 4, subSequence: 2 });
    send(setup, "urcb01", { sequence: 5 });
    await until(() => sink.reports.length === 1);
    assert.deepEqual(sink.losses, ["a segment is missing", "the first segment is missing"]);
  });

  it("drops a report whose segments do not end: after 64, or after 5 s", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01"));
    for (let subSequence = 0; subSequence < 64; subSequence += 1) {
      send(setup, "urcb01", { sequence: 1, subSequence, moreFollows: true });
    }
    await until(() => sink.losses.length === 1);
    send(setup, "urcb01", { sequence: 2, subSequence: 0, moreFollows: true });
    await until(() => association.counters.reports === 65);
    await setup.clock.advance(5_050);
    assert.equal(sink.losses.length, 2);
    assert.equal(sink.reports.length, 0);
  });

  it("drops a report that does not fit its data set, and the association goes on", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01"));
    send(setup, "urcb01", { size: 4 });
    send(setup, "urcb01", { sequence: 1 });
    await until(() => sink.reports.length === 1);
    assert.equal(association.counters.undecodableReports, 1);
    assert.match(sink.losses[0] ?? "", /wrong-data-set-size/);
    assert.ok(association.isUp);
  });

  it("counts reports that nobody subscribed to", async () => {
    await begin({ urcb01: {} });
    send(setup, "urcb01", {});
    await until(() => association.counters.strayReports === 1);
  });

  it("tells an overflow of the buffer and a new configuration", async () => {
    await begin({ brcb01: {} });
    const memory = new ReportMemory({ block: "brcb01", entryId: entryId(3) });
    await subscribed(planFor("brcb01", { memory }));
    send(setup, "brcb01", {
      entryId: entryId(5),
      hasOverflowed: true,
      configurationRevision: 2,
    });
    await until(() => sink.reports.length === 1);
    assert.deepEqual(sink.gaps, [{ gap: "configuration", was: 1, is: 2 }, { gap: "overflow" }]);
  });

  it("tells a data set that lost a member since the last time", async () => {
    await begin({ urcb01: {} });
    const plan = planFor("urcb01");
    const first = await subscribed(plan);
    await first.stop(CALL);
    setup.peer.dataSets.set("BESS1/LLN0$dsMeas", MEMBERS.slice(1));
    const second = await subscribed(plan);
    assert.deepEqual(sink.gaps, [{ gap: "members", was: 3, is: 2 }]);
    assert.deepEqual(
      second.members.map(({ reference }) => reference?.path),
      [["TotVAr"], ["Hz"]],
    );
  });

  it("notices that integrity reports stopped, once", async () => {
    await begin({ urcb01: {} });
    await subscribed(planFor("urcb01", { integrityMs: 2_000 }));
    await setup.clock.advance(4_900);
    assert.deepEqual(sink.silences, []);
    send(setup, "urcb01", { reason: "integrity" });
    await until(() => sink.reports.length === 1);
    await setup.clock.advance(4_900);
    assert.deepEqual(sink.silences, []);
    await setup.clock.advance(10_000);
    assert.deepEqual(sink.silences, [5_000]);
  });

  it("disables the block and gives it back when it stops", async () => {
    await begin({ urcb01: {} });
    const subscription = await subscribed(planFor("urcb01", { integrityMs: 2_000 }));
    setup.peer.writes.length = 0;
    await subscription.stop(CALL);
    assert.deepEqual(fieldsWritten("urcb01"), ["RptEna", "Resv"]);
    send(setup, "urcb01", {});
    await until(() => association.counters.strayReports === 1);
    assert.equal(setup.wheel.size, 1, "only the probe of the link still waits");
  });

  it("takes a report that comes before the answer to its enabling", async () => {
    await begin({ urcb01: {} });
    setup.peer.onWrite = (name) => {
      if (name.endsWith("RptEna")) send(setup, "urcb01", {});
      return "accepted";
    };
    await subscribed(planFor("urcb01"));
    assert.equal(sink.reports.length, 1);
  });
});
