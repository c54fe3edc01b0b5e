import { strict as assert } from "node:assert";
import { asBackfill } from "../../../src/dcpi/telemetry.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { CommandMessage } from "../../../src/northbound/command-gate.ts";
import {
  ACK_TIMEOUT_MS,
  MqttPublisher,
  PROBE_MS,
  STABLE_MS,
} from "../../../src/northbound/mqtt/publisher.ts";
import { LIVE_QUEUE_MAX, RETAINED_MAX } from "../../../src/northbound/mqtt/sender.ts";
import type { OutboxRow } from "../../../src/northbound/publisher.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { connectTo, FakeBacklog, ScriptedBroker } from "./scripted-broker.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const LATE = '{"bf":true,';

function start({ brokers = [new ScriptedBroker("a")], random = 0 } = {}) {
  const clock = new SimClock();
  const backlog = new FakeBacklog();
  const stop = new AbortController();
  const told: string[] = [];
  const commands: CommandMessage[] = [];
  const log = {
    info: (facts: object) => told.push(JSON.stringify(facts)),
    warn: (facts: object) => told.push(JSON.stringify(facts)),
  };
  const publisher = new MqttPublisher(
    {
      brokers: brokers.map(({ address }) => address),
      clientId: "gw-1",
      commandFilter: "p/cmd/#",
      will: { topic: "p/status", payload: bytes('{"status":"offline"}') },
    },
    {
      clock,
      log,
      backlog,
      connect: connectTo(...brokers),
      gate: { offer: (message) => commands.push(message) },
      flagBackfill: asBackfill,
      random: () => random,
    },
  );
  let lastId = 0;
  const row = (stream = "s"): OutboxRow => {
    lastId += 1;
    return { id: lastId, topic: `p/tel/${stream}`, payload: bytes(`{"n":${lastId}}`) };
  };
  /** What services does with a round: store it, and offer it. */
  const round = (stream = "s"): boolean => publisher.publishRow(backlog.add(row(stream)));
  const [broker] = brokers;
  const done = publisher.run(stop.signal);
  return { clock, backlog, stop, told, commands, publisher, broker: broker!, row, round, done };
}

const numbers = (rows: readonly string[]) =>
  rows.map((text) => (JSON.parse(text) as { n: number }).n);
const live = (broker: ScriptedBroker) =>
  numbers(broker.rows().filter((text) => !text.startsWith(LATE)));
const late = (broker: ScriptedBroker) =>
  numbers(broker.rows().filter((text) => text.startsWith(LATE)));
