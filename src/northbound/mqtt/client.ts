import { connect as openSocket, type Socket } from "node:net";
import { type IClientOptions, type IConnackPacket, type IPublishPacket, MqttClient } from "mqtt";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock, MonotonicMs } from "../../domain/time.ts";
import type { CommandMessage } from "../command-gate.ts";
import type { NorthLog } from "../publisher.ts";
import { BrokerStream } from "./broker-stream.ts";
import { type Puback, publishHead } from "./codec.ts";
import type {
  AckOutcome,
  BrokerAddress,
  BrokerConnection,
  ConnectBroker,
  ConnectionListener,
  OutgoingMessage,
  SessionFacts,
} from "./connection.ts";

/** From the first SYN to CONNACK, ms. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** What the broker keeps of us while we are away, s. */
export const SESSION_EXPIRY_S = 7 * 86_400;
/** Messages that a broker may send us before we acknowledge one. */
export const INBOUND_WINDOW = 32;
/** Longest packet that a broker of MQTT 5 is told it may send, and that we send, bytes. */
export const PACKET_MAX_BYTES = 256 * 1024;
/** A packet announced longer than this ends the connection before it is collected, bytes. */
export const PACKET_HARD_MAX_BYTES = 16 * 1024 * 1024;
/** The broker tells others that we are gone this long after it noticed, s. */
export const WILL_DELAY_S = 10;
/** How long an orderly end may take before the socket is dropped, ms. */
const CLOSE_TIMEOUT_MS = 1_000;
/** How long a broker is taken at its word that it speaks only MQTT 3.1.1, ms. */
const OLD_PROTOCOL_MEMORY_MS = 3_600_000;
/** Payloads up to this are copied behind their head: one write is cheaper than two. */
const COPY_MAX_BYTES = 4_096;
/** Packet ids of the library's own packets; ours are 1 … the window. */
const LIBRARY_FIRST_ID = 60_001;
const MAX_ID = 65_535;
/** Receive Maximum of a broker that names none. */
const RECEIVE_MAXIMUM_DEFAULT = 65_535;

const UNACCEPTABLE_PROTOCOL = [0x01, 0x84];
/** Reason codes of MQTT 5 by which a broker asks for patience. */
const BUSY = [0x80, 0x83, 0x89, 0x93, 0x96, 0x97];
/** From here on a reason code means no. */
const FIRST_FAILURE = 0x80;

/**
 * The way to a broker by mqtt.js: one client object per attempt, which never reconnects by itself.
 * A broker that refuses MQTT 5 is asked again with 3.1.1 at once, and for an hour after that first.
 */
export function mqttConnector(clock: Clock, log: NorthLog): ConnectBroker {
  const oldUntil = new Map<string, MonotonicMs>();
  return async (address, session, listener, signal) => {
    const broker = `${address.host}:${address.port}`;
    const isOld = clock.now() < (oldUntil.get(broker) ?? 0);
    if (isOld) return connectOnce({ address, session, protocol: 4, clock, log }, listener, signal);
    try {
      return await connectOnce({ address, session, protocol: 5, clock, log }, listener, signal);
    } catch (error) {
      if (!isProtocolRefusal(error)) throw error;
      log.warn({ event: "mqtt-5-refused", broker }, "broker speaks only MQTT 3.1.1");
      oldUntil.set(broker, (clock.now() + OLD_PROTOCOL_MEMORY_MS) as MonotonicMs);
      return connectOnce({ address, session, protocol: 4, clock, log }, listener, signal);
    }
  };
}

interface Attempt {
  readonly address: BrokerAddress;
  readonly session: SessionFacts;
  readonly protocol: 4 | 5;
  readonly clock: Clock;
  readonly log: NorthLog;
}

function isProtocolRefusal(error: unknown): boolean {
  if (!(error instanceof GatewayError) || error.code !== "BROKER_REFUSED") return false;
  return UNACCEPTABLE_PROTOCOL.includes(Number(error.context["reasonCode"]));
}

async function connectOnce(
  attempt: Attempt,
  listener: ConnectionListener,
  signal: AbortSignal,
): Promise<BrokerConnection> {
  signal.throwIfAborted();
  const { host, port } = attempt.address;
  const socket = openSocket({ host, port, noDelay: true, keepAlive: true });
  let connection: MqttConnection | undefined;
  const stream = new BrokerStream(socket, PACKET_HARD_MAX_BYTES, (puback) => {
    connection?.acknowledge(puback);
  });
  const client = new MqttClient(() => stream, clientOptions(attempt));
  // Whatever happens to a client that nobody owns any more must not end the process.
  client.on("error", () => undefined);
  try {
    const connack = await connected(client, signal);
    connection = new MqttConnection({ attempt, client, socket, connack }, listener);
    const { subscribe } = attempt.session;
    if (subscribe !== undefined) await connection.subscribe(subscribe, attempt.log);
    if (socket.destroyed) throw new Error("closed before it was in use");
    return connection.handOver();
  } catch (error) {
    client.end(true);
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw connectError(error, attempt.address);
  }
}

