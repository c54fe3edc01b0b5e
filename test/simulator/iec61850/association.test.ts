import assert from "node:assert/strict";
import fc from "fast-check";
import { byNames } from "../../../src/wire/mms/object-name.ts";
import { encodePdu } from "../../../src/wire/mms/pdu.ts";
import { segmentTsdu } from "../../../src/wire/mms/cotp.ts";
import { encodeMms, wrapMms } from "../../../src/wire/mms/association.ts";
import { Bench, name, TableClient } from "./support/table-client.ts";

const READ = {
  service: "read",
  isSpecificationWanted: false,
  access: byNames([name("MMXU1$MX$Hz")]),
} as const;

describe("an association of the simulated IED", () => {
  it("agrees to the smaller PDU and ends with a release", () => {
    const bench = new Bench();
    const client = bench.client({ pduOctets: 1000 });
    assert.equal(client.association.pduOctets, 1000);

    client.release();

    assert.deepEqual(client.units.at(-1), "release-response");
    assert.equal(client.end, "ended");
  });

  it("is concluded when the client asks so", () => {
    const client = new Bench().client();

    client.sendPdu({ kind: "conclude-request" });

    assert.deepEqual(
      client.pdus.map(({ kind }) => kind),
      ["conclude-response"],
    );
  });

  it("is refused without the password, with another one, and for PDUs too small to work", () => {
    const bench = new Bench();
    const attempt = (options: ConstructorParameters<typeof TableClient>[1]) => {
      const client = new TableClient(bench, options);
      client.connect();
      const answer = client.associate();
      return answer.result === "refused" && answer.by === "acse" ? answer.reason : answer.result;
    };

    assert.equal(attempt({ serverPassword: "secret" }), 13);
    assert.equal(attempt({ serverPassword: "secret", password: "Secret" }), 13);
    assert.equal(attempt({ serverPassword: "secret", password: "secret" }), "associated");
    assert.equal(attempt({ pduOctets: 100 }), 1);
    assert.equal(bench.device.counters.refusedAssociations, 3);
  });

  it("is refused while a fault wants it so", () => {
    const bench = new Bench();
    bench.device.inject({ kind: "refuse-association" });
    const client = new TableClient(bench, {});
    client.connect();

    assert.equal(client.associate().result, "refused");
    assert.equal(client.end, "ended");
    bench.device.heal("refuse-association");
    bench.client();
  });

  it("comes within its time or is ended", async () => {
    const bench = new Bench();
    const client = new TableClient(bench, {});
    client.connect();

    await bench.clock.advance(9_999);
    assert.equal(client.end, "open");
    await bench.clock.advance(1);
    assert.equal(client.end, "reset");
  });

  it("ends when a packet that has begun does not end, octet by octet", async () => {
    const bench = new Bench();
    const client = bench.client();
    const idle = bench.client();
    const octets = segmentTsdu(
      encodeMms(client.ids!, { kind: "confirmed-request", invokeId: 1, request: READ }),
      8192,
    );
    for (let at = 0; at < 10; at++) {
      client.send(octets.subarray(at, at + 1));
      await bench.clock.advance(1000);
    }

    assert.equal(client.end, "reset");
    assert.equal(idle.end, "open", "silence is no crime");
    assert.equal(bench.device.counters.brokenAssociations, 1);
  });

  it("takes requests in any pieces", () => {
    const bench = new Bench();
    const client = bench.client();
    const one = segmentTsdu(
      encodeMms(client.ids!, { kind: "confirmed-request", invokeId: 1, request: READ }),
      128,
    );
    const many = Buffer.concat([one, one, one]);

    for (const octet of many) client.send(Uint8Array.of(octet));
    client.send(many);

    assert.equal(client.pdus.length, 6);
  });

  it("rejects a service that it does not have, by its number, and goes on", () => {
    const client = new Bench().client();

    const answer = client.ask({ service: "unknown", tag: 0x8e });

    assert.ok(answer?.kind === "reject");
    assert.deepEqual([answer.rejected, answer.reason], [1, 1]);
    assert.equal(client.ask(READ)?.kind, "confirmed-response");
  });

  it("rejects two PDUs that are none, and ends at the third", () => {
    const bench = new Bench();
    const client = bench.client();
    const garbage = segmentTsdu(wrapMms(client.ids!, Uint8Array.of(0xa0, 0x02, 0x05, 0x00)), 8192);

    client.send(garbage);
    client.send(garbage);
    assert.equal(client.end, "open");
    assert.equal(client.ask(READ)?.kind, "confirmed-response");
    client.send(garbage);

    assert.equal(client.end, "reset");
    assert.equal(bench.device.counters.rejected, 2);
  });

  it("answers a request whose answer is too long with an error, before it puts it together", () => {
    const bench = new Bench();
    const client = bench.client();
    const variables = Array.from({ length: 2000 }, () => ({
      name: name("DRCC1"),
      alternateAccess: undefined,
    }));

    const started = client.octetsReceived;
    const answer = client.ask({ ...READ, access: { by: "names", variables } });
    assert.equal(answer?.kind, "confirmed-error");
    assert.ok(client.octetsReceived - started < 100);
    const small = bench.client({ pduOctets: 256 });
    assert.equal(small.ask({ ...READ, access: byNames([name("DRCC1")]) })?.kind, "confirmed-error");
  });

  it("ends for a TSDU longer than any that was agreed", () => {
    const bench = new Bench();
    const client = bench.client();
    const flood = segmentTsdu(new Uint8Array(8000), 8192);
    // The end mark off: a segment of which more is to come.
    flood[6] = 0;

    for (let at = 0; at < 8; at++) client.send(flood);
    assert.equal(client.end, "open");
    client.send(flood);

    assert.equal(client.end, "reset");
  });

  it("drops what a client does not read beyond a measure, and counts it", () => {
    const bench = new Bench();
    const client = bench.client();
    client.unsentOctets = 5_000_000;

    assert.equal(client.ask(READ), undefined);
    assert.equal(bench.device.counters.droppedPdus, 1);
  });

  it("says nothing in a black hole, and is still there after it", async () => {
    const bench = new Bench();
    const client = bench.client();
    client.set("LLN0$RP$urcbMeas01", "RptEna", true);
    bench.device.inject({ kind: "blackhole" });

    assert.equal(client.ask(READ), undefined);
    bench.set("MMXU1.Hz.mag.f[MX]", 1);
    await bench.clock.advance(60_000);
    assert.deepEqual(client.reports(3), []);
    assert.equal(client.end, "open");
    bench.device.heal("blackhole");
    assert.equal(client.ask(READ)?.kind, "confirmed-response");
  });

  it("leaves nothing to wait for when the device has ended", async () => {
    const bench = new Bench();
    const client = bench.client();
    client.set("LLN0$RP$urcbMeas01", "IntgPd", 1000);
    client.set("LLN0$RP$urcbMeas01", "RptEna", true);
    client.command("DRCC1$CO$OutVarSet", "SBOw", { value: 1 });
    assert.ok(bench.device.alarms.size > 0);

    bench.stop.abort();
    await bench.settle();

    assert.equal(bench.device.alarms.size, 0);
  });

  it("survives any change to the octets of a request", () => {
    const bench = new Bench();
    const ids = bench.client().ids!;
    const command = encodePdu({
      kind: "confirmed-request",
      invokeId: 7,
      request: {
        service: "write",
        access: byNames([name("DRCC1$CO$OutWSet$Oper"), name("LLN0$BR$brcbEvt01$EntryID")]),
        values: [
          { kind: "structure", members: [{ kind: "float", value: 1, width: 32 }] },
          { kind: "octets", bytes: new Uint8Array(8) },
        ],
      },
    });
    const frames = [
      command,
      encodePdu({ kind: "confirmed-request", invokeId: 8, request: READ }),
    ].map((pdu) => segmentTsdu(wrapMms(ids, pdu), 8192));
    const mutation = fc.record({
      which: fc.nat(1),
      changes: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    });
    let client = bench.client();
    fc.assert(
      fc.property(mutation, ({ which, changes }) => {
        const frame = frames[which]!.slice();
        for (const [at, octet] of changes) frame[at % frame.length] = octet;
        if (client.end !== "open") client = bench.client();
        client.send(frame);
        client.pdus.length = 0;
      }),
      { numRuns: 3000, seed: 61850 },
    );

    assert.equal(bench.client().ask(READ)?.kind, "confirmed-response");
  });
});
