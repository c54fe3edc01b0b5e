/**
 * `node main.ts <port> <prefix>`: counts what comes under the prefix. A line `open` on standard
 * input begins a window, `close` ends it and is answered with one line of JSON.
 */
import { fieldOfExtraPoint } from "../../../src/domain/vocabulary/vocabulary.ts";
import { STAMP_WRAP_S } from "../bench-site.ts";
import { quantilesOf } from "../figures.ts";
import { monotonicNow, WireClient, type WireMessage } from "../mqtt-wire.ts";
import type { WindowReport } from "../window-report.ts";

const FLEET_TOPIC = "tel/fleet-";
const OWN_TOPIC = "tel/gateway-";
/** The point that says when the device was read. */
const STAMP = fieldOfExtraPoint("x-updated", "s");

interface Telemetry {
  readonly s: string;
  readonly e: number;
  readonly n: number;
  readonly t: number;
  readonly bf?: boolean;
  readonly v: Readonly<Record<string, number | string | boolean | null>>;
}

interface StreamCount {
  epoch: number;
  lastSeq: number;
  /** Of the window. */
  rounds: number;
  firstUtc: number;
  lastUtc: number;
}

class Subscriber {
  readonly #prefix: string;
  readonly #streams = new Map<string, StreamCount>();
  readonly #own: Record<string, Telemetry["v"]> = {};
  #latencies: number[] = [];
  #openedMs = monotonicNow();
  #values = 0;
  #bad = 0;
  #bytes = 0;
  #gaps = 0;
  #duplicates = 0;
  #backfilled = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  readonly take = ({ topic, payload, atMs }: WireMessage): void => {
    if (topic.startsWith(OWN_TOPIC, this.#prefix.length)) {
      const { s, v } = JSON.parse(payload.toString("latin1")) as Telemetry;
      this.#own[s] = { ...this.#own[s], ...v };
    }
    if (!topic.startsWith(FLEET_TOPIC, this.#prefix.length)) return;
    const message = JSON.parse(payload.toString("latin1")) as Telemetry;
    this.#bytes += payload.length;
    if (message.bf === true) this.#backfilled += 1;
    this.#count(message);
    for (const name in message.v)
      if (message.v[name] === null) this.#bad += 1;
      else this.#values += 1;
    const stamp = message.v[STAMP];
    if (typeof stamp === "number") this.#latencies.push(ageMs(stamp, atMs));
  };

  open(): void {
    this.#latencies = [];
    this.#values = this.#bad = this.#bytes = 0;
    this.#gaps = this.#duplicates = this.#backfilled = 0;
    for (const stream of this.#streams.values()) stream.rounds = 0;
    this.#openedMs = monotonicNow();
  }

  close(): WindowReport {
    const streams = [...this.#streams.values()];
    return {
      seconds: (monotonicNow() - this.#openedMs) / 1_000,
      streams: streams.length,
      values: this.#values,
      bad: this.#bad,
      bytes: this.#bytes,
      messages: this.#latencies.length,
      gaps: this.#gaps,
      duplicates: this.#duplicates,
      backfilled: this.#backfilled,
      rounds: streams.map(({ rounds, firstUtc, lastUtc }) => ({
        count: rounds,
        spanMs: rounds > 0 ? lastUtc - firstUtc : 0,
      })),
      latencyMs: quantilesOf(this.#latencies),
      own: this.#own,
    };
  }

  #count({ s, e, n, t }: Telemetry): void {
    const stream = this.#streams.get(s);
    if (stream === undefined) {
      this.#streams.set(s, { epoch: e, lastSeq: n, rounds: 1, firstUtc: t, lastUtc: t });
      return;
    }
    if (stream.epoch === e && n <= stream.lastSeq) {
      this.#duplicates += 1;
      return;
    }
    if (stream.epoch === e) this.#gaps += n - stream.lastSeq - 1;
    if (stream.rounds === 0) stream.firstUtc = t;
    stream.rounds += 1;
    stream.lastUtc = t;
    stream.epoch = e;
    stream.lastSeq = n;
  }
}

/** Age of a stamp of the fleet, ms. */
function ageMs(stampS: number, nowMs: number): number {
  const ageS = ((nowMs / 1_000) % STAMP_WRAP_S) - stampS;
  return 1_000 * (ageS < -STAMP_WRAP_S / 2 ? ageS + STAMP_WRAP_S : ageS);
}

const [port = "", prefix = ""] = process.argv.slice(2);
const subscriber = new Subscriber(prefix);
const client = await WireClient.open(Number(port), "bench-subscriber", subscriber.take);
await client.subscribe(`${prefix}#`, 1);
process.stdin.setEncoding("utf8");
process.stdin.on("data", (orders: string) => {
  for (const order of orders.split("\n")) {
    if (order === "open") subscriber.open();
    if (order === "close") process.stdout.write(`window ${JSON.stringify(subscriber.close())}\n`);
  }
});
process.stdin.on("end", () => {
  client.close();
});
process.stdout.write("up\n");
