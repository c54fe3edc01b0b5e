import { strict as assert } from "node:assert";
import type {
  Association,
  CommandOrder,
  ControlOutcome,
  ReceivedReport,
  ReportPlan,
  Subscription,
} from "../../src/drivers/iec61850/engine.ts";
import { ReportMemory } from "../../src/drivers/iec61850/report-memory.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { memberType } from "../../src/wire/mms/type-spec.ts";
import { powersOf, RecordingSink } from "../support/report-sink.ts";
import { until } from "../support/until.ts";
import { type EnginePeer, type EnginePlace, FAILING_W, FORBIDDEN_W } from "./iec61850-peer.ts";

const CALL = { signal: new AbortController().signal };
const POWER = { ld: "DCPIBESS1", ln: "MMXU1", fc: "MX", path: ["TotW"] } as const;
const UNKNOWN = { ...POWER, path: ["NoSuch"] } as const;
const URCB = { ld: "DCPIBESS1", ln: "LLN0", fc: "RP", path: ["urcb01"] } as const;
const MODELS = ["direct-normal", "sbo-normal", "direct-enhanced", "sbo-enhanced"] as const;

export function orderOf(powerW: number): CommandOrder {
  return {
    value: powerW,
    origin: { category: 3, identification: "edge" },
    isTest: false,
    isInterlockChecked: false,
    isSynchronismChecked: false,
  };
}

function planFor(name: "urcb01" | "brcb01", memory = new ReportMemory(undefined)): ReportPlan {
  return {
    ld: "DCPIBESS1",
    ln: "LLN0",
    isBuffered: name === "brcb01",
    names: [name],
    triggers: ["data-change"],
    integrityMs: 0,
    bufferMs: 0,
    reserveS: 60,
    isInterrogated: true,
    memory,
  };
}

/**
 * What every engine does with a device, whichever engine and whichever device: each outcome is
 * spelled out here, so that engines that pass agree.
 */
