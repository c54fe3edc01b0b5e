import assert from "node:assert/strict";
import { connect, type MqttClient } from "mqtt";
import { AuditLedger } from "../../src/store/audit-ledger.ts";
import { eventually } from "./site-run.ts";

/** A message that a subscriber got. */
export interface Got {
  /** Behind `dcpi/v1/<site>/<gateway>/`. */
  readonly topic: string;
  readonly body: Body;
  /** When, monotonic, ms. */
  readonly atMs: number;
  readonly utcMs: number;
  readonly isRetained: boolean;
}

export type Body = Readonly<Record<string, unknown>>;

const PREFIX = "dcpi/v1/hall-1/gw-1/";
/** Ranges that one look asks for again; the others come in the next. */
const RESENDS_MAX = 40;
/** So long nothing has come late before a hole is one. */
const QUIET_MS = 3_000;

export interface SubscriberOptions {
  readonly url: string;
  /** 4 for the broker of the demonstration. */
  readonly version: 4 | 5;
  readonly clientId: string;
  /** Behind the prefix. */
  readonly topics: readonly string[];
  /** Acknowledges what it has and asks for what it lacks. */
  readonly settles?: boolean;
}

/** Somebody in the north: keeps what it gets, and may be a consumer that acknowledges. */
export class Subscriber {
  readonly got: Got[] = [];
  readonly ledger = new AuditLedger({ begin: "one" });
  /** Payload without `bf` by stream, epoch and sequence: the same identity is the same message. */
  readonly #payloads = new Map<string, string>();
  readonly differing: string[] = [];
  readonly client: MqttClient;
  readonly #options: SubscriberOptions;
  readonly #settling: NodeJS.Timeout | undefined;
  /** When something last came late: as long as it does, what is missing may be on its way. */
  #lateAt = Number.NEGATIVE_INFINITY;

  static async open(options: SubscriberOptions): Promise<Subscriber> {
    const subscriber = new Subscriber(options);
    await eventually("the subscriber is connected", 10_000, () =>
      subscriber.client.connected ? true : undefined,
    );
    await subscriber.#subscribe();
    return subscriber;
  }

  private constructor(options: SubscriberOptions) {
    this.#options = options;
    this.client = connect(options.url, {
      protocolVersion: options.version,
      clientId: options.clientId,
      clean: false,
      reconnectPeriod: 200,
      resubscribe: false,
      ...(options.version === 5
        ? { properties: { sessionExpiryInterval: 3_600, receiveMaximum: 1_000 } }
        : {}),
    });
    this.client.on("error", () => undefined);
    this.client.on("connect", () => void this.#subscribe().catch(() => undefined));
    this.client.on("message", (topic, payload, packet) => {
      this.#take(topic.slice(PREFIX.length), payload.toString("utf8"), packet.retain);
    });
    if (options.settles === true)
      this.#settling = setInterval(() => {
        this.settle();
      }, 1_000);
  }

  async publish(topic: string, message: object | string): Promise<void> {
    const payload = typeof message === "string" ? message : JSON.stringify(message);
    await this.client.publishAsync(PREFIX + topic, payload, { qos: 1 });
  }

  /** The first message that fits, already here or still to come. */
  async wait(what: string, withinMs: number, fits: (got: Got) => boolean): Promise<Got> {
    return eventually(what, withinMs, () => this.got.find(fits));
  }

  on(topic: string): readonly Got[] {
    return this.got.filter((got) => got.topic === topic);
  }

  /** Speaks as a consumer: what it has from the beginning on, and what it lacks. */
  settle(): void {
    if (!this.client.connected) return;
    const acks: object[] = [];
    const isDraining = performance.now() - this.#lateAt < QUIET_MS;
    let asked = isDraining ? RESENDS_MAX : 0;
    for (const { stream, epochs } of this.ledger.verdict().streams)
      for (const { epoch, missing, last } of epochs) {
        const [hole] = missing;
        const whole = hole === undefined ? last : hole[0] - 1;
        if (whole > 0) acks.push({ s: stream, e: epoch, n: whole });
        for (const [from, to] of missing) {
          asked += 1;
          if (asked > RESENDS_MAX) break;
          this.#say("cmd/stream/resend", { s: stream, e: epoch, from, to });
        }
      }
    if (acks.length > 0) this.#say("cmd/stream/ack", { acks });
  }

  async close(): Promise<void> {
    clearInterval(this.#settling);
    await this.client.endAsync(true);
  }

  #say(topic: string, message: object): void {
    this.client.publish(PREFIX + topic, JSON.stringify(message), { qos: 1 }, () => undefined);
  }

  async #subscribe(): Promise<void> {
    const topics = this.#options.topics.map((topic) => PREFIX + topic);
    await this.client.subscribeAsync(topics, { qos: 1 });
  }

  #take(topic: string, text: string, isRetained: boolean): void {
    const body = JSON.parse(text) as Body;
    const atMs = performance.now();
    this.got.push({ topic, body, atMs, utcMs: Date.now(), isRetained });
    if (!topic.startsWith("tel/")) return;
    const { s, e, n, bf } = body;
    if (bf === true) this.#lateAt = atMs;
    assert(typeof s === "string" && typeof e === "number" && typeof n === "number");
    const key = `${s} ${e} ${n}`;
    const bare = bf === true ? text.replace('"bf":true,', "") : text;
    const known = this.#payloads.get(key);
    if (known === undefined) this.#payloads.set(key, bare);
    else if (known !== bare) this.differing.push(key);
    this.ledger.receive({ stream: s, epoch: e, seq: n, isBackfill: bf === true });
  }
}

/** The values of a telemetry message. */
export function valuesOf({
  body,
}: Got): Readonly<Record<string, number | string | boolean | null>> {
  return body["v"] as Readonly<Record<string, number | string | boolean | null>>;
}

export function qualitiesOf({ body }: Got): Readonly<Record<string, string>> {
  return (body["q"] ?? {}) as Readonly<Record<string, string>>;
}

/** The value below which the share `p` of all lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}