async function connected(client: MqttClient, signal: AbortSignal): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      leave();
      reject(signal.reason as Error);
    };
    const onConnect = (packet: IConnackPacket): void => {
      leave();
      resolve(packet);
    };
    const onError = (error: unknown): void => {
      leave();
      reject(error);
    };
    const onClose = (): void => {
      // A refusal is told by an error right behind the close.
      setImmediate(onError, new Error("closed before CONNACK"));
    };
    const leave = (): void => {
      signal.removeEventListener("abort", abort);
      client.off("connect", onConnect);
      client.off("error", onError);
      client.off("close", onClose);
    };
    signal.addEventListener("abort", abort);
    client.on("connect", onConnect);
    client.on("error", onError);
    client.on("close", onClose);
  });
}

function connectError(error: unknown, { host, port }: BrokerAddress): GatewayError {
  const code = (error as { code?: unknown }).code;
  const facts = { broker: `${host}:${port}` };
  // mqtt.js puts the broker's reason code, a number, where sockets put a name.
  if (typeof code === "number") {
    return new GatewayError("BROKER_REFUSED", { ...facts, reasonCode: code }, { cause: error });
  }
  const cause = typeof code === "string" ? { cause: code } : {};
  return new GatewayError("BROKER_UNREACHABLE", { ...facts, ...cause }, { cause: error });
}

function clientOptions({ address, session, protocol }: Attempt): IClientOptions {
  const isModern = protocol === 5;
  return {
    protocolVersion: protocol,
    clientId: session.clientId,
    clean: session.isProbe,
    keepalive: session.keepaliveS,
    // A stream of our own messages says nothing about the broker: pings go on.
    reschedulePings: false,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    resubscribe: false,
    queueQoSZero: false,
    messageIdProvider: libraryIds(),
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(isModern
      ? {
          properties: {
            sessionExpiryInterval: session.isProbe ? 0 : SESSION_EXPIRY_S,
            receiveMaximum: INBOUND_WINDOW,
            maximumPacketSize: PACKET_MAX_BYTES,
          },
        }
      : {}),
    ...(session.will === undefined
      ? {}
      : {
          will: {
            topic: session.will.topic,
            payload: Buffer.from(session.will.payload),
            qos: 1 as const,
            retain: true,
            ...(isModern ? { properties: { willDelayInterval: WILL_DELAY_S } } : {}),
          },
        }),
  };
}

/** The library subscribes once per session: any id that is not one of ours will do. */
function libraryIds(): NonNullable<IClientOptions["messageIdProvider"]> {
  let last = LIBRARY_FIRST_ID - 1;
  return {
    allocate: () => {
      last = last >= MAX_ID ? LIBRARY_FIRST_ID : last + 1;
      return last;
    },
    getLastAllocated: () => last,
    register: () => true,
    deallocate: () => undefined,
    clear: () => undefined,
  };
}

interface OpenSession {
  readonly attempt: Attempt;
  readonly client: MqttClient;
  readonly socket: Socket;
  readonly connack: IConnackPacket;
}

/**
 * One session. PUBLISH packets are written to the socket directly and PUBACKs are read from it,
 * because the library's own way costs several times as much per message.
 */
class MqttConnection implements BrokerConnection {
  readonly protocol: 4 | 5;
  readonly receiveMaximum: number;
  readonly maximumPacketBytes: number;
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  readonly #broker: string;
  readonly #topics = new Map<string, Uint8Array>();
  #isCorked = false;
  #isOpen = false;
  #isOver = false;
  #reasonCode: number | undefined;

  constructor(session: OpenSession, listener: ConnectionListener) {
    const { attempt, client, socket, connack } = session;
    this.protocol = attempt.protocol;
    this.receiveMaximum = connack.properties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT;
    const theirs = connack.properties?.maximumPacketSize ?? PACKET_MAX_BYTES;
    this.maximumPacketBytes = Math.min(theirs, PACKET_MAX_BYTES);
    this.#client = client;
    this.#socket = socket;
    this.#clock = attempt.clock;
    this.#listener = listener;
    this.#broker = `${attempt.address.host}:${attempt.address.port}`;
    this.#listen();
  }

