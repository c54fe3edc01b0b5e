import assert from "node:assert/strict";
import type {
  Association,
  ControlModel,
  ControlOutcome,
  ControlTerms,
} from "../../../src/drivers/iec61850/engine.ts";
import { encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import {
  errorFor,
  numberOf,
  OBJECT,
  OPER,
  ORDER,
  ROOT,
  serve,
  settled,
  terminate,
  writesOf,
} from "./control-peer.ts";
import { until } from "../../support/until.ts";
import { associated, CALL, type Setup, setUp } from "./setup.ts";

describe("iec61850 control", () => {
  let setup: Setup;
  let association: Association;

  async function begin(model: ControlModel): Promise<void> {
    setup = await setUp();
    serve(setup, model);
    association = await associated(setup, { requestTimeoutMs: 1_000 });
  }

  async function command(terms: Partial<ControlTerms> = {}): Promise<ControlOutcome> {
    return association.control(OBJECT, ORDER, { ...CALL, ...terms });
  }

  afterEach(async () => {
    association.abort();
    await setup.stop();
  });

  it("does not command what is for status only", async () => {
    await begin("status-only");
    const outcome = await command();
    assert.ok(outcome.outcome === "refused" && outcome.stage === "model");
    assert.deepEqual(setup.peer.writes, []);
  });

  const accepted: [ControlModel, string, string[]][] = [
    ["direct-normal", "response", ["Oper"]],
    ["sbo-normal", "response", ["Oper"]],
    ["direct-enhanced", "termination", ["Oper"]],
    ["sbo-enhanced", "termination", ["SBOw", "Oper"]],
  ];
  for (const [model, confirmed, steps] of accepted) {
    it(`is accepted by ${model} after its ${confirmed}`, async () => {
      await begin(model);
      const outcome = command();
      if (confirmed === "termination") {
        await until(() => setup.peer.written.includes(`${ROOT}$Oper`));
        terminate(setup);
      }
      assert.deepEqual(await outcome, { outcome: "accepted", model, confirmed, number: 1 });
      assert.deepEqual(writesOf(setup), steps);
      const value = setup.peer.writes.at(-1)?.value;
      assert.ok(value?.kind === "structure");
      assert.deepEqual(value.members[0], {
        kind: "structure",
        members: [{ kind: "float", value: 50_000, width: 32 }],
      });
      assert.deepEqual(value.members[5], {
        kind: "bits",
        bitCount: 2,
        bytes: Uint8Array.of(0x40),
      });
    });
  }

  it("numbers the commands of an object one after another, also after a refusal", async () => {
    await begin("direct-normal");
    setup.peer.onWrite = () => ({ code: 3 });
    const first = await command();
    setup.peer.onWrite = () => "accepted";
    const second = await command();
    assert.deepEqual([first.number, second.number], [1, 2]);
  });

  it("gives selection and command one number", async () => {
    await begin("sbo-enhanced");
    const outcome = command();
    await until(() => setup.peer.writes.length === 2);
    terminate(setup);
    await outcome;
    assert.deepEqual(
      setup.peer.writes.map(({ value }) => numberOf(value)),
      [1, 1],
    );
  });

  it("is refused at select by a plain object with an empty name", async () => {
    await begin("sbo-normal");
    setup.peer.values.set(`${ROOT}$SBO`, { kind: "text", value: "" });
    const outcome = await command();
    assert.ok(outcome.outcome === "refused" && outcome.stage === "select");
    assert.deepEqual(setup.peer.writes, []);
  });

  for (const service of ["SBOw", "Oper"] as const) {
    it(`says in words why ${service} was refused`, async () => {
      await begin("sbo-enhanced");
      setup.peer.onWrite = (name, value) => {
        if (!name.endsWith(service)) return "accepted";
        const error = errorFor(service, numberOf(value), 10);
        setup.peer.inform(encodeControlNotice({ notice: "application-error", error }));
        return { code: 3 };
      };
      const outcome = await command();
      assert.deepEqual(outcome, {
        outcome: "refused",
        stage: service === "SBOw" ? "select" : "operate",
        code: 3,
        additionalCause: 10,
        reason: "object-access-denied: blocked-by-interlocking",
        number: 1,
      });
    });
  }

  it("does not take the cause of another client's refusal for its own", async () => {
    await begin("direct-normal");
    setup.peer.onWrite = (_, value) => {
      const own = errorFor("Oper", numberOf(value), 10);
      const error = { ...own, origin: { category: 2, identification: "scada" } };
      setup.peer.inform(encodeControlNotice({ notice: "application-error", error }));
      return { code: 3 };
    };
    const outcome = await command();
    assert.ok(outcome.outcome === "refused");
    assert.equal(outcome.additionalCause, undefined);
    assert.equal(association.counters.strayErrors, 1);
  });

  it("is refused at its end by a negative termination", async () => {
    await begin("direct-enhanced");
    const outcome = command();
    await until(() => setup.peer.writes.length === 1);
    terminate(setup, 16);
    const ended = await outcome;
    assert.ok(ended.outcome === "refused" && ended.stage === "termination");
    assert.match(ended.reason, /time-limit-over/);
  });

  it("is not known when the termination does not come, and ignores it later", async () => {
    await begin("direct-enhanced");
    const outcome = command({ terminationTimeoutMs: 2_000 });
    await until(() => setup.peer.writes.length === 1);
    await until(() => setup.peer.underWay === 0);
    await settled();
    await setup.clock.advance(2_050);
    assert.deepEqual(await outcome, {
      outcome: "unknown",
      stage: "termination",
      why: "timeout",
      number: 1,
    });
    terminate(setup);
    await until(() => association.counters.strayTerminations === 1);
    assert.deepEqual(writesOf(setup), ["Oper"]);
  });

  it("is not ended by the termination of another client's command", async () => {
    await begin("direct-enhanced");
    const outcome = command();
    await until(() => setup.peer.writes.length === 1);
    const own = setup.peer.writes[0]?.value;
    assert.ok(own?.kind === "structure");
    const members = own.members.map((member, at) =>
      at === 2 ? ({ kind: "unsigned", value: 77 } as const) : member,
    );
    const foreign = { kind: "structure", members } as const;
    setup.peer.inform(
      encodeControlNotice({
        notice: "termination",
        name: OPER,
        command: foreign,
        error: undefined,
      }),
    );
    await until(() => association.counters.strayTerminations === 1);
    terminate(setup);
    assert.equal((await outcome).outcome, "accepted");
  });

  for (const model of ["direct-normal", "sbo-normal", "direct-enhanced", "sbo-enhanced"] as const) {
    it(`is not known after a cut behind the Oper of ${model}, and is not sent again`, async () => {
      await begin(model);
      setup.peer.onWrite = (name) => {
        if (!name.endsWith("$Oper")) return "accepted";
        setup.peer.reset();
        return "nothing";
      };
      const outcome = await command();
      assert.deepEqual(outcome, { outcome: "unknown", stage: "operate", why: "down", number: 1 });
      assert.equal(writesOf(setup).filter((name) => name === "Oper").length, 1);
      assert.equal(setup.peer.connections, 1);
    });
  }

  it("is not known after a cut between the response and the termination", async () => {
    await begin("direct-enhanced");
    const outcome = command();
    await until(() => setup.peer.writes.length === 1);
    await settled();
    setup.peer.reset();
    assert.deepEqual(await outcome, {
      outcome: "unknown",
      stage: "termination",
      why: "down",
      number: 1,
    });
  });

  /** What becomes of a command whose `unanswered` write gets no answer. */
  async function lateOutcome(model: ControlModel, unanswered: string): Promise<ControlOutcome> {
    await begin(model);
    setup.peer.onWrite = (name) => (name.endsWith(unanswered) ? "nothing" : "accepted");
    const outcome = command();
    await until(() => setup.peer.writes.length === 1);
    await setup.clock.advance(1_020);
    return outcome;
  }

  it("is not known when the response to Oper does not come", async () => {
    assert.deepEqual(await lateOutcome("direct-normal", "Oper"), {
      outcome: "unknown",
      stage: "operate",
      why: "timeout",
      number: 1,
    });
    assert.deepEqual(writesOf(setup), ["Oper"]);
  });

  it("cancels a selection of which nobody knows, and does not operate", async () => {
    assert.deepEqual(await lateOutcome("sbo-enhanced", "SBOw"), {
      outcome: "unknown",
      stage: "select",
      why: "timeout",
      number: 1,
    });
    assert.deepEqual(writesOf(setup), ["SBOw", "Cancel"]);
  });

  it("cancels the selection when it is given up before it operates", async () => {
    await begin("sbo-enhanced");
    const controller = new AbortController();
    setup.peer.onWrite = (name) => {
      if (name.endsWith("SBOw")) controller.abort(new Error("given up"));
      return "accepted";
    };
    const outcome = await command({ signal: controller.signal });
    assert.equal(outcome.outcome, "unknown");
    assert.deepEqual(writesOf(setup), ["SBOw", "Cancel"]);
  });

  it("gives one object one command at a time", async () => {
    await begin("direct-enhanced");
    const first = command();
    await until(() => setup.peer.writes.length === 1);
    const second = await command();
    assert.ok(second.outcome === "refused" && second.stage === "model");
    terminate(setup);
    assert.equal((await first).outcome, "accepted");
    assert.deepEqual(writesOf(setup), ["Oper"]);
  });

  it("does not send a later time to an object that has none", async () => {
    await begin("direct-normal");
    const quality = {
      isLeapSecondKnown: false,
      hasClockFailure: false,
      isNotSynchronised: false,
      accuracyBits: 10,
    };
    const operateAt = { utcMs: 1_900_000_000_000, quality };
    const outcome = await association.control(OBJECT, { ...ORDER, operateAt }, CALL);
    assert.ok(outcome.outcome === "refused" && outcome.stage === "model");
    assert.deepEqual(setup.peer.writes, []);
  });

  it("does not command with a value that is not the object's", async () => {
    await begin("direct-normal");
    const outcome = await association.control(OBJECT, { ...ORDER, value: true }, CALL);
    assert.ok(outcome.outcome === "refused" && outcome.stage === "model");
    assert.match(outcome.reason, /ctlVal/);
  });
});
