import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { CommandGate } from "../command-gate.ts";
import type {
  OutboxRow,
  Publisher,
  PublisherCounters,
  RetainedDocument,
  UrgentMessage,
} from "../publisher.ts";
import type {
  BrokerAddress,
  BrokerConnection,
  ConnectBroker,
  ConnectionListener,
  SessionFacts,
  WillMessage,
} from "./connection.ts";
import { Backoff } from "./pace.ts";
import { Sender, type SenderParts } from "./sender.ts";

/** Regular work while connected: marks what was sent, fetches, looks for silence, ms. */
export const TICK_MS = 50;
export const KEEPALIVE_S = 15;
/** A message unanswered for this long means that the broker is gone without a word, ms. */
export const ACK_TIMEOUT_MS = 10_000;
/** A connection that held this long makes the next wait short again, ms. */
export const STABLE_MS = 10_000;
/** How often a preferred broker is tried while another one serves, ms. */
export const PROBE_MS = 60_000;
/** How long answers are waited for before a connection is ended in order, ms. */
export const DRAIN_MS = 2_000;

export interface MqttPublisherOptions {
  /** In the order of preference. */
  readonly brokers: readonly BrokerAddress[];
  readonly clientId: string;
  /** Topic filter of inbound commands: `dcpi/v1/<site>/<gateway>/cmd/#`. */
  readonly commandFilter: string | undefined;
  /** Said by the broker when we vanish, and by us when we stop. */
  readonly will: WillMessage | undefined;
}

export interface MqttPublisherParts extends SenderParts {
  readonly connect: ConnectBroker;
  readonly gate: CommandGate;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Why a connection ended. */
type SessionEnd = "lost" | "stopped" | "switch";

interface Session {
  readonly connection: BrokerConnection;
  readonly broker: string;
  readonly place: number;
  /** Aborts when the connection is gone. */
  readonly gone: AbortController;
}

/**
 * Keeps one session with the first broker of the list that can be had, and sends through it.
 * The gateway works without it: every method returns at once, and what could not be sent comes out
 * of the store when a broker is back.
 */
export class MqttPublisher implements Publisher {
  readonly #options: MqttPublisherOptions;
  readonly #parts: MqttPublisherParts;
  readonly #sender: Sender;
  readonly #backoff: Backoff;
  #session: Session | undefined;
  #connects = 0;
  #failedConnects = 0;
  #hasToldOutage = false;
  #isRunning = false;

  constructor(options: MqttPublisherOptions, parts: MqttPublisherParts) {
    assert(options.brokers.length > 0, "a publisher needs at least one broker");
    this.#options = options;
    this.#parts = parts;
    this.#sender = new Sender(parts);
    this.#backoff = new Backoff(parts.random);
  }

  async run(signal: AbortSignal): Promise<void> {
    assert(!this.#isRunning, "the publisher runs only once at a time");
    this.#isRunning = true;
    try {
      while (!signal.aborted) {
        const session = await this.#open(signal);
        const end = session === undefined ? "lost" : await this.#serve(session, signal);
        if (end === "lost") await this.#pause(signal);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  publishRow(row: OutboxRow): boolean {
    return this.#sender.publishRow(row);
  }

  publishNow(topic: string, payload: Uint8Array): void {
    this.#sender.publishNow(topic, payload);
  }

  publishUrgent(message: UrgentMessage): boolean {
    return this.#sender.publishUrgent(message);
  }

  setRetained(document: RetainedDocument): void {
    this.#sender.setRetained(document);
  }

  counters(): PublisherCounters {
    const session = this.#session;
    return {
      ...this.#sender.counts,
      connected: session !== undefined,
      broker: session?.broker,
      protocol: session?.connection.protocol,
      connects: this.#connects,
      failedConnects: this.#failedConnects,
      liveRatePerS: this.#sender.liveRatePerS(),
      liveQueued: this.#sender.liveQueued,
      inFlight: this.#sender.inFlight,
      window: this.#sender.windowSize,
    };
  }

  /** The first broker that can be had; undefined when none can. */
  async #open(signal: AbortSignal): Promise<Session | undefined> {
    for (const [place, address] of this.#options.brokers.entries()) {
      const gone = new AbortController();
      const broker = `${address.host}:${address.port}`;
      try {
        const listener = this.#listener(broker, gone);
        const connection = await this.#parts.connect(
          address,
          this.#sessionFacts(false),
          listener,
          signal,
        );
        return { connection, broker, place, gone };
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!(error instanceof GatewayError)) throw error;
        this.#failedConnects += 1;
        this.#tellOutage(error, broker);
      }
    }
    return undefined;
  }

