import { strict as assert } from "node:assert";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { startDemoBroker } from "../../../src/app/demo-broker.ts";
import { asBackfill } from "../../../src/dcpi/telemetry.ts";
import { type Clock, monotonicMs, utcMs } from "../../../src/domain/time.ts";
import { type CommandMessage, CommandQueue } from "../../../src/northbound/command-gate.ts";
import { mqttConnector } from "../../../src/northbound/mqtt/client.ts";
import type {
  AckOutcome,
  BrokerConnection,
  ConnectionListener,
  SessionFacts,
} from "../../../src/northbound/mqtt/connection.ts";
import { MqttPublisher } from "../../../src/northbound/mqtt/publisher.ts";
import { until } from "../../support/until.ts";
import { FakeBacklog } from "./scripted-broker.ts";

const LOOPBACK = "127.0.0.1";
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (payload: Uint8Array) => new TextDecoder().decode(payload);

/** The machine's clock: what is tested here are sockets. */
const clock: Clock = {
  now: () => monotonicMs(Number(process.hrtime.bigint()) / 1e6),
  utcNow: () => utcMs(Date.now()),
  sleep: async (ms, signal) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    }),
};

const address = (port: number) => ({
  host: LOOPBACK,
  port,
  username: undefined,
  password: undefined,
});

class Ear implements ConnectionListener {
  readonly acks: [number, AckOutcome][] = [];
  readonly messages: CommandMessage[] = [];
  readonly closed: string[] = [];
  #wake: (() => void) | undefined;

  onAck(packetId: number, outcome: AckOutcome): void {
    this.acks.push([packetId, outcome]);
    this.#wake?.();
  }
  onMessage(message: CommandMessage): void {
    this.messages.push(message);
    this.#wake?.();
  }
  onDrain(): void {
    this.#wake?.();
  }
  onClosed(error: { code: string }): void {
    this.closed.push(error.code);
    this.#wake?.();
  }