  /**
   * Resolves when the broker has granted or refused the commands; without them telemetry still
   * goes.
   * Rejects when the connection breaks meanwhile.
   */
  async subscribe(filter: string, log: NorthLog): Promise<void> {
    const qos = 1 as const;
    const options = this.protocol === 5 ? { qos, rap: true, rh: 1 } : { qos };
    const answer = await new Promise<Error | undefined>((resolve) => {
      this.#client.subscribe(filter, options, (error) => {
        resolve(error ?? undefined);
      });
    });
    if (answer === undefined) return;
    if (this.#socket.destroyed) throw answer;
    const facts = { event: "commands-refused", broker: this.#broker, filter };
    log.warn(facts, "broker does not let us hear commands");
  }

  /** From now on the owner is told when the connection ends. */
  handOver(): BrokerConnection {
    this.#isOpen = true;
    return this;
  }

  acknowledge({ packetId, reasonCode }: Puback): void {
    if (!this.#isOver) this.#listener.onAck(packetId, outcomeOf(reasonCode));
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(message: OutgoingMessage): void {
    if (this.#isOver || this.#socket.destroyed) return;
    const { payload } = message;
    const head = publishHead({
      protocol: this.protocol,
      topic: this.#topicBytes(message.topic),
      payloadBytes: payload.length,
      packetId: message.packetId,
      isRetained: message.isRetained,
      expirySeconds: message.expirySeconds,
    });
    this.#cork();
    if (payload.length > COPY_MAX_BYTES) {
      this.#socket.write(head);
      this.#socket.write(payload);
      return;
    }
    const packet = new Uint8Array(head.length + payload.length);
    packet.set(head);
    packet.set(payload, head.length);
    this.#socket.write(packet);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const gone = new Promise<void>((resolve) => {
      if (this.#socket.destroyed) resolve();
      else
        this.#socket.once("close", () => {
          resolve();
        });
    });
    this.#client.end();
    const patience = new AbortController();
    const tooLong = this.#clock.sleep(CLOSE_TIMEOUT_MS, patience.signal).catch(() => undefined);
    await Promise.race([gone, tooLong]);
    patience.abort();
    this.abandon();
  }

  abandon(): void {
    this.#isOver = true;
    this.#client.end(true);
    this.#socket.destroy();
  }

  #listen(): void {
    this.#client.on("message", (topic, payload, packet) => {
      if (!this.#isOver) this.#listener.onMessage(this.#commandMessage(topic, payload, packet));
    });
    this.#client.on("disconnect", (packet) => {
      this.#reasonCode = packet.reasonCode;
    });
    this.#socket.on("drain", () => {
      if (!this.#isOver) this.#listener.onDrain();
    });
    this.#client.on("close", () => {
      this.#lost();
    });
  }

  #lost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isOpen) return;
    const facts = { broker: this.#broker };
    this.#listener.onClosed(
      this.#reasonCode === undefined
        ? new GatewayError("BROKER_LOST", facts)
        : new GatewayError("BROKER_REFUSED", { ...facts, reasonCode: this.#reasonCode }),
    );
  }

  #commandMessage(topic: string, payload: Buffer, packet: IPublishPacket): CommandMessage {
    const { properties, hasRepeated } = userProperties(packet.properties?.userProperties);
    return {
      topic,
      payload,
      retained: packet.retain,
      correlation: packet.properties?.correlationData,
      responseTopic: packet.properties?.responseTopic,
      contentType: packet.properties?.contentType,
      properties,
      hasRepeatedProperty: hasRepeated,
      receivedAt: this.#clock.now(),
      receivedUtc: this.#clock.utcNow(),
    };
  }

  #topicBytes(topic: string): Uint8Array {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const bytes = Buffer.from(topic, "utf8");
    // Acknowledgements have a topic each: only as many as a site has streams are kept.
    if (this.#topics.size < TOPIC_CACHE_MAX) this.#topics.set(topic, bytes);
    return bytes;
  }

  /** What is sent in one turn of the event loop leaves in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }
}

const TOPIC_CACHE_MAX = 2_048;

function outcomeOf(reasonCode: number): AckOutcome {
  if (reasonCode < FIRST_FAILURE) return "accepted";
  return BUSY.includes(reasonCode) ? "broker-busy" : "refused";
}

type UserProperties = NonNullable<IPublishPacket["properties"]>["userProperties"];

function userProperties(given: UserProperties): {
  readonly properties: ReadonlyMap<string, string>;
  readonly hasRepeated: boolean;
} {
  const properties = new Map<string, string>();
  let hasRepeated = false;
  for (const [name, value] of Object.entries(given ?? {})) {
    if (typeof value === "string") {
      properties.set(name, value);
      continue;
    }
    hasRepeated = true;
    properties.set(name, value[0] ?? "");
  }
  return { properties, hasRepeated };
}
