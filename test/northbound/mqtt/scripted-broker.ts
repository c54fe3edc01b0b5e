import { GatewayError } from "../../../src/domain/errors.ts";
import type {
  AckOutcome,
  BrokerAddress,
  BrokerConnection,
  ConnectBroker,
  ConnectionListener,
  OutgoingMessage,
  SessionFacts,
} from "../../../src/northbound/mqtt/connection.ts";
import type { Backlog, OutboxRow, TakeRequest } from "../../../src/northbound/publisher.ts";

/** A broker that does what a test says, at once and without a socket. */
export class ScriptedBroker {
  readonly address: BrokerAddress;
  isUp = true;
  receiveMaximum = 20;
  maximumPacketBytes = 1_000_000;
  bufferedBytes = 0;
  /** Answers every message as soon as it comes. */
  answersAtOnce = true;
  /** What it answers. */
  outcome: AckOutcome = "accepted";
  readonly sessions: SessionFacts[] = [];
  readonly received: OutgoingMessage[] = [];
  readonly log: string[] = [];
  listener: ConnectionListener | undefined;
  /** QoS 1 messages that it has not answered. */
  unanswered: number[] = [];

  constructor(name: string) {
    this.address = { host: name, port: 1883, username: undefined, password: undefined };
  }

  async connect(session: SessionFacts, listener: ConnectionListener): Promise<BrokerConnection> {
    await Promise.resolve();
    const { host } = this.address;
    if (!this.isUp) throw new GatewayError("BROKER_UNREACHABLE", { broker: host });
    this.sessions.push(session);
    if (!session.isProbe) this.listener = listener;
    return this.#connection(listener);
  }

  /** The connection breaks with an error, as a restart of the broker does. */
  breakDown(): void {
    this.unanswered = [];
    this.listener?.onClosed(new GatewayError("BROKER_LOST", { broker: this.address.host }));
    this.listener = undefined;
  }

  answer(count = this.unanswered.length): void {
    for (const id of this.unanswered.splice(0, count)) this.listener?.onAck(id, this.outcome);
  }

  /** Payloads as text, of QoS 1 messages that are not retained. */
  rows(): string[] {
    return this.received
      .filter((message) => message.packetId > 0 && !message.isRetained)
      .map((message) => new TextDecoder().decode(message.payload));
  }

  #connection(listener: ConnectionListener): BrokerConnection {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters below need both
    const broker = this;
    return {
      protocol: 5,
      receiveMaximum: this.receiveMaximum,
      maximumPacketBytes: this.maximumPacketBytes,
      get bufferedBytes() {
        return broker.bufferedBytes;
      },
      send: (message) => {
        this.received.push(message);
        if (message.packetId === 0) return;
        if (this.answersAtOnce) {
          queueMicrotask(() => {
            listener.onAck(message.packetId, this.outcome);
          });
        } else {
          this.unanswered.push(message.packetId);
        }
      },
      close: async () => {
        await Promise.resolve();
        this.log.push("close");
      },
      abandon: () => {
        this.log.push("abandon");
      },
    };
  }
}

export function connectTo(...brokers: readonly ScriptedBroker[]): ConnectBroker {
  return async (address, session, listener, signal) => {
    signal.throwIfAborted();
    const broker = brokers.find((one) => one.address === address);
    if (broker === undefined) throw new Error("no such broker");
    return broker.connect(session, listener);
  };
}

/** A store in memory with the publisher's view of it. */
export class FakeBacklog implements Backlog {
  readonly rows: OutboxRow[] = [];
  readonly sent: number[] = [];
  takes = 0;
  /** Resolves when the store may answer. */
  gate: Promise<void> = Promise.resolve();
  error: GatewayError | undefined;
  readonly #answered = new Set<number>();

  add(row: OutboxRow): OutboxRow {
    this.rows.push(row);
    return row;
  }

  async takeBacklog({ limit, maxBytes, exclude }: TakeRequest): Promise<readonly OutboxRow[]> {
    this.takes += 1;
    // The worker reads now and answers later, as the store does.
    const skipped = new Set(exclude);
    const unsent = this.rows.filter(({ id }) => !this.#answered.has(id) && !skipped.has(id));
    await this.gate;
    if (this.error !== undefined) throw this.error;
    const taken: OutboxRow[] = [];
    let bytes = 0;
    for (const row of unsent) {
      if (taken.length >= limit || bytes >= maxBytes) break;
      taken.push(row);
      bytes += row.payload.length;
    }
    return taken;
  }

  markSent(ids: readonly number[]): void {
    this.sent.push(...ids);
    for (const id of ids) this.#answered.add(id);
  }
}