export function engineContract(
  name: string,
  place: () => Promise<EnginePlace | undefined>,
  startPeer: () => Promise<EnginePeer | undefined>,
): void {
  describe(`IEC 61850 engine contract: ${name}`, function () {
    this.timeout(60_000);
    let here: EnginePlace;
    let peer: EnginePeer;
    let association: Association;

    before(async function () {
      const engine = await place();
      const server = engine === undefined ? undefined : await startPeer();
      if (engine === undefined || server === undefined) {
        this.skip();
      }
      here = engine;
      peer = server;
    });
    after(async () => {
      // Skipped: there is nothing.
      if ((here as EnginePlace | undefined) === undefined) return;
      here.close();
      await peer.stop();
    });
    beforeEach(async () => {
      association = await associate();
    });
    afterEach(async () => {
      await association.release(CALL);
    });

    const associate = async (): Promise<Association> =>
      here.engine.associate(
        { host: "127.0.0.1", port: peer.port, connectTimeoutMs: 10_000, requestTimeoutMs: 10_000 },
        CALL.signal,
      );

    it("agrees on services and on the size of a PDU", () => {
      const { pduOctets, services } = association.negotiated;
      assert.equal(pduOctets, 65_000);
      for (const service of ["read", "write", "getNameList", "informationReport"] as const)
        assert.ok(services.has(service), service);
    });

    it("lists the logical device, its variables and its data sets, each once", async () => {
      const found = { "logical-device": 0, variable: new Set<string>(), "data-set": "" };
      let variables = 0;
      for await (const entry of association.directory(CALL)) {
        if (entry.kind === "logical-device") found["logical-device"] += 1;
        else if (entry.kind === "data-set") found["data-set"] += entry.item;
        else {
          variables += 1;
          found.variable.add(entry.item);
        }
      }
      assert.equal(found["logical-device"], 1);
      assert.equal(found["data-set"], "LLN0$dsMeas");
      assert.equal(found.variable.size, variables);
      for (const item of ["MMXU1$MX$TotW$mag$f", "DRCC4$CO$OutWSet$SBOw", "LLN0$BR$brcb01"])
        assert.ok(found.variable.has(item), item);
    });

    it("types what the device has, and knows what it does not have", async () => {
      const type = await association.typeOf({ ...POWER, fc: undefined, path: [] }, CALL);
      assert.ok(type !== undefined);
      assert.deepEqual(memberType(type, ["MX", "TotW", "mag", "f"]), {
        kind: "float",
        width: 32,
        exponentBits: 8,
      });
      assert.deepEqual(memberType(type, ["MX", "TotW", "q"]), { kind: "bits", size: -13 });
      assert.deepEqual(memberType(type, ["MX", "TotW", "t"]), { kind: "utc-time" });
      const missing = { ...POWER, ln: "MMXU9", fc: undefined, path: [] };
      assert.equal(await association.typeOf(missing, CALL), undefined);
    });

    it("tells the members of a data set, and that there is none", async () => {
      const there = { scope: "domain", domain: "DCPIBESS1", item: "LLN0$dsMeas" } as const;
      const members = await association.dataSet(there, CALL);
      assert.deepEqual(
        members?.map((member) => member.name),
        ["DCPIBESS1/MMXU1$MX$TotW", "DCPIBESS1/MMXU1$MX$Hz"],
      );
      assert.equal(await association.dataSet({ ...there, item: "LLN0$dsNone" }, CALL), undefined);
    });

    it("reads in the order asked; what is not there is an error of its own", async () => {
      const results = await association.read([POWER, UNKNOWN, POWER], CALL);
      assert.deepEqual(
        results.map((result) => (result.kind === "error" ? result.code : result.kind)),
        ["structure", 10, "structure"],
      );
      assert.deepEqual(await association.read([], CALL), []);
    });

    it("reads what was changed", async () => {
      peer.change(4_321);
      const magnitude = { ...POWER, path: ["TotW", "mag", "f"] };
      let seen: unknown;
      for (let attempt = 0; attempt < 100 && seen !== 4_321; attempt++) {
        const [result] = await association.read([magnitude], CALL);
        seen = result?.kind === "float" ? result.value : result?.kind;
      }
      assert.equal(seen, 4_321);
    });

    it("writes what the device lets be written, and tells why it refuses", async () => {
      const period = { ...URCB, path: ["urcb01", "IntgPd"] };
      const taken = await association.write(period, { kind: "unsigned", value: 2_000 }, CALL);
      assert.deepEqual(taken, { outcome: "accepted" });
      const [is] = await association.read([period], CALL);
      assert.deepEqual(is, { kind: "unsigned", value: 2_000 });
      const back = await association.write(period, { kind: "unsigned", value: 0 }, CALL);
      assert.equal(back.outcome, "accepted");
      const fixed = { ...POWER, path: ["TotW", "mag", "f"] };
      const refused = await association.write(fixed, { kind: "float", value: 1, width: 32 }, CALL);
      assert.ok(refused.outcome === "refused", refused.outcome);
      assert.deepEqual([refused.wasSent, refused.code], [true, peer.codes.write]);
    });

    for (const [at, model] of MODELS.entries()) {
      const object = { ld: "DCPIBESS1", ln: `DRCC${at + 1}`, path: ["OutWSet"] };
      const isEnhanced = at >= 2;

      it(`gives a command of ${model} and follows it to its end`, async () => {
        const outcome = await association.control(object, orderOf(5_000), CALL);
        const confirmed = isEnhanced ? "termination" : "response";
        assert.deepEqual(outcome, { outcome: "accepted", model, confirmed, number: 1 });
      });

      it(`tells of ${model} that it failed, as far as the model lets it know`, async () => {
        peer.setFailing(true);
        const failed = await association.control(object, orderOf(FAILING_W), CALL);
        peer.setFailing(false);
        assert.deepEqual(stageOf(failed), isEnhanced ? "termination" : "accepted");
        // The refusal of one does not stand in the way of the next.
        const next = await association.control(object, orderOf(5_000), CALL);
        assert.equal(next.outcome, "accepted");
        assert.equal(next.number, 2);
      });

      it(`tells of ${model} at which stage it was refused`, async () => {
        const refused = await association.control(object, orderOf(FORBIDDEN_W), CALL);
        assert.equal(stageOf(refused), model === "sbo-enhanced" ? "select" : "operate");
        assert.ok(refused.outcome === "refused");
        assert.deepEqual([refused.code, refused.number], [peer.codes.control, 1]);
      });
    }

    it("does not command what is not there", async () => {
      const object = { ld: "DCPIBESS1", ln: "DRCC9", path: ["OutWSet"] };
      const outcome = await association.control(object, orderOf(1), CALL);
      assert.equal(stageOf(outcome), "model");
    });

    const subscribed = async (plan: ReportPlan, sink: RecordingSink): Promise<Subscription> => {
      const result = await association.subscribe(plan, sink, CALL);
      assert.ok(result.result === "subscribed", JSON.stringify(result));
      return result.subscription;
    };

    it("takes reports of an unbuffered block, the interrogation first, none missing", async () => {
      const sink = new RecordingSink();
      const subscription = await subscribed(planFor("urcb01"), sink);
      await until(() => sink.reports.length >= 1, "interrogation");
      assert.equal(sink.reports[0]?.kind, "general-interrogation");
      const values = Array.from({ length: 50 }, (_, step) => 100 + step);
      for (const value of values) peer.change(value);
      await until(() => sink.changes.at(-1) === values.at(-1), "changes");
      assert.deepEqual(sink.changes, values);
      assert.deepEqual(sink.troubles, []);
      await subscription.stop(CALL);
    });

    it("interrogates when asked", async () => {
      const sink = new RecordingSink();
      const subscription = await subscribed(planFor("urcb01"), sink);
      await until(() => sink.reports.length === 1, "first interrogation");
      assert.equal((await subscription.interrogate(CALL)).outcome, "accepted");
      await until(() => sink.reports.length === 2, "second interrogation");
      for (const { kind, entries } of sink.reports)
        assert.deepEqual([kind, entries.length], ["general-interrogation", 2]);
      await subscription.stop(CALL);
    });

    it("leaves a block that is another client's alone", async () => {
      const subscription = await subscribed(planFor("urcb01"), new RecordingSink());
      const other = await associate();
      const result = await other.subscribe(planFor("urcb01"), new RecordingSink(), CALL);
      assert.equal(result.result, "occupied");
      await other.release(CALL);
      await subscription.stop(CALL);
    });

    it("loses nothing of a buffered block over a broken link, and tells nothing twice", async () => {
      const memory = new ReportMemory(undefined);
      const sink = new RecordingSink();
      const plan = planFor("brcb01", memory);
      await subscribed(plan, sink);
      for (const powerW of [21, 22, 23]) peer.change(powerW);
      await until(() => sink.changes.includes(23), "changes");
      // A device may tell them in one report or in three.
      const kept = sink.reports.find((report) => powersOf([report]).includes(23));
      assert.ok(kept?.report.entryId !== undefined);
      memory.stored({ block: "brcb01", entryId: kept.report.entryId });
      const down = new Promise((resolve) => association.onDown(resolve));
      association.abort();
      await down;
      const missed = Array.from({ length: 25 }, (_, step) => 31 + step);
      for (const powerW of missed) peer.change(powerW);
      association = await associate();
      const before = sink.reports.length;
      await subscribed(plan, sink);
      const last = (): ReceivedReport | undefined => sink.reports.slice(before).at(-1);
      await until(() => last()?.kind === "general-interrogation", "interrogation");
      const after = sink.reports.slice(before);
      // The device may still have been at the last of them when the link was back.
      const told = powersOf(after.filter(({ kind }) => kind === "spontaneous"));
      assert.deepEqual(told, missed);
      assert.deepEqual(sink.gaps, []);
    });

    it("tells that the device no longer has the entry to go on after", async () => {
      const sink = new RecordingSink();
      const entryId = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
      const memory = new ReportMemory({ block: "brcb01", entryId });
      const subscription = await subscribed(planFor("brcb01", memory), sink);
      assert.equal(sink.gaps[0]?.gap, "entry-unknown");
      await subscription.stop(CALL);
    });

    it("is over exactly once, with all that waits, when it is released or aborted", async () => {
      for (const end of ["release", "abort"] as const) {
        const other = await associate();
        const reasons: string[] = [];
        other.onDown(({ why }) => reasons.push(why));
        const waiting = other.read([POWER], CALL).then(
          () => "answered",
          (error: unknown) => (error instanceof GatewayError ? error.code : "another"),
        );
        if (end === "release") await other.release(CALL);
        else other.abort();
        assert.ok(["answered", "LINK_LOST"].includes(await waiting));
        await until(() => reasons.length > 0, end);
        assert.deepEqual(reasons, [end === "release" ? "released" : "aborted"]);
        assert.equal(other.isUp, false);
        await assert.rejects(other.read([POWER], CALL), { code: "LINK_LOST" });
      }
    });

    it("refuses where nobody listens", async () => {
      const nowhere = here.engine.associate({ host: "127.0.0.1", port: 1 }, CALL.signal);
      await assert.rejects(nowhere, { code: "LINK_REFUSED" });
    });

    it("notices a device that keeps the line and says nothing, within 2.5 s", async () => {
      const other = await associate();
      const gone = new Promise<string>((resolve) => {
        other.onDown(({ why }) => {
          resolve(why);
        });
      });
      const startedAt = performance.now();
      peer.freeze();
      const command = other.control(
        { ld: "DCPIBESS1", ln: "DRCC1", path: ["OutWSet"] },
        orderOf(1),
        CALL,
      );
      assert.equal(await gone, "silent");
      const tookMs = performance.now() - startedAt;
      peer.thaw();
      assert.ok(tookMs <= 2_500, `${tookMs} ms`);
      // It waits for the model of the object: nothing was commanded yet.
      assert.equal((await command).outcome, "refused");
      await until(() => !association.isUp, "the first one is down, too");
      association = await associate();
    });

    it("notices at once that the device is gone", async () => {
      const gone = new Promise<number>((resolve) => {
        association.onDown(() => {
          resolve(performance.now());
        });
      });
      const startedAt = performance.now();
      peer.vanish();
      const tookMs = (await gone) - startedAt;
      assert.ok(tookMs <= 1_000, `${tookMs} ms`);
      assert.equal(association.isUp, false);
      const late = await association.control(
        { ld: "DCPIBESS1", ln: "DRCC1", path: ["OutWSet"] },
        orderOf(1),
        CALL,
      );
      assert.equal(late.outcome, "refused");
    });
  });
}

function stageOf(outcome: ControlOutcome): string {
  return outcome.outcome === "accepted" ? outcome.outcome : outcome.stage;
}
