import assert from "node:assert/strict";
import type { ControlCommand } from "../../../src/wire/mms/control.ts";
import { Bench, LD, type TableClient } from "./support/table-client.ts";

const DENIED = { code: 3 };
const DIRECT = "DRCC1$CO$OutWSet";
const SBO = "DRCC1$CO$DERStop";
const DIRECT_ENHANCED = "DRCC1$CO$DERStr";
const SBO_ENHANCED = "DRCC1$CO$OutVarSet";

const SET: Partial<ControlCommand> = { value: 1500 };

function selected(client: TableClient, command: Partial<ControlCommand> = SET): TableClient {
  assert.equal(client.command(SBO_ENHANCED, "SBOw", command), "accepted");
  return client;
}

describe("control objects of the simulated IED", () => {
  describe("direct with normal security", () => {
    it("operates, shows value, origin and number, and says no more", async () => {
      const bench = new Bench();
      const client = bench.client();

      assert.equal(client.command(DIRECT, "Oper", { value: 1500, number: 9 }), "accepted");
      await bench.settle();

      assert.equal(client.value("DRCC1$MX$OutWSet$mxVal$f"), 1500);
      assert.equal(client.value("DRCC1$MX$OutWSet$ctlNum"), 9);
      assert.equal(client.value("DRCC1$MX$OutWSet$origin$orCat"), 3);
      assert.deepEqual(client.notices(), []);
    });

    it("refuses a value out of range without a reason", () => {
      const client = new Bench().client();

      assert.deepEqual(client.command(DIRECT, "Oper", { value: 2e6 }), DENIED);
      assert.deepEqual(client.command(DIRECT, "Oper", { value: -2e6 }), DENIED);
      assert.deepEqual(client.notices(), []);
    });

    it("refuses a structure that is not the one of its type", () => {
      const client = new Bench().client();

      const wrong = { kind: "structure", members: [{ kind: "boolean", value: true }] } as const;
      assert.deepEqual(client.write(`${DIRECT}$Oper`, wrong), { code: 7 });
    });
  });

  describe("select before operate with normal security", () => {
    it("is selected by a read, operated once, and then selected anew", async () => {
      const bench = new Bench();
      const client = bench.client();

      assert.equal(client.value(`${SBO}$SBO`), `${LD}/${SBO}`);
      assert.equal(client.command(SBO, "Oper", {}), "accepted");
      await bench.settle();
      assert.equal(client.value("DRCC1$ST$DERStop$stVal"), true);
      assert.deepEqual(client.command(SBO, "Oper", {}), DENIED);
      assert.deepEqual(client.notices(), ["application-error object-not-selected"]);
    });

    it("belongs to one client until its time is over", async () => {
      const bench = new Bench();
      const [one, other] = [bench.client(), bench.client()];
      one.value(`${SBO}$SBO`);

      assert.equal(other.value(`${SBO}$SBO`), "");
      assert.deepEqual(other.command(SBO, "Oper", {}), DENIED);
      assert.deepEqual(other.notices(), ["application-error locked-by-other-client"]);
      await bench.clock.advance(4999);
      assert.equal(other.value(`${SBO}$SBO`), "");
      await bench.clock.advance(1);
      assert.equal(other.value(`${SBO}$SBO`), `${LD}/${SBO}`);
    });

    it("is not selected by reading around it", () => {
      const bench = new Bench();
      const client = bench.client();

      client.read("DRCC1$CO");

      assert.deepEqual(client.command(SBO, "Oper", {}), DENIED);
    });

    it("is free again when its client has gone", () => {
      const bench = new Bench();
      const [one, other] = [bench.client(), bench.client()];
      one.value(`${SBO}$SBO`);

      one.lose();

      assert.equal(other.value(`${SBO}$SBO`), `${LD}/${SBO}`);
    });
  });

  describe("direct with enhanced security", () => {
    it("answers, carries out, and then tells that it is done", async () => {
      const bench = new Bench();
      const client = bench.client();

      assert.equal(client.command(DIRECT_ENHANCED, "Oper", {}), "accepted");
      await bench.clock.advance(199);
      assert.deepEqual(client.notices(), []);
      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), false);
      await bench.clock.advance(1);
      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), true);
      assert.deepEqual(client.notices(), ["termination"]);
    });

    it("takes no second command while one is carried out", async () => {
      const bench = new Bench();
      const [one, other] = [bench.client(), bench.client()];
      one.command(DIRECT_ENHANCED, "Oper", {});

      assert.deepEqual(other.command(DIRECT_ENHANCED, "Oper", {}), DENIED);
      assert.deepEqual(other.notices(), ["application-error command-already-in-execution"]);
      await bench.clock.advance(200);
      assert.deepEqual(one.notices(), ["termination"]);
      assert.deepEqual(other.notices(), [], "only who commanded is told");
    });

    it("is cancelled under way: a termination says so and nothing was done", async () => {
      const bench = new Bench();
      const client = bench.client();
      client.command(DIRECT_ENHANCED, "Oper", {});
      await bench.clock.advance(100);

      assert.equal(client.command(DIRECT_ENHANCED, "Cancel", {}), "accepted");
      await bench.clock.advance(1000);

      assert.deepEqual(client.notices(), ["termination abortion-by-cancel"]);
      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), false);
    });

    it("goes on without a client that is gone", async () => {
      const bench = new Bench();
      const client = bench.client();
      client.command(DIRECT_ENHANCED, "Oper", {});

      client.lose();
      await bench.clock.advance(200);

      assert.equal(bench.client().value("DRCC1$ST$DERStr$stVal"), true);
    });
  });

  describe("select before operate with enhanced security", () => {
    it("takes the command that was selected, and ends it", async () => {
      const bench = new Bench();
      const client = selected(bench.client());

      assert.equal(client.command(SBO_ENHANCED, "Oper", SET), "accepted");
      await bench.clock.advance(200);

      assert.deepEqual(client.notices(), ["termination"]);
      assert.equal(client.value("DRCC1$MX$OutVarSet$mxVal$f"), 1500);
    });

    for (const [what, change] of [
      ["value", { value: 1501 }],
      ["number", { number: 2 }],
      ["category", { origin: { category: 2, identification: "dcpi-gw" } }],
      ["originator", { origin: { category: 3, identification: "else" } }],
    ] as const) {
      it(`refuses another ${what} than was selected, and the selection is over`, () => {
        const client = selected(new Bench().client());

        assert.deepEqual(client.command(SBO_ENHANCED, "Oper", { ...SET, ...change }), DENIED);
        assert.deepEqual(client.notices(), ["application-error inconsistent-parameters"]);
        assert.deepEqual(client.command(SBO_ENHANCED, "Oper", SET), DENIED);
        assert.deepEqual(client.notices(), ["application-error object-not-selected"]);
      });
    }

    it("leaves a selection alone when somebody else tries to operate it", () => {
      const bench = new Bench();
      const client = selected(bench.client());

      assert.deepEqual(bench.client().command(SBO_ENHANCED, "Oper", SET), DENIED);

      assert.equal(client.command(SBO_ENHANCED, "Oper", SET), "accepted");
    });

    it("refuses a selection of what another client has selected", () => {
      const bench = new Bench();
      selected(bench.client());
      const other = bench.client();

      assert.deepEqual(other.command(SBO_ENHANCED, "SBOw", SET), DENIED);
      assert.deepEqual(other.notices(), ["application-error object-already-selected"]);
    });

    it("refuses an originator without authority", () => {
      const client = new Bench().client();

      const command = { ...SET, origin: { category: 5, identification: "" } };
      assert.deepEqual(client.command(SBO_ENHANCED, "SBOw", command), DENIED);
      assert.deepEqual(client.notices(), ["application-error no-access-authority"]);
    });

    it("refuses an originator category that there is not", () => {
      const client = new Bench().client();

      const command = { origin: { category: 9, identification: "" } };
      assert.deepEqual(client.command(DIRECT_ENHANCED, "Oper", command), DENIED);
      assert.deepEqual(client.notices(), ["application-error inconsistent-parameters"]);
    });

    it("forgets a selection that is cancelled", () => {
      const client = selected(new Bench().client());

      assert.equal(client.command(SBO_ENHANCED, "Cancel", SET), "accepted");
      assert.deepEqual(client.command(SBO_ENHANCED, "Oper", SET), DENIED);
      assert.deepEqual(client.notices(), ["application-error object-not-selected"]);
    });

    it("refuses to cancel what is not selected, or is another's", () => {
      const bench = new Bench();
      const [one, other] = [bench.client(), bench.client()];

      assert.deepEqual(one.command(SBO_ENHANCED, "Cancel", SET), DENIED);
      assert.deepEqual(one.notices(), ["application-error object-not-selected"]);
      selected(one);
      assert.deepEqual(other.command(SBO_ENHANCED, "Cancel", SET), DENIED);
      assert.deepEqual(other.notices(), ["application-error locked-by-other-client"]);
      assert.equal(one.command(SBO_ENHANCED, "Oper", SET), "accepted");
    });
  });

  it("shows a position for a switch", async () => {
    const bench = new Bench();
    const client = bench.client();
    client.command("DRCC1$CO$Pos", "SBOw", {});
    client.command("DRCC1$CO$Pos", "Oper", {});
    await bench.settle();

    const position = client.read("DRCC1$ST$Pos$stVal");

    assert.ok(position.kind === "bits");
    assert.equal((position.bytes[0] ?? 0) >> 6, 0b10);
  });

  it("takes test commands only under test, and then no others", async () => {
    const bench = new Bench();
    const client = bench.client();

    assert.deepEqual(client.command(DIRECT_ENHANCED, "Oper", { isTest: true }), DENIED);
    assert.deepEqual(client.notices(), ["application-error blocked-by-mode"]);
    bench.set("LLN0.Beh.stVal[ST]", 3);
    assert.deepEqual(client.command(DIRECT_ENHANCED, "Oper", {}), DENIED);
    assert.equal(client.command(DIRECT_ENHANCED, "Oper", { isTest: true }), "accepted");
    await bench.settle();
  });

  it("asks the plant, which sees the checks that were wanted", () => {
    const seen: unknown[] = [];
    const bench = new Bench({
      hooks: {
        refuse: ({ reference, stage, command }) => {
          seen.push([reference, stage, command?.isInterlockChecked]);
          return command?.isInterlockChecked === true ? 10 : undefined;
        },
      },
    });
    const client = bench.client();

    const command = { ...SET, isInterlockChecked: true };
    assert.deepEqual(client.command(SBO_ENHANCED, "SBOw", command), DENIED);
    assert.deepEqual(client.notices(), ["application-error blocked-by-interlocking"]);
    assert.equal(client.command(SBO_ENHANCED, "SBOw", SET), "accepted");
    assert.deepEqual(seen, [
      [`${LD}/DRCC1.OutVarSet`, "select", true],
      [`${LD}/DRCC1.OutVarSet`, "select", false],
    ]);
  });

  it("tells the plant what was carried out, with its feedback in the model already", async () => {
    const seen: unknown[] = [];
    const bench: Bench = new Bench({
      hooks: {
        operated: ({ reference }) => {
          seen.push([reference, bench.device.find(`${reference}.mxVal.f[MX]`)?.value]);
        },
      },
    });
    bench.client().command(DIRECT, "Oper", SET);
    await bench.settle();

    assert.deepEqual(seen, [[`${LD}/DRCC1.OutWSet`, { kind: "float", value: 1500, width: 32 }]]);
  });

  describe("with a fault", () => {
    for (const stage of ["select", "operate", "cancel"] as const) {
      it(`refuses at ${stage}`, () => {
        const bench = new Bench();
        const client = bench.client();
        bench.device.inject({ kind: "refuse-control", stage, additionalCause: 13 });

        const results = (["SBOw", "Oper"] as const).map((service) =>
          client.command(SBO_ENHANCED, service, SET),
        );
        if (stage === "cancel") {
          assert.deepEqual(results, ["accepted", "accepted"]);
          assert.deepEqual(client.command(SBO_ENHANCED, "Cancel", SET), DENIED);
        } else {
          assert.deepEqual(results, stage === "select" ? [DENIED, DENIED] : ["accepted", DENIED]);
        }
        assert.equal(client.notices()[0], "application-error blocked-by-health");
        bench.device.heal("refuse-control");
        if (stage !== "cancel") selected(client);
      });
    }

    it("ends badly after it was accepted", async () => {
      const bench = new Bench();
      const client = bench.client();
      bench.device.inject({ kind: "fail-control", additionalCause: 9 });

      assert.equal(client.command(DIRECT_ENHANCED, "Oper", {}), "accepted");
      await bench.clock.advance(200);

      assert.deepEqual(client.notices(), ["termination blocked-by-process"]);
      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), false);
    });

    it("ends late", async () => {
      const bench = new Bench();
      const client = bench.client();
      bench.device.inject({ kind: "late-termination", ms: 3000 });
      client.command(DIRECT_ENHANCED, "Oper", {});

      await bench.clock.advance(3199);
      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), true);
      assert.deepEqual(client.notices(), []);
      await bench.clock.advance(1);
      assert.deepEqual(client.notices(), ["termination"]);
    });

    it("is carried out and never ended", async () => {
      const bench = new Bench();
      const client = bench.client();
      bench.device.inject({ kind: "missing-termination" });
      client.command(DIRECT_ENHANCED, "Oper", {});

      await bench.clock.advance(60_000);

      assert.equal(client.value("DRCC1$ST$DERStr$stVal"), true);
      assert.deepEqual(client.notices(), []);
    });

    it("cuts the link after Oper, which is carried out and not answered", async () => {
      const bench = new Bench();
      const client = bench.client();
      bench.device.inject({ kind: "cut-after-operate" });

      assert.equal(client.command(DIRECT, "Oper", SET), undefined);
      await bench.settle();

      assert.equal(client.end, "reset");
      assert.equal(bench.client().value("DRCC1$MX$OutWSet$mxVal$f"), 1500);
    });
  });
});
