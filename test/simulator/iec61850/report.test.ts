import assert from "node:assert/strict";
import { sequenceAfter } from "../../../src/simulator/iec61850/report-block.ts";
import {
  optionBits,
  type Report,
  type ReportOption,
  triggerBits,
} from "../../../src/wire/mms/report.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { Bench, LD, name, type TableClient } from "./support/table-client.ts";

const URCB = "LLN0$RP$urcbMeas01";
const BRCB = "LLN0$BR$brcbEvt01";
const MEMBERS = 3;
const EVENTS = 2;
const OCCUPIED = { code: 2 };
const ALL_OPTIONS: readonly ReportOption[] = [
  "sequence-number",
  "report-time",
  "reason",
  "data-set",
  "data-reference",
  "buffer-overflow",
  "entry-id",
  "configuration-revision",
];

const octets = (bytes: Uint8Array): MmsValue => ({ kind: "octets", bytes });
const options = (of: readonly ReportOption[]): MmsValue => {
  return { kind: "bits", ...optionBits(new Set(of)) };
};
const onlyTriggers = (...of: Parameters<typeof triggerBits>[0]): MmsValue => {
  return { kind: "bits", ...triggerBits(of) };
};

/** Reasons of each report by the place of its values. */
const reasonsOf = (reports: readonly Report[]) =>
  reports.map(({ entries }) =>
    entries.map(({ index, reasons = [] }) => `${index} ${reasons.join("+")}`).join(", "),
  );

function enable(client: TableClient, block: string): TableClient {
  assert.equal(client.set(block, "RptEna", true), "accepted");
  return client;
}

const raise = (bench: Bench, isRaised: boolean): void => {
  bench.set("ZBAT1.BatVHi.stVal[ST]", isRaised);
};

/** Events one after another, told apart by their order. */
async function raiseTimes(bench: Bench, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const { value } = bench.device.find(`${LD}/ZBAT1.BatVHi.stVal[ST]`)!;
    assert.ok(value.kind === "boolean");
    raise(bench, !value.value);
    await bench.clock.advance(1);
  }
}

const idsOf = (reports: readonly Report[]) =>
  reports.map(({ entryId }) => Number(Buffer.from(entryId ?? []).readBigUInt64BE()));

