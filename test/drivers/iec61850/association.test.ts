import assert from "node:assert/strict";
import type { DownReason } from "../../../src/drivers/iec61850/engine.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { parseReference, type Reference } from "../../../src/wire/mms/names.ts";
import { until } from "../../support/until.ts";
import { associated, CALL, NEVER, type Setup, setUp } from "./setup.ts";

function reference(text: string): Reference {
  const parsed = parseReference(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

const POWER = reference("BESS1/MMXU1.TotW[MX]");

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    return error.code;
  }
  return "none";
}

describe("iec61850 association", () => {
  let setup: Setup;
  afterEach(async () => {
    await setup.stop();
  });

  it("agrees on the smaller limits", async () => {
    setup = await setUp({ pduOctets: 1_400, outstanding: 3 });
    const association = await associated(setup, { pduOctets: 32_000, outstanding: 5 });
    const { pduOctets, outstanding, services } = association.negotiated;
    assert.equal(pduOctets, 1_400);
    assert.equal(outstanding, 3);
    assert.ok(services.has("read"));
    association.abort();
  });

  it("is refused where nobody listens", async () => {
    setup = await setUp();
    const { port } = setup.peer;
    await setup.stop();
    setup = await setUp();
    const options = { host: "127.0.0.1", port };
    assert.equal(await codeOf(setup.engine.associate(options, NEVER)), "LINK_REFUSED");
  });

  it("is refused by a peer that does not know the password", async () => {
    setup = await setUp({ isRefusing: true });
    assert.equal(await codeOf(associated(setup)), "LINK_REFUSED");
    await until(() => !setup.peer.isConnected);
  });

  for (const stopAt of ["transport", "association"] as const) {
    it(`gives up in time when the peer falls silent before the ${stopAt} is answered`, async () => {
      setup = await setUp({ stopAt });
      const attempt = codeOf(associated(setup, { connectTimeoutMs: 700 }));
      await until(() => setup.peer.connections === 1);
      await setup.clock.advance(720);
      assert.equal(await attempt, "LINK_TIMEOUT");
      await until(() => !setup.peer.isConnected);
    });
  }

  it("stops connecting when its signal aborts", async () => {
    setup = await setUp({ stopAt: "association" });
    const controller = new AbortController();
    const options = { host: "127.0.0.1", port: setup.peer.port };
    const attempt = setup.engine.associate(options, controller.signal);
    await until(() => setup.peer.connections === 1);
    controller.abort(new Error("enough"));
    await assert.rejects(attempt, /enough/);
  });

  it("has no more requests under way than agreed, and answers all", async () => {
    setup = await setUp({ outstanding: 3 });
    const { peer } = setup;
    const open: number[] = [];
    peer.script = (request, invokeId) => {
      if (request.service !== "read") return undefined;
      open.push(invokeId);
      return "nothing";
    };
    const association = await associated(setup);
    const reads = Array.from({ length: 6 }, async () => association.read([POWER], CALL));
    for (let answered = 0; answered < 6; answered += 1) {
      await until(() => open.length > answered);
      const results = [{ kind: "integer", value: answered }] as const;
      peer.reply(open[answered] ?? 0, { service: "read", access: undefined, results });
    }
    assert.equal((await Promise.all(reads)).length, 6);
    // The third place is kept for commands.
    assert.equal(peer.mostUnderWay, 2);
    association.abort();
  });

  it("refuses what would wait behind too much", async () => {
    setup = await setUp({ outstanding: 1 });
    setup.peer.isSilent = true;
    const association = await associated(setup);
    const reads = Array.from({ length: 1_026 }, async () =>
      codeOf(association.read([POWER], CALL)),
    );
    await setup.peer.heard("read");
    association.abort();
    const codes = await Promise.all(reads);
    assert.equal(codes.filter((code) => code === "LINK_BUSY").length, 1);
    assert.equal(association.counters.busy, 1);
  });

  it("ends every wait before it tells that the link is down, and tells it once", async () => {
    setup = await setUp();
    setup.peer.isSilent = true;
    const association = await associated(setup);
    const settled: string[] = [];
    const reads = Array.from({ length: 20 }, async () => {
      settled.push(await codeOf(association.read([POWER, POWER], CALL)));
    });
    const downs: DownReason[] = [];
    let settledBefore = -1;
    association.onDown((reason) => {
      downs.push(reason);
      settledBefore = settled.length;
    });
    await setup.peer.heard("read", 4);
    setup.peer.reset();
    await Promise.all(reads);
    await until(() => downs.length > 0);
    assert.equal(settledBefore, 20);
    assert.deepEqual(new Set(settled), new Set(["LINK_LOST"]));
    association.abort();
    await until(() => !association.isUp);
    assert.equal(downs.length, 1);
    assert.equal(downs[0]?.why, "lost");
    let isLateTold = false;
    association.onDown(() => {
      isLateTold = true;
    });
    await until(() => isLateTold);
  });

  for (const how of ["reset", "finish", "release"] as const) {
    it(`sees that the peer is gone by ${how}, before any of its times has passed`, async () => {
      setup = await setUp();
      const association = await associated(setup);
      const down = new Promise<DownReason>((resolve) => association.onDown(resolve));
      const startedAt = setup.clock.now();
      setup.peer[how]();
      const { why } = await down;
      assert.equal(why, how === "release" ? "peer-released" : "lost");
      assert.equal(setup.clock.now(), startedAt);
      assert.equal(setup.peer.requests.length, 0, "it did not ask");
    });
  }

  it("notices a black hole within 2.5 s", async () => {
    setup = await setUp();
    const association = await associated(setup, { probePeriodMs: 1_000 });
    let down = undefined as DownReason | undefined;
    association.onDown((reason) => (down = reason));
    setup.peer.isSilent = true;
    // The last octet came now: half a period, then two probes.
    await setup.clock.advance(1_900);
    await until(() => setup.peer.requests.length === 2);
    assert.ok(association.isUp);
    await setup.clock.advance(600);
    await until(() => down !== undefined);
    const { probes, probeMisses } = association.counters;
    assert.deepEqual({ probes, probeMisses }, { probes: 2, probeMisses: 2 });
  });

  it("stays with a peer that answers every probe", async () => {
    setup = await setUp();
    const association = await associated(setup, { probePeriodMs: 1_000 });
    for (let second = 0; second < 10; second += 1) {
      const { probes } = association.counters;
      await setup.clock.advance(510);
      await until(() => setup.peer.requests.length >= association.counters.probes);
      // The answer is on its way through a real socket.
      await associationTurns();
      assert.ok(association.counters.probes >= probes);
    }
    assert.ok(association.isUp);
    assert.ok(association.counters.probes >= 3);
    association.abort();
  });

  it("takes an answer to a request that was given up for late, not for unknown", async () => {
    setup = await setUp();
    const { peer } = setup;
    let open = 0;
    peer.script = (request, invokeId) => {
      if (request.service !== "read" || open > 0) return undefined;
      open = invokeId;
      return "nothing";
    };
    const association = await associated(setup, { requestTimeoutMs: 300 });
    const read = codeOf(association.read([POWER], CALL));
    await peer.heard("read");
    await setup.clock.advance(320);
    assert.equal(await read, "LINK_TIMEOUT");
    peer.reply(open, { service: "read", access: undefined, results: [] });
    await until(() => association.counters.lateAnswers === 1);
    assert.equal(association.counters.unknownAnswers, 0);
    assert.ok(association.isUp);
    association.abort();
  });

  it("leaves a peer that answers three times what nobody asked", async () => {
    setup = await setUp();
    const association = await associated(setup);
    let down = undefined as DownReason | undefined;
    association.onDown((reason) => (down = reason));
    const response = { service: "read", access: undefined, results: [] } as const;
    for (const invokeId of [900, 901]) {
      setup.peer.sendPdu({ kind: "confirmed-response", invokeId, response });
    }
    await until(() => association.counters.unknownAnswers === 2);
    assert.ok(association.isUp);
    setup.peer.sendPdu({ kind: "confirmed-response", invokeId: 902, response });
    await until(() => down !== undefined);
    assert.equal(down?.why, "unknown-answers");
  });

  it("survives units that cannot be read, but not three in a row", async () => {
    setup = await setUp();
    const association = await associated(setup);
    const broken = Uint8Array.of(1, 0, 1, 0, 0x61, 3, 0x30, 9, 9);
    for (let run = 0; run < 2; run += 1) {
      setup.peer.sendTsdu(broken);
      setup.peer.sendTsdu(broken);
      const before = association.counters.requests;
      await association.read([POWER], CALL);
      assert.equal(association.counters.requests, before + 1);
    }
    assert.equal(association.counters.malformed, 4);
    for (let at = 0; at < 3; at += 1) setup.peer.sendTsdu(broken);
    await until(() => !association.isUp);
  });

  it("ends with a stream that is no TPKT", async () => {
    setup = await setUp();
    const association = await associated(setup);
    let down = undefined as DownReason | undefined;
    association.onDown((reason) => (down = reason));
    setup.peer.raw(Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9));
    await until(() => down !== undefined);
    assert.equal(down?.why, "malformed");
  });

  it("ends with a peer that sends segments without an end", async () => {
    setup = await setUp();
    const association = await associated(setup, { pduOctets: 8_000 });
    const segment = new Uint8Array(4_007);
    segment.set([3, 0, 4_007 >> 8, 4_007 & 0xff, 2, 0xf0, 0]);
    for (let at = 0; at < 4; at += 1) setup.peer.raw(segment);
    await until(() => !association.isUp);
  });

  it("says good-bye and is down", async () => {
    setup = await setUp();
    const association = await associated(setup);
    let down = undefined as DownReason | undefined;
    association.onDown((reason) => (down = reason));
    await association.release(CALL);
    await until(() => down !== undefined);
    assert.equal(down?.why, "released");
    await until(() => !setup.peer.isConnected);
    assert.equal(await codeOf(association.read([POWER], CALL)), "LINK_LOST");
  });

  it("leaves in time a peer that does not answer the good-bye", async () => {
    setup = await setUp();
    const association = await associated(setup, { requestTimeoutMs: 200 });
    setup.peer.script = () => "nothing";
    const released = association.release(CALL);
    await setup.clock.advance(220);
    await released;
    assert.equal(association.isUp, false);
  });

  it("ends one wait by its signal and goes on", async () => {
    setup = await setUp();
    setup.peer.script = (request) => (request.service === "read" ? "nothing" : undefined);
    const association = await associated(setup);
    const controller = new AbortController();
    const read = association.read([POWER], { signal: controller.signal });
    await setup.peer.heard("read");
    controller.abort(new Error("enough"));
    await assert.rejects(read, /enough/);
    assert.ok(association.isUp);
    association.abort();
  });

  it("leaves no timer and no listener after a hundred connections", async () => {
    setup = await setUp();
    const controller = new AbortController();
    for (let at = 0; at < 100; at += 1) {
      const options = { host: "127.0.0.1", port: setup.peer.port };
      const association = await setup.engine.associate(options, controller.signal);
      await association.read([POWER], { signal: controller.signal });
      association.abort();
    }
    assert.equal(setup.wheel.size, 0);
  });
});

async function associationTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