  /** Resolves when `condition` holds; every change of what was heard asks again. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const session = (members: Partial<SessionFacts> = {}): SessionFacts => ({
  clientId: "test",
  isProbe: false,
  keepaliveS: 15,
  will: undefined,
  subscribe: undefined,
  ...members,
});

function connector() {
  const told: object[] = [];
  const log = {
    info: (facts: object) => told.push(facts),
    warn: (facts: object) => told.push(facts),
  };
  return { connect: mqttConnector(clock, log), told };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("mqtt client on a real socket", () => {
  const stop = new AbortController();
  const open: { close(): unknown }[] = [];
  let port = 0;
  let stopped: Promise<void>;

  before(async () => {
    ({ port, stopped } = await startDemoBroker({ port: 0 }, stop.signal));
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  after(async () => {
    stop.abort();
    await stopped;
  });

  const { connect, told } = connector();
  async function connected(
    ear: Ear,
    members: Partial<SessionFacts> = {},
  ): Promise<BrokerConnection> {
    const connection = await connect(address(port), session(members), ear, stop.signal);
    open.push(connection);
    return connection;
  }
  const message = (topic: string, payload: Uint8Array, packetId = 1, isRetained = false) => ({
    topic,
    payload,
    packetId,
    isRetained,
    expirySeconds: undefined,
  });

  it("falls back to MQTT 3.1.1 by itself, says so, and remembers it", async () => {
    const first = await connected(new Ear(), { clientId: "fallback" });
    assert.equal(first.protocol, 4);
    assert.deepEqual(told, [{ event: "mqtt-5-refused", broker: `${LOOPBACK}:${port}` }]);
    await connected(new Ear(), { clientId: "fallback-2" });
    assert.equal(told.length, 1, "the second connection did not have to ask");
  });

  it("publishes and hears the answers, in order, short and long payloads", async () => {
    const hearing = new Ear();
    await connected(hearing, { clientId: "hearing", subscribe: "t/#" });
    const sending = new Ear();
    const connection = await connected(sending, { clientId: "sending" });
    const long = "x".repeat(20_000);
    for (let id = 1; id <= 100; id++) {
      connection.send(message(`t/${id % 5}`, bytes(id % 10 === 0 ? `${id} ${long}` : `${id}`), id));
    }
    await sending.until(() => sending.acks.length === 100);
    await hearing.until(() => hearing.messages.length >= 100);
    assert.deepEqual(
      sending.acks,
      Array.from({ length: 100 }, (_, index) => [index + 1, "accepted"]),
    );
    const heard = hearing.messages.map(({ payload }) => Number.parseInt(text(payload)));
    assert.deepEqual(
      heard,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    assert.equal(hearing.messages[9]?.payload.length, 20_003);
  });

  it("marks what the broker had kept as retained", async () => {
    const sending = new Ear();
    const connection = await connected(sending, { clientId: "keeper" });
    connection.send(message("kept/cmd", bytes("old order"), 1, true));
    await sending.until(() => sending.acks.length === 1);
    const hearing = new Ear();
    await connected(hearing, { clientId: "late", subscribe: "kept/#" });
    await hearing.until(() => hearing.messages.length === 1);
    assert.deepEqual(
      [hearing.messages[0]?.retained, text(hearing.messages[0]!.payload)],
      [true, "old order"],
    );
  });

  it("counts a command of a megabyte as refused and goes on", async () => {
    const refused: string[] = [];
    const gate = new CommandQueue(({ reason }) => refused.push(reason));
    const hearing = new Ear();
    hearing.onMessage = (one) => {
      gate.offer(one);
      hearing.messages.push(one);
      hearing.onDrain();
    };
    await connected(hearing, { clientId: "victim", subscribe: "cmd/#" });
    const sending = new Ear();
    const connection = await connected(sending, { clientId: "attacker" });
    connection.send(message("cmd/battery/control", new Uint8Array(1024 * 1024), 1));
    await hearing.until(() => hearing.messages.length >= 1);
    connection.send(message("cmd/battery/control", bytes("{}"), 2));
    await hearing.until(() => hearing.messages.length >= 2);
    assert.deepEqual(refused, ["oversize"]);
    assert.equal(gate.counters().queued, 1);
    assert.deepEqual(hearing.closed, []);
  });

  it("has the will said when it vanishes", async () => {
    const hearing = new Ear();
    await connected(hearing, { clientId: "mourner", subscribe: "will/#" });
    const will = { topic: "will/status", payload: bytes("offline") };
    const connection = await connected(new Ear(), { clientId: "mortal", will });
    connection.abandon();
    await hearing.until(() => hearing.messages.length > 0);
    assert.equal(text(hearing.messages[0]!.payload), "offline");
  });

  it("says that nobody listens, as a value with a code", async () => {
    const server = createServer();
    const free = await listening(server);
    server.close();
    await once(server, "close");
    await assert.rejects(connect(address(free), session(), new Ear(), stop.signal), {
      code: "BROKER_UNREACHABLE",
    });
  });

  it("passes on the reason code of a refusal", async () => {
    const server = createServer((socket) => {
      socket.once("data", () => socket.write(Uint8Array.of(0x20, 0x03, 0x00, 0x87, 0x00)));
    });
    const refusing = await listening(server);
    await assert.rejects(
      connect(address(refusing), session(), new Ear(), stop.signal),
      (error: { code: string; context: object }) => {
        assert.equal(error.code, "BROKER_REFUSED");
        assert.deepEqual(error.context, { broker: `${LOOPBACK}:${refusing}`, reasonCode: 0x87 });
        return true;
      },
    );
    server.close();
  });

  it("speaks MQTT 5, and takes the broker's limits and reason codes", async () => {
    const { server, sockets, limited } = await limitedBroker();
    const ear = new Ear();
    const connection = await connect(address(limited), session(), ear, stop.signal);
    assert.deepEqual(
      [connection.protocol, connection.receiveMaximum, connection.maximumPacketBytes],
      [5, 7, 4_096],
    );
    connection.send(message("t", bytes("1"), 1));
    await ear.until(() => ear.acks.length === 3);
    assert.deepEqual(ear.acks, [
      [1, "accepted"],
      [2, "broker-busy"],
      [3, "refused"],
    ]);
    const [socket] = sockets;
    socket?.write(Uint8Array.of(0xe0, 0x02, 0x8e, 0x00));
    socket?.end();
    await ear.until(() => ear.closed.length === 1);
    assert.deepEqual(ear.closed, ["BROKER_REFUSED"], "the session was taken over");
    server.close();
  });

  it("ends a connection on which a packet without measure is announced", async () => {
    const { server, sockets, limited } = await limitedBroker();
    const ear = new Ear();
    await connect(address(limited), session(), ear, stop.signal);
    const [socket] = sockets;
    socket?.write(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
    await ear.until(() => ear.closed.length === 1);
    assert.deepEqual(ear.closed, ["BROKER_LOST"]);
    server.close();
  });

  it("gives up an attempt when it is told to", async () => {
    const server = createServer();
    const silent = await listening(server);
    const giveUp = new AbortController();
    const attempt = connect(address(silent), session(), new Ear(), giveUp.signal);
    const [socket] = (await once(server, "connection")) as [Socket];
    giveUp.abort(new Error("enough"));
    await assert.rejects(attempt, /enough/);
    socket.destroy();
    server.close();
  });

  it("refuses a port that somebody has", async () => {
    await assert.rejects(startDemoBroker({ port }, stop.signal), { code: "PORT_IN_USE" });
  });

  it("delivers rows, live and from the store, through a restart of the broker", async () => {
    const own = new AbortController();
    const first = await startDemoBroker({ port: 0 }, own.signal);
    const backlog = new FakeBacklog();
    const ending = new AbortController();
    const publisher = new MqttPublisher(
      {
        brokers: [address(first.port)],
        clientId: "gw",
        commandFilter: "p/cmd/#",
        will: { topic: "p/status", payload: bytes("{}") },
      },
      {
        clock,
        log: { info: () => undefined, warn: () => undefined },
        backlog,
        connect: connector().connect,
        gate: { offer: () => undefined },
        flagBackfill: asBackfill,
        random: () => 0,
      },
    );
    const running = publisher.run(ending.signal);
    const row = (id: number) => ({ id, topic: "p/tel/s", payload: bytes(`{"n":${id}}`) });
    await until(() => publisher.counters().connected);
    for (let id = 1; id <= 50; id++) assert.ok(publisher.publishRow(backlog.add(row(id))));
    await until(() => backlog.sent.length === 50);
    own.abort();
    await first.stopped;
    await until(() => !publisher.counters().connected);
    for (let id = 51; id <= 100; id++) publisher.publishRow(backlog.add(row(id)));
    const again = new AbortController();
    const second = await startDemoBroker({ port: first.port }, again.signal);
    await until(() => backlog.sent.length === 100);
    assert.deepEqual(
      backlog.sent,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    assert.equal(publisher.counters().backfilled, 50);
    ending.abort();
    await running;
    again.abort();
    await second.stopped;
  });
});

/** CONNACK of MQTT 5 with Receive Maximum 7 and Maximum Packet Size 4,096; then three answers. */
async function limitedBroker() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const properties = [0x21, 0x00, 0x07, 0x27, 0x00, 0x00, 0x10, 0x00];
      socket.write(Uint8Array.from([0x20, 0x0b, 0x00, 0x00, properties.length, ...properties]));
      socket.once("data", () => {
        socket.write(Uint8Array.of(0x40, 0x02, 0x00, 0x01));
        socket.write(Uint8Array.of(0x40, 0x03, 0x00, 0x02, 0x97));
        socket.write(Uint8Array.of(0x40, 0x03, 0x00, 0x03, 0x87));
      });
    });
  });
  return { server, sockets, limited: await listening(server) };
}