describe("report blocks of the simulated IED", () => {
  describe("unbuffered", () => {
    it("tell a change and a change of quality, in one report for one moment", async () => {
      const bench = new Bench();
      const client = enable(bench.client(), URCB);

      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      bench.device.update([
        { reference: `${LD}/MMXU1.TotW.mag.f[MX]`, value: 7 },
        { reference: `${LD}/MMXU1.TotW.q[MX]`, value: 0b0100000000000 },
        { reference: `${LD}/MMXU1.PhV.phsA.q[MX]`, value: 0b0100000000000 },
      ]);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      await bench.settle();

      assert.deepEqual(reasonsOf(client.reports(MEMBERS)), [
        "1 data-change",
        "0 data-change+quality-change, 2 quality-change",
      ]);
    });

    it("say nothing before they are enabled nor after", async () => {
      const bench = new Bench();
      const client = bench.client();
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      enable(client, URCB);
      assert.equal(client.set(URCB, "RptEna", false), "accepted");
      bench.set("MMXU1.Hz.mag.f[MX]", 49.8);
      await bench.clock.advance(60_000);

      assert.deepEqual(client.reports(MEMBERS), []);
    });

    it("carry what their options ask for, but for what only a buffered one has", () => {
      const bench = new Bench();
      const client = bench.client();
      assert.equal(client.set(URCB, "OptFlds", options(ALL_OPTIONS)), "accepted");
      enable(client, URCB);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);

      const [report] = client.reports(MEMBERS);

      assert.ok(report);
      assert.equal(report.reportId, "meas");
      assert.equal(report.sequence, 0);
      assert.equal(report.entryTimeMs, Date.UTC(2026, 0, 1));
      assert.equal(report.dataSet, `${LD}/LLN0$dsMeas`);
      assert.equal(report.configurationRevision, 1);
      assert.equal(report.entries[0]?.reference, `${LD}/MMXU1$MX$Hz`);
      assert.equal(report.entryId, undefined);
      assert.equal(report.hasOverflowed, undefined);
      assert.equal(report.options.has("entry-id"), false);
      assert.equal(report.options.has("segmentation"), false);
    });

    it("carry nothing else when no options are set, and all of them with segmentation", () => {
      const bench = new Bench();
      const client = bench.client();
      client.set(URCB, "OptFlds", options([]));
      enable(client, URCB);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      const [bare] = client.reports(MEMBERS);
      assert.ok(bare);
      assert.equal(bare.sequence, undefined);
      assert.equal(bare.entries[0]?.reasons, undefined);

      client.set(URCB, "RptEna", false);
      client.set(URCB, "OptFlds", options(["segmentation"]));
      enable(client, URCB);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.8);
      const [single] = client.reports(MEMBERS);
      assert.deepEqual([single?.subSequence, single?.moreFollows], [0, false]);
    });

    it("tell everything in every integrity period and at an interrogation", async () => {
      const bench = new Bench();
      const client = bench.client();
      assert.equal(client.set(URCB, "IntgPd", 1000), "accepted");
      enable(client, URCB);
      await bench.clock.advance(2500);
      assert.deepEqual(reasonsOf(client.reports(MEMBERS)), [
        "0 integrity, 1 integrity, 2 integrity",
        "0 integrity, 1 integrity, 2 integrity",
      ]);

      assert.equal(client.set(URCB, "GI", true), "accepted");
      assert.deepEqual(client.reports(MEMBERS), [], "the answer comes first");
      await bench.settle();
      assert.deepEqual(reasonsOf(client.reports(MEMBERS)), [
        [0, 1, 2].map((at) => `${at} general-interrogation`).join(", "),
      ]);
    });

    it("tell only what was asked for", async () => {
      const bench = new Bench();
      const client = bench.client();
      client.set(URCB, "TrgOps", onlyTriggers("quality-change"));
      client.set(URCB, "IntgPd", 1000);
      enable(client, URCB);
      assert.deepEqual(client.set(URCB, "GI", true), { code: 3 });
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      bench.set("MMXU1.Hz.q[MX]", 1);
      await bench.clock.advance(3000);

      assert.deepEqual(reasonsOf(client.reports(MEMBERS)), ["1 quality-change"]);
    });

    it("wait for the buffer time, and no longer when a value changes twice", async () => {
      const bench = new Bench();
      const client = bench.client();
      client.set(URCB, "BufTm", 500);
      enable(client, URCB);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.9);
      await bench.clock.advance(300);
      bench.set("MMXU1.TotW.mag.f[MX]", 5);
      await bench.clock.advance(199);
      assert.deepEqual(client.reports(MEMBERS), []);
      await bench.clock.advance(1);
      assert.deepEqual(reasonsOf(client.reports(MEMBERS)), ["0 data-change, 1 data-change"]);

      bench.set("MMXU1.Hz.mag.f[MX]", 49.8);
      bench.set("MMXU1.Hz.mag.f[MX]", 49.7);
      const [first] = client.reports(MEMBERS);
      const value = first?.entries[0]?.value;
      assert.ok(value?.kind === "structure");
      assert.ok(Math.abs(49.8 - numberIn(value)) < 1e-4, "the first change is not hidden");
      await bench.clock.advance(500);
      assert.equal(client.reports(MEMBERS).length, 1);
    });

    it("count to 255 and begin again, and begin anew when enabled", () => {
      const bench = new Bench();
      const client = enable(bench.client(), URCB);
      for (let at = 0; at < 258; at++) bench.set("MMXU1.Hz.mag.f[MX]", at);
      const numbers = client.reports(MEMBERS).map(({ sequence }) => sequence);
      assert.deepEqual(numbers.slice(0, 2), [0, 1]);
      assert.deepEqual(numbers.slice(254), [254, 255, 0, 1]);

      client.set(URCB, "RptEna", false);
      enable(client, URCB);
      bench.set("MMXU1.Hz.mag.f[MX]", 60);
      assert.equal(client.reports(MEMBERS)[0]?.sequence, 0);
    });

    it("come in segments that fit the PDU of their client", async () => {
      const bench = new Bench();
      const client = bench.client({ pduOctets: 256 });
      client.set(URCB, "OptFlds", options(["sequence-number", "reason", "data-reference"]));
      enable(client, URCB);
      client.set(URCB, "GI", true);
      await bench.settle();

      const reports = client.reports(MEMBERS);

      assert.ok(reports.length > 1);
      assert.deepEqual(
        reports.map(({ subSequence, moreFollows, sequence }) => [
          subSequence,
          moreFollows,
          sequence,
        ]),
        reports.map((_, at) => [at, at < reports.length - 1, 0]),
      );
      assert.deepEqual(
        reports.flatMap(({ entries }) => entries.map(({ index }) => index)),
        [0, 1, 2],
      );
    });

    it("leave out a value that no PDU of their client can hold, and count it", async () => {
      const bench = new Bench();
      const client = bench.client({ pduOctets: 256 });
      const variables = ["MMXU1$MX$Hz", "DRCC1$CO", "ZBAT1$ST$BatSt"].map((item) => {
        return { name: name(item), alternateAccess: undefined };
      });
      client.response("defineNamedVariableList", {
        service: "defineNamedVariableList",
        name: { scope: "association", item: "big" },
        variables,
      });
      assert.equal(client.set(URCB, "DatSet", "@big"), "accepted");
      enable(client, URCB);
      client.set(URCB, "GI", true);
      await bench.settle();

      const reports = client.reports(MEMBERS);
      assert.deepEqual(
        reports.flatMap(({ entries }) => entries.map(({ index }) => index)),
        [0, 2],
      );
      assert.equal(reports.at(-1)?.moreFollows, false);
      assert.equal(bench.device.reports[0]?.block.counters.oversized, 1);
    });

    it("are lost, with a gap in their numbers, when the client does not read", () => {
      const bench = new Bench();
      const client = enable(bench.client(), URCB);
      client.unsentOctets = 1_000_000;
      bench.set("MMXU1.Hz.mag.f[MX]", 1);
      bench.set("MMXU1.Hz.mag.f[MX]", 2);
      client.unsentOctets = 0;
      bench.set("MMXU1.Hz.mag.f[MX]", 3);

      assert.deepEqual(
        client.reports(MEMBERS).map(({ sequence }) => sequence),
        [2],
      );
    });

    it("belong to who reserved or enabled them; others are told so by code 2", () => {
      const bench = new Bench();
      const [one, other] = [bench.client(), bench.client({ address: [10, 0, 0, 2] })];

      assert.equal(one.set(URCB, "Resv", true), "accepted");
      assert.deepEqual(other.set(URCB, "RptEna", true), OCCUPIED);
      assert.deepEqual(other.set(URCB, "Resv", true), OCCUPIED);
      assert.deepEqual(other.read(`${URCB}$Owner`), octets(Uint8Array.of(10, 0, 0, 1)));
      assert.equal(other.set("LLN0$RP$urcbMeas02", "RptEna", true), "accepted");
      one.set(URCB, "Resv", false);
      enable(other, URCB);
      assert.deepEqual(one.set(URCB, "RptEna", true), OCCUPIED);
      other.lose();
      enable(one, URCB);
    });

    it("do not change while they are enabled", () => {
      const client = enable(new Bench().client(), URCB);

      for (const [field, value] of [
        ["IntgPd", 1000],
        ["BufTm", 1],
        ["RptID", "x"],
        ["DatSet", ""],
        ["Resv", false],
        ["OptFlds", options([])],
      ] as const) {
        assert.deepEqual(client.set(URCB, field, value), OCCUPIED, field);
      }
      assert.deepEqual(client.set(URCB, "ConfRev", 3), { code: 3 });
      assert.deepEqual(client.write(`${URCB}$SqNum`, { kind: "boolean", value: true }), {
        code: 7,
      });
    });

    it("take only data sets that are there and periods that are fair", () => {
      const client = new Bench().client();

      assert.deepEqual(client.set(URCB, "DatSet", `${LD}/LLN0$no`), { code: 11 });
      assert.deepEqual(client.set(URCB, "IntgPd", 1), { code: 11 });
      assert.deepEqual(client.set(URCB, "IntgPd", 4_000_000_000), { code: 11 });
      assert.deepEqual(client.set(URCB, "BufTm", 4_000_000_000), { code: 11 });
      assert.equal(client.set(URCB, "DatSet", ""), "accepted");
      assert.equal(client.value(`${URCB}$ConfRev`), 2);
      assert.deepEqual(client.set(URCB, "RptEna", true), { code: 8 });
      assert.equal(client.set(URCB, "DatSet", `${LD}/LLN0$dsEvt`), "accepted");
      enable(client, URCB);
    });
  });

  describe("buffered", () => {
    it("tell what happened before anybody listened, then what happens", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 3);
      const client = enable(bench.client(), BRCB);
      assert.deepEqual(client.reports(EVENTS), [], "the answer comes first");
      await bench.settle();
      await raiseTimes(bench, 1);

      const reports = client.reports(EVENTS);

      assert.deepEqual(idsOf(reports), [1, 2, 3, 4]);
      assert.deepEqual(
        reports.map(({ entryTimeMs = 0 }) => entryTimeMs - Date.UTC(2026, 0, 1)),
        [0, 1, 2, 3],
      );
      assert.deepEqual(
        reports.map(({ sequence }) => sequence),
        [0, 1, 2, 3],
      );
      assert.ok(reports.every(({ hasOverflowed }) => hasOverflowed === false));
    });

    it("go on behind the entry that a client has, after a lost link: none lost, none twice", async () => {
      const bench = new Bench();
      const one = enable(bench.client(), BRCB);
      await raiseTimes(bench, 2);
      const [, last] = one.reports(EVENTS);
      assert.ok(last?.entryId);
      await raiseTimes(bench, 1);
      one.lose();
      await raiseTimes(bench, 2);

      const again = bench.client();
      assert.equal(again.set(BRCB, "EntryID", octets(last.entryId)), "accepted");
      enable(again, BRCB);
      await bench.settle();

      assert.deepEqual(idsOf(again.reports(EVENTS)), [3, 4, 5]);
    });

    it("refuse an unknown entry by code 11, and then tell everything they hold", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 3);
      const client = bench.client();

      const unknown = octets(Uint8Array.of(0, 0, 0, 0, 0, 0, 9, 9));
      assert.deepEqual(client.set(BRCB, "EntryID", unknown), { code: 11 });
      enable(client, BRCB);
      await bench.settle();

      assert.deepEqual(idsOf(client.reports(EVENTS)), [1, 2, 3]);
    });

    it("begin at their oldest entry for an empty EntryID", async () => {
      const bench = new Bench();
      const one = enable(bench.client(), BRCB);
      await raiseTimes(bench, 2);
      assert.equal(one.reports(EVENTS).length, 2);
      one.set(BRCB, "RptEna", false);

      assert.equal(one.set(BRCB, "EntryID", octets(new Uint8Array(8))), "accepted");
      enable(one, BRCB);
      await bench.settle();

      assert.deepEqual(idsOf(one.reports(EVENTS)), [1, 2]);
    });

    it("say once that entries were lost when the buffer was full", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 7);
      const client = enable(bench.client(), BRCB);
      await bench.settle();

      const reports = client.reports(EVENTS);

      assert.deepEqual(idsOf(reports), [3, 4, 5, 6, 7]);
      assert.deepEqual(
        reports.map(({ hasOverflowed }) => hasOverflowed),
        [true, false, false, false, false],
      );
    });

    it("lose nothing by giving up entries that were sent", async () => {
      const bench = new Bench();
      const client = enable(bench.client(), BRCB);
      await raiseTimes(bench, 12);

      const reports = client.reports(EVENTS);

      assert.equal(reports.length, 12);
      assert.ok(reports.every(({ hasOverflowed }) => hasOverflowed === false));
      client.set(BRCB, "RptEna", false);
      const first = reports[0]?.entryId;
      assert.ok(first);
      assert.deepEqual(client.set(BRCB, "EntryID", octets(first)), { code: 11 });
    });

    it("forget everything when purged, and say so in the next report", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 3);
      const client = bench.client();
      assert.equal(client.set(BRCB, "PurgeBuf", true), "accepted");
      enable(client, BRCB);
      await bench.settle();
      assert.deepEqual(client.reports(EVENTS), []);

      await raiseTimes(bench, 2);
      assert.deepEqual(
        client.reports(EVENTS).map(({ hasOverflowed }) => hasOverflowed),
        [true, false],
      );
    });

    it("keep their entries when a client sets what is set already, and drop them for new settings", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 2);
      const client = bench.client();
      for (const field of ["RptID", "TrgOps", "IntgPd", "BufTm", "DatSet"]) {
        const present = client.read(`${BRCB}$${field}`);
        assert.ok(present.kind !== "error");
        assert.equal(client.set(BRCB, field, present), "accepted", field);
      }
      assert.equal(client.set(BRCB, "OptFlds", options(ALL_OPTIONS)), "accepted");
      const { buffer } = bench.device.reports.find(({ block }) => block.isBuffered)!.block;
      assert.equal(buffer.size, 2);

      client.set(BRCB, "IntgPd", 5000);
      assert.equal(buffer.size, 0);
    });

    it("answer an interrogation behind the backlog", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 1);
      const client = enable(bench.client(), BRCB);
      client.set(BRCB, "GI", true);
      await bench.settle();

      assert.deepEqual(reasonsOf(client.reports(EVENTS)), [
        "1 data-change",
        "0 general-interrogation, 1 general-interrogation",
      ]);
    });

    it("keep their entries for a client that does not read, and go on when it does", async () => {
      const bench = new Bench();
      const client = enable(bench.client(), BRCB);
      await bench.settle();
      client.unsentOctets = 1_000_000;
      await raiseTimes(bench, 3);
      assert.deepEqual(client.reports(EVENTS), []);

      client.unsentOctets = 0;
      client.association.drained();

      assert.deepEqual(idsOf(client.reports(EVENTS)), [1, 2, 3]);
    });

    it("count to 65,535 and begin again", async () => {
      const bench = new Bench();
      const client = enable(bench.client(), BRCB);
      await raiseTimes(bench, 300);

      assert.equal(client.reports(EVENTS).at(-1)?.sequence, 299, "beyond an octet");
      assert.equal(sequenceAfter(65_534, true), 65_535);
      assert.equal(sequenceAfter(65_535, true), 0);
    });

    it("stay reserved for the address of a client that lost its link, for its time", async () => {
      const bench = new Bench();
      const one = bench.client();
      assert.equal(one.set(BRCB, "ResvTms", 60), "accepted");
      enable(one, BRCB);
      one.lose();
      const other = bench.client({ address: [10, 0, 0, 2] });

      await bench.clock.advance(59_999);
      assert.deepEqual(other.set(BRCB, "RptEna", true), OCCUPIED);
      assert.deepEqual(other.read(`${BRCB}$Owner`), octets(Uint8Array.of(10, 0, 0, 1)));
      await bench.clock.advance(1);
      enable(other, BRCB);
    });

    it("go back to a client that returns in time", async () => {
      const bench = new Bench();
      const one = bench.client();
      one.set(BRCB, "ResvTms", 60);
      one.lose();
      await bench.clock.advance(10_000);

      const again = enable(bench.client(), BRCB);
      await bench.clock.advance(120_000);

      assert.equal(again.value(`${BRCB}$RptEna`), true);
      assert.equal(again.value(`${BRCB}$ResvTms`), 60);
      assert.deepEqual(again.set("LLN0$BR$brcbEvt02", "ResvTms", -1), { code: 11 });
    });
  });

  describe("with a fault", () => {
    it("belong to somebody else", () => {
      const bench = new Bench();
      const client = bench.client();
      bench.device.inject({ kind: "occupied-block" });

      assert.deepEqual(client.set(URCB, "RptEna", true), OCCUPIED);
      assert.deepEqual(client.set(BRCB, "ResvTms", 10), OCCUPIED);
      assert.deepEqual(client.read(`${BRCB}$Owner`), octets(Uint8Array.of(192, 0, 2, 1)));
      bench.device.heal();
      enable(client, URCB);
    });

    it("have another revision all of a sudden", () => {
      const bench = new Bench();
      const client = enable(bench.client(), URCB);
      bench.device.inject({ kind: "configuration-changed" });
      bench.set("MMXU1.Hz.mag.f[MX]", 1);

      assert.equal(client.reports(MEMBERS)[0]?.configurationRevision, 2);
      assert.equal(client.value(`${BRCB}$ConfRev`), 2);
    });

    it("lose what they hold, and say so", async () => {
      const bench = new Bench();
      await raiseTimes(bench, 3);
      bench.device.inject({ kind: "buffer-overflow" });
      await raiseTimes(bench, 1);
      const client = enable(bench.client(), BRCB);
      await bench.settle();

      const reports = client.reports(EVENTS);
      assert.deepEqual(idsOf(reports), [4]);
      assert.equal(reports[0]?.hasOverflowed, true);
    });
  });
});

function numberIn(value: MmsValue): number {
  if (value.kind === "structure") return numberIn(value.members[0]!);
  assert.ok(value.kind === "float");
  return value.value;
}