const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("mqtt publisher", () => {
  it("sends live rows at once and marks them when the broker has them", async () => {
    const { clock, backlog, broker, round, publisher, stop, done } = start();
    await clock.advance(0);
    assert.deepEqual([round(), round(), round()], [true, true, true]);
    assert.deepEqual(live(broker), [1, 2, 3], "sent in the call, not later");
    await clock.advance(100);
    assert.deepEqual(backlog.sent, [1, 2, 3]);
    const { connected, acked, backfilled, broker: name, protocol } = publisher.counters();
    assert.deepEqual(
      { connected, acked, backfilled, name, protocol },
      { connected: true, acked: 3, backfilled: 0, name: "a:1883", protocol: 5 },
    );
    stop.abort();
    await clock.advance(5_000);
    await done;
  });

  it("keeps to the broker's receive maximum and sends on as answers come", async () => {
    const { clock, broker, round } = start();
    broker.receiveMaximum = 4;
    broker.answersAtOnce = false;
    await clock.advance(0);
    for (let count = 0; count < 10; count++) round();
    assert.equal(broker.received.length, 4);
    broker.answer(2);
    assert.deepEqual(live(broker), upTo(6));
    broker.answer(4);
    broker.answer(4);
    assert.deepEqual(live(broker), upTo(10));
    const ids = new Set(broker.received.map(({ packetId }) => packetId));
    assert.ok([...ids].every((id) => id >= 1 && id <= 4));
  });

  it("never has more than 200 messages on their way", async () => {
    const { clock, broker, round } = start();
    broker.receiveMaximum = 65_535;
    broker.answersAtOnce = false;
    await clock.advance(0);
    for (let count = 0; count < 300; count++) round();
    assert.equal(broker.received.length, 200);
  });

  it("works without a broker, and delivers everything in order when there is one", async () => {
    const { clock, backlog, broker, round, publisher } = start();
    broker.isUp = false;
    await clock.advance(1_000);
    for (let count = 0; count < 500; count++) assert.equal(round(), false);
    broker.isUp = true;
    await clock.advance(70_000);
    assert.deepEqual(late(broker), upTo(500));
    assert.deepEqual(backlog.sent, upTo(500));
    assert.equal(publisher.counters().backfilled, 500);
    assert.equal(publisher.counters().missed, 500);
  });

  it("does not delay live rows behind a backlog, and keeps each lane in order", async () => {
    const { clock, backlog, broker, round } = start();
    broker.isUp = false;
    await clock.advance(100);
    for (let count = 0; count < 3_000; count++) round();
    broker.isUp = true;
    await clock.advance(4_000);
    const first = 3_001;
    for (let count = 0; count < 400; count++) {
      const before = broker.received.length;
      assert.equal(round(), true);
      const sent = broker.received[before];
      assert.equal(
        new TextDecoder().decode(sent?.payload),
        `{"n":${first + count}}`,
        "a live row is the next message on the wire",
      );
      await clock.advance(10);
    }
    await clock.advance(20_000);
    assert.deepEqual(live(broker), upTo(3_400, first));
    assert.deepEqual(late(broker), upTo(3_000));
    assert.equal(new Set(backlog.sent).size, 3_400);
    assert.equal(backlog.sent.length, 3_400, "each row once");
  });

  it("gives the backfill at most half of the window", async () => {
    const { clock, broker, round } = start();
    broker.isUp = false;
    await clock.advance(100);
    for (let count = 0; count < 200; count++) round();
    broker.isUp = true;
    broker.answersAtOnce = false;
    await clock.advance(3_000);
    assert.equal(late(broker).length, 10, "half of 20");
    for (let count = 0; count < 10; count++) round();
    assert.equal(live(broker).length, 10, "the other half is for live rows");
  });

  it("gives a free place in the window to a live row, not to the backfill", async () => {
    const { clock, broker, round } = start();
    broker.isUp = false;
    await clock.advance(100);
    for (let count = 0; count < 100; count++) round();
    broker.isUp = true;
    broker.answersAtOnce = false;
    await clock.advance(3_000);
    for (let count = 0; count < 15; count++) round();
    assert.equal(live(broker).length, 10, "the window is full, five rows wait");
    await clock.advance(1_000);
    broker.answer(6);
    assert.equal(live(broker).length, 15);
    assert.equal(late(broker).length, 11, "the sixth place is free for the backfill");
  });

  it("gives the backfill way when the socket is not empty", async () => {
    const { clock, broker, round } = start();
    broker.isUp = false;
    await clock.advance(100);
    for (let count = 0; count < 50; count++) round();
    broker.isUp = true;
    broker.bufferedBytes = 100_000;
    await clock.advance(3_000);
    assert.equal(late(broker).length, 0);
    round();
    assert.equal(live(broker).length, 1);
    broker.bufferedBytes = 2_000_000;
    round();
    assert.equal(live(broker).length, 1, "a full socket takes nothing");
    broker.bufferedBytes = 0;
    broker.listener?.onDrain();
    assert.equal(live(broker).length, 2);
  });

  it("catches up at three times the live rate, and not slower than 200 a second", async () => {
    const { clock, broker, round } = start();
    broker.isUp = false;
    await clock.advance(100);
    for (let count = 0; count < 3_000; count++) round();
    broker.isUp = true;
    await clock.advance(1_500);
    const from = late(broker).length;
    await clock.advance(5_000);
    const rate = (late(broker).length - from) / 5;
    assert.ok(rate > 190 && rate < 800, `${rate} rows a second`);
    // A hundred live rows a second for long enough that the old burst is forgotten.
    const calm = start();
    calm.broker.isUp = false;
    await calm.clock.advance(100);
    for (let count = 0; count < 4_000; count++) calm.backlog.add(calm.row());
    calm.broker.isUp = true;
    for (let count = 0; count < 300; count++) {
      calm.round();
      await calm.clock.advance(10);
    }
    const before = late(calm.broker).length;
    for (let count = 0; count < 300; count++) {
      calm.round();
      await calm.clock.advance(10);
    }
    const catchUp = (late(calm.broker).length - before) / 3;
    assert.ok(catchUp > 270 && catchUp < 330, `${catchUp} rows a second`);
  });

  it("takes what was on its way out of the store again when the connection breaks", async () => {
    const { clock, backlog, broker, round, publisher } = start();
    broker.answersAtOnce = false;
    await clock.advance(0);
    for (let count = 0; count < 30; count++) round();
    broker.answer(5);
    broker.breakDown();
    await clock.advance(60);
    assert.deepEqual(backlog.sent, upTo(5));
    assert.equal(publisher.counters().lostInFlight, 20);
    broker.answersAtOnce = true;
    await clock.advance(5_000);
    assert.deepEqual(late(broker), upTo(30, 6));
    assert.deepEqual(backlog.sent, upTo(30));
  });

  it("asks the store for no row that is on its way or just acknowledged", async () => {
    const { clock, backlog, broker, round, publisher } = start();
    broker.answersAtOnce = false;
    await clock.advance(100);
    let open = (): void => undefined;
    backlog.gate = new Promise((resolve) => {
      open = resolve;
    });
    round();
    await clock.advance(6_000);
    assert.ok(backlog.takes > 0);
    broker.answer();
    await clock.advance(100);
    assert.deepEqual(backlog.sent, [1], "marked while an older answer of the store is under way");
    open();
    await clock.advance(10_000);
    assert.equal(broker.rows().length, 1, "not sent again out of that answer");
    assert.equal(publisher.publishRow({ id: 9, topic: "t", payload: bytes("{}") }), true);
    assert.equal(publisher.publishRow({ id: 9, topic: "t", payload: bytes("{}") }), true);
    assert.equal(broker.rows().length, 2, "a row offered twice goes once");
  });

  it("waits 200 ms after a break, then longer, with jitter, up to a minute", async () => {
    const { clock, broker, told } = start({ random: 0.999 });
    const tries: number[] = [];
    await clock.advance(STABLE_MS + 100);
    broker.connect = async () => {
      await Promise.resolve();
      tries.push(clock.now());
      throw new GatewayError("BROKER_UNREACHABLE", { broker: "a" });
    };
    tries.push(clock.now());
    broker.breakDown();
    await clock.advance(400_000);
    const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    assert.equal(waits[0], 200);
    assert.ok(waits.length >= 8);
    for (const [index, wait] of waits.slice(0, 4).entries()) {
      assert.ok(wait < (waits[index + 1] ?? 0), `${wait} ms, then longer`);
    }
    assert.ok(waits.slice(5).every((wait) => wait > 50_000 && wait < 60_001));
    assert.equal(told.filter((line) => line.includes("broker-lost")).length, 1, "told once");
  });

  it("does not come back fast to a broker that accepts and drops", async () => {
    const { clock, broker, publisher } = start({ random: 0.5 });
    for (let count = 0; count < 300; count++) {
      await clock.advance(100);
      broker.breakDown();
    }
    assert.ok(
      publisher.counters().connects < 12,
      `${publisher.counters().connects} connects in 30 s`,
    );
  });

  it("gives up a broker that takes messages and never answers", async () => {
    const { clock, broker, round, told, publisher } = start();
    broker.answersAtOnce = false;
    await clock.advance(0);
    round();
    await clock.advance(ACK_TIMEOUT_MS - 100);
    assert.equal(publisher.counters().connected, true);
    await clock.advance(200);
    assert.deepEqual(broker.log, ["abandon"]);
    assert.ok(told.some((line) => line.includes('"code":"BROKER_LOST"')));
    broker.answersAtOnce = true;
    await clock.advance(2_000);
    assert.deepEqual(late(broker), [1]);
  });

  it("takes the next broker, and goes back when the first one answers a probe", async () => {
    const first = new ScriptedBroker("first");
    const second = new ScriptedBroker("second");
    first.isUp = false;
    const { clock, round, publisher, backlog } = start({ brokers: [first, second] });
    await clock.advance(100);
    assert.equal(publisher.counters().broker, "second:1883");
    round();
    await clock.advance(PROBE_MS + 100);
    assert.equal(publisher.counters().broker, "second:1883", "still away");
    first.isUp = true;
    await clock.advance(PROBE_MS + 1_000);
    assert.equal(publisher.counters().broker, "first:1883");
    assert.deepEqual(second.log, ["close", "abandon"], "left in order");
    assert.equal(first.sessions[0]?.isProbe, true);
    assert.equal(first.sessions[0].will, undefined);
    assert.equal(first.sessions[1]?.clientId, "gw-1");
    round();
    await clock.advance(100);
    assert.deepEqual(live(first), [2]);
    assert.deepEqual(backlog.sent, [1, 2]);
    assert.equal(publisher.counters().lostInFlight, 0);
  });

  it("says retained documents after every connect, only the latest of each", async () => {
    const { clock, broker, publisher } = start();
    const said = () =>
      broker.received
        .filter(({ isRetained }) => isRetained)
        .map(({ topic, payload }) => `${topic} ${new TextDecoder().decode(payload)}`);
    publisher.setRetained({ topic: "p/model", payload: bytes("m1"), expirySeconds: undefined });
    publisher.setRetained({ topic: "p/model", payload: bytes("m2"), expirySeconds: undefined });
    publisher.setRetained({ topic: "p/battery", payload: bytes("b1"), expirySeconds: 3 });
    await clock.advance(100);
    assert.deepEqual(said(), ["p/model m2", "p/battery b1"]);
    assert.deepEqual(
      broker.received.map(({ expirySeconds }) => expirySeconds),
      [undefined, 3],
    );
    publisher.setRetained({ topic: "p/battery", payload: bytes("b2"), expirySeconds: 3 });
    assert.equal(said().at(-1), "p/battery b2");
    broker.received.length = 0;
    broker.breakDown();
    await clock.advance(1_000);
    assert.deepEqual(said(), ["p/model m2", "p/battery b2"]);
  });

  it("keeps no more retained documents than its limit", async () => {
    const { clock, publisher } = start();
    await clock.advance(0);
    for (let count = 0; count < RETAINED_MAX + 3; count++) {
      publisher.setRetained({ topic: `t/${count}`, payload: bytes("x"), expirySeconds: undefined });
    }
    assert.equal(publisher.counters().droppedRetained, 3);
  });

  it("sends now or never what is not worth keeping", async () => {
    const { clock, broker, publisher } = start();
    publisher.publishNow("p/power", bytes("1"));
    await clock.advance(0);
    publisher.publishNow("p/power", bytes("2"));
    broker.bufferedBytes = 300_000;
    publisher.publishNow("p/power", bytes("3"));
    assert.deepEqual(
      broker.received.map(({ packetId, payload }) => [packetId, new TextDecoder().decode(payload)]),
      [[0, "2"]],
    );
    const { sentNow, droppedNow } = publisher.counters();
    assert.deepEqual([sentNow, droppedNow], [1, 2]);
  });

  it("sends what is urgent before everything that waits, at least once and with its end", async () => {
    const { clock, broker, publisher, round } = start();
    const urgent = (text: string) =>
      publisher.publishUrgent({ topic: "p/order", payload: bytes(text), expirySeconds: 12 });
    assert.equal(urgent("early"), false, "there is no broker yet");
    broker.receiveMaximum = 3;
    broker.answersAtOnce = false;
    await clock.advance(0);
    round();
    assert.equal(urgent("now"), true);
    const [, order] = broker.received;
    assert.deepEqual(
      [order?.isRetained, order?.expirySeconds, (order?.packetId ?? 0) > 0],
      [false, 12, true],
    );
    round();
    assert.equal(urgent("beyond"), false, "the window is full");
    broker.answer();
    assert.equal(urgent("later"), true);
    broker.bufferedBytes = 2 * 1024 * 1024;
    assert.equal(urgent("stuck"), false);
    const { sentUrgent, missedUrgent, acked } = publisher.counters();
    assert.deepEqual([sentUrgent, missedUrgent, acked], [2, 3, 2]);
  });

  it("does not send what is urgent again by itself, when the connection breaks", async () => {
    const { clock, broker, publisher } = start();
    broker.answersAtOnce = false;
    await clock.advance(0);
    publisher.publishUrgent({ topic: "p/order", payload: bytes("1"), expirySeconds: 12 });
    broker.received.length = 0;
    broker.breakDown();
    await clock.advance(5_000);
    assert.deepEqual(broker.received, []);
  });

  it("bounds the live lane: what does not fit comes out of the store", async () => {
    const { clock, backlog, broker, round, publisher } = start();
    broker.answersAtOnce = false;
    await clock.advance(0);
    let taken = 0;
    for (let count = 0; count < LIVE_QUEUE_MAX + 100; count++) if (round()) taken += 1;
    assert.equal(taken, LIVE_QUEUE_MAX + 20, "the queue and the window");
    assert.equal(publisher.counters().missed, 80);
    broker.answersAtOnce = true;
    broker.answer();
    await clock.advance(5_000);
    assert.equal(new Set(backlog.sent).size, LIVE_QUEUE_MAX + 100);
    assert.equal(backlog.sent.length, LIVE_QUEUE_MAX + 100);
  });

  it("leaves a busy broker in peace, and loses nothing", async () => {
    const { clock, backlog, broker, round, told, publisher } = start();
    broker.outcome = "broker-busy";
    await clock.advance(0);
    assert.equal(round(), true);
    await clock.advance(10);
    assert.equal(round(), false, "live rows wait in the store meanwhile");
    publisher.setRetained({ topic: "p/x", payload: bytes("x"), expirySeconds: undefined });
    const asked = () => broker.received.map(({ topic }) => topic);
    assert.deepEqual(asked(), ["p/tel/s"], "and documents with us");
    await clock.advance(30_000);
    assert.ok(asked().length <= 7, `asked ${asked().length} times in 30 s`);
    assert.ok(told.some((line) => line.includes('"code":"PUBLISH_FAILED"')));
    broker.outcome = "accepted";
    await clock.advance(60_000);
    assert.deepEqual([...backlog.sent].sort(), [1, 2]);
    assert.equal(publisher.counters().acked, 2);
  });

  it("lets no refused row stand in the way of the others", async () => {
    const { clock, backlog, broker, row, round, publisher } = start();
    broker.isUp = false;
    await clock.advance(100);
    // More than the store gives in one answer.
    for (let count = 0; count < 300; count++) backlog.add({ ...row(), topic: "p/poison" });
    round();
    round();
    broker.isUp = true;
    const refusing = broker.connect.bind(broker);
    broker.connect = async (session, listener) =>
      refusing(session, {
        ...listener,
        onAck: (id) => {
          const { topic } = broker.received.findLast(({ packetId }) => packetId === id)!;
          listener.onAck(id, topic === "p/poison" ? "refused" : "accepted");
        },
      });
    await clock.advance(10_000);
    assert.deepEqual(backlog.sent, [301, 302]);
    const asked = () => broker.received.filter(({ topic }) => topic === "p/poison").length;
    assert.equal(asked(), 300);
    await clock.advance(70_000);
    assert.equal(asked(), 600, "asked again after a minute");
    assert.equal(publisher.counters().refused, 600);
  });

  it("does not send what the broker would end the connection for", async () => {
    const { clock, backlog, broker, publisher, round } = start();
    broker.maximumPacketBytes = 1_000;
    await clock.advance(0);
    const big = { id: 99, topic: "p/tel/s", payload: bytes(`{"x":"${"y".repeat(1_000)}"}`) };
    assert.equal(publisher.publishRow(backlog.add(big)), true);
    round();
    await clock.advance(1_000);
    assert.equal(publisher.counters().oversize, 1);
    assert.deepEqual(backlog.sent, [1]);
  });

  it("goes on when the store cannot answer for a while", async () => {
    const { clock, backlog, broker, round, told } = start();
    broker.isUp = false;
    await clock.advance(100);
    round();
    backlog.error = new GatewayError("STORE_BUSY");
    broker.isUp = true;
    await clock.advance(5_000);
    assert.ok(told.some((line) => line.includes("STORE_BUSY")));
    backlog.error = undefined;
    await clock.advance(5_000);
    assert.deepEqual(backlog.sent, [1]);
  });

  it("says goodbye when it stops, after everything on its way is answered", async () => {
    const { clock, backlog, broker, round, stop, done } = start();
    broker.answersAtOnce = false;
    await clock.advance(100);
    round();
    stop.abort();
    await clock.advance(500);
    assert.equal(broker.received.length, 1, "not before the answer");
    broker.answer();
    await clock.advance(100);
    broker.answer();
    await clock.advance(100);
    await done;
    const last = broker.received.at(-1);
    assert.deepEqual([last?.topic, last?.isRetained], ["p/status", true]);
    assert.deepEqual(broker.log, ["close", "abandon"]);
    assert.deepEqual(backlog.sent, [1]);
  });

  it("stops in time although the broker answers nothing", async () => {
    const { clock, broker, round, stop, done } = start();
    broker.answersAtOnce = false;
    await clock.advance(100);
    round();
    stop.abort();
    await clock.advance(3_000);
    await done;
    assert.ok(broker.log.includes("close"));
  });

  it("stops while it waits for a broker", async () => {
    const { clock, broker, stop, done } = start();
    broker.isUp = false;
    broker.breakDown();
    await clock.advance(5_000);
    stop.abort();
    await clock.advance(0);
    await done;
  });

  it("hands commands to the gate", async () => {
    const { clock, broker, commands } = start();
    await clock.advance(0);
    assert.equal(broker.sessions[0]?.subscribe, "p/cmd/#");
    const message = { topic: "p/cmd/battery/control" } as CommandMessage;
    broker.listener?.onMessage(message);
    assert.deepEqual(commands, [message]);
  });
});