  async #serve(session: Session, signal: AbortSignal): Promise<SessionEnd> {
    const { clock, log, random } = this.#parts;
    const { connection, broker } = session;
    const openedAt = clock.now();
    this.#session = session;
    this.#connects += 1;
    this.#hasToldOutage = false;
    const { protocol } = connection;
    log.info({ event: "broker-connected", broker, protocol }, "broker connected");
    this.#sender.attach(connection, random());
    let end: SessionEnd = "lost";
    try {
      end = await this.#attend(session, signal);
      if (end !== "lost") await this.#leave(session, end);
    } finally {
      this.#session = undefined;
      this.#sender.detach();
      connection.abandon();
    }
    if (clock.now() - openedAt >= STABLE_MS) this.#backoff.reset();
    return end;
  }

  /** Regular work until the connection is gone, the publisher stops or a better broker is back. */
  async #attend(session: Session, signal: AbortSignal): Promise<SessionEnd> {
    const { clock } = this.#parts;
    const probe = this.#probing(session);
    const over = AbortSignal.any([signal, session.gone.signal]);
    while (!over.aborted) {
      if (!(await this.#slept(TICK_MS, over))) break;
      const now = clock.now();
      this.#sender.tick(now);
      if (this.#sender.oldestAgeMs(now) > ACK_TIMEOUT_MS) {
        this.#tellOutage(new GatewayError("BROKER_LOST", { silent: true }), session.broker);
        session.gone.abort();
      }
      if (probe(now) === "found") return "switch";
    }
    return session.gone.signal.aborted ? "lost" : "stopped";
  }

  /** Waits for answers, says goodbye when this is the end, and closes in order. */
  async #leave(session: Session, end: SessionEnd): Promise<void> {
    const { clock } = this.#parts;
    this.#sender.hold();
    const until = (clock.now() + DRAIN_MS) as MonotonicMs;
    await this.#drained(session, until);
    if (end === "stopped" && this.#options.will !== undefined) {
      this.#sender.sayGoodbye(this.#options.will);
      await this.#drained(session, until);
    }
    if (!session.gone.signal.aborted) await session.connection.close();
  }

  async #drained(session: Session, until: MonotonicMs): Promise<void> {
    const { clock } = this.#parts;
    while (this.#sender.inFlight > 0 && clock.now() < until) {
      if (!(await this.#slept(TICK_MS, session.gone.signal))) return;
      this.#sender.tick(clock.now());
    }
  }

  /** Tries the brokers before this one now and then. Asked at every tick. */
  #probing(session: Session): (now: MonotonicMs) => "found" | undefined {
    let isFound = false;
    let isTrying = false;
    let nextAt = this.#parts.clock.now() + PROBE_MS;
    return (now) => {
      if (isFound) return "found";
      if (session.place === 0 || isTrying || now < nextAt) return undefined;
      isTrying = true;
      nextAt = now + PROBE_MS;
      void this.#probe(session).then((answer) => {
        isTrying = false;
        isFound = answer;
      });
      return undefined;
    };
  }

  async #probe(session: Session): Promise<boolean> {
    const silent: ConnectionListener = {
      onAck: () => undefined,
      onMessage: () => undefined,
      onDrain: () => undefined,
      onClosed: () => undefined,
    };
    for (const address of this.#options.brokers.slice(0, session.place)) {
      try {
        const facts = this.#sessionFacts(true);
        const { signal } = session.gone;
        const connection = await this.#parts.connect(address, facts, silent, signal);
        await connection.close();
        return true;
      } catch (error) {
        // Not back yet: the next probe asks again.
        if (!(error instanceof GatewayError) && !session.gone.signal.aborted) throw error;
      }
    }
    return false;
  }

  #listener(broker: string, gone: AbortController): ConnectionListener {
    const isCurrent = (): boolean => this.#session?.gone === gone;
    return {
      onAck: (packetId, outcome) => {
        if (isCurrent()) this.#sender.acknowledge(packetId, outcome);
      },
      onMessage: (message) => {
        this.#parts.gate.offer(message);
      },
      onDrain: () => {
        if (isCurrent()) this.#sender.pump();
      },
      onClosed: (error) => {
        this.#tellOutage(error, broker);
        gone.abort();
      },
    };
  }

  #sessionFacts(isProbe: boolean): SessionFacts {
    const { clientId, will, commandFilter } = this.#options;
    return {
      clientId: isProbe ? `${clientId}-probe` : clientId,
      isProbe,
      keepaliveS: KEEPALIVE_S,
      will: isProbe ? undefined : will,
      subscribe: isProbe ? undefined : commandFilter,
    };
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.#slept(this.#backoff.next(), signal);
  }

  /** False when it was woken before its time. */
  async #slept(ms: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#parts.clock.sleep(ms, signal);
      return true;
    } catch (error) {
      if (!signal.aborted) throw error;
      return false;
    }
  }

  /** Once per outage; the counts tell how often. */
  #tellOutage(error: GatewayError, broker: string): void {
    if (this.#hasToldOutage) return;
    this.#hasToldOutage = true;
    const facts = { event: "broker-lost", broker, code: error.code, ...error.context };
    this.#parts.log.warn(facts, error.message);
  }
}
