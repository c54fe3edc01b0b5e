import { connect, type MqttClient } from "mqtt";
import { GatewayError } from "../../domain/errors.ts";
import { type Clock, slept } from "../../domain/time.ts";
import { SystemClock } from "../../platform/clock.ts";
import { AuditLedger, auditLine, type AuditVerdict } from "../../store/audit-ledger.ts";
import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  textOption,
} from "../terminal.ts";

const DEFAULT_SECONDS = 60;
/** A broker that has not taken the connection by then is not there. */
const CONNECT_MS = 10_000;
/** How often the consumer acknowledges what it has, and asks again for what it lacks. */
const SETTLE_MS = 2_000;
/** Ranges asked for in one round; the others come in the next. */
const RESENDS_MAX = 50;

interface Telemetry {
  readonly s: string;
  readonly e: number;
  readonly n: number;
  readonly bf?: boolean;
}

/**
 * `store audit`: subscribes to the telemetry of a gateway and certifies what it got. With `--ack`
 * it is a consumer that the gateway may rely on: it acknowledges what it has and asks for what it
 * lacks. Exit status: 0 nothing lost and everything in order, 1 not so or nothing received, 3 no
 * broker.
 */
export async function storeAudit(call: CommandCall): Promise<ExitStatus> {
  const { terminal, signal } = call;
  const url = textOption(call, "broker") ?? "mqtt://127.0.0.1:1883";
  const topic = textOption(call, "topic") ?? "dcpi/v1/+/+/tel/#";
  const seconds = numberOption(call, "seconds") ?? DEFAULT_SECONDS;
  const audit = new Audit(hasFlag(call, "from-start") ? "one" : "first-seen");
  const client = connect(url, {
    protocolVersion: 5,
    reconnectPeriod: 500,
    clean: hasFlag(call, "clean"),
    clientId: textOption(call, "client") ?? `audit-${process.pid}`,
    properties: { sessionExpiryInterval: 3_600, receiveMaximum: 1_000 },
  });
  client.on("message", (name, payload) => {
    audit.take(name, payload);
  });
  client.on("error", () => undefined);
  const clock = new SystemClock();
  if (!(await firstConnect(client, { url, clock, signal }))) return finish(call, audit.verdict());
  client.on("connect", () => void client.subscribeAsync(topic, { qos: 1 }).catch(() => undefined));
  await client.subscribeAsync(topic, { qos: 1 });
  terminal.err(`auditing ${topic} for ${seconds} s`);
  const until = clock.now() + seconds * 1_000;
  while (clock.now() < until && !signal.aborted) {
    const waitMs = Math.min(SETTLE_MS, Math.max(0, until - clock.now()));
    await slept(clock, waitMs, signal);
    if (hasFlag(call, "ack") && client.connected) audit.speak(client);
    if (hasFlag(call, "progress")) terminal.err(auditLine(audit.verdict()));
  }
  await client.endAsync(true);
  return finish(call, audit.verdict());
}

/** Says what came of it. Who received nothing has certified nothing. */
export function finish(call: CommandCall, verdict: AuditVerdict): ExitStatus {
  const passed = verdict.passed && verdict.received > 0;
  report(call, { ...verdict, passed });
  return passed ? 0 : 1;
}

class Audit {
  readonly #ledger: AuditLedger;
  /** Prefix of the topics of each stream: where its consumer speaks. */
  readonly #prefixes = new Map<string, string>();
  /** True when something came late since the last look: what is missing may be on its way. */
  #isDraining = false;

  constructor(begin: "one" | "first-seen") {
    this.#ledger = new AuditLedger({ begin });
  }

  take(topic: string, payload: Uint8Array): void {
    const message = parse(payload);
    if (message === undefined) return;
    if (message.bf === true) this.#isDraining = true;
    this.#prefixes.set(message.s, topic.slice(0, topic.indexOf("/tel/") + 1));
    this.#ledger.receive({
      stream: message.s,
      epoch: message.e,
      seq: message.n,
      isBackfill: message.bf === true,
    });
  }

  verdict(): AuditVerdict {
    return this.#ledger.verdict();
  }

  /**
   * Acknowledges the whole beginning of every stream and asks for the first of what is missing, but
   * not while the backlog comes in: that would have it sent twice.
   */
  speak(client: MqttClient): void {
    let asked = this.#isDraining ? RESENDS_MAX : 0;
    this.#isDraining = false;
    const acksByPrefix = new Map<string, { s: string; e: number; n: number }[]>();
    for (const { stream, epochs } of this.verdict().streams) {
      const prefix = this.#prefixes.get(stream);
      if (prefix === undefined) continue;
      for (const { epoch, missing, last } of epochs) {
        const [first] = missing;
        if (first === undefined && last > 0) {
          const acks = acksByPrefix.get(prefix) ?? [];
          acks.push({ s: stream, e: epoch, n: last });
          acksByPrefix.set(prefix, acks);
        }
        for (const [from, to] of missing) {
          if (asked >= RESENDS_MAX) break;
          asked += 1;
          const order = JSON.stringify({ s: stream, e: epoch, from, to });
          client.publish(`${prefix}cmd/stream/resend`, order, { qos: 1 });
        }
      }
    }
    for (const [prefix, acks] of acksByPrefix)
      client.publish(`${prefix}cmd/stream/ack`, JSON.stringify({ acks }), { qos: 1 });
  }
}

function parse(payload: Uint8Array): Telemetry | undefined {
  try {
    const message = JSON.parse(new TextDecoder().decode(payload)) as Partial<Telemetry>;
    const { s, e, n, bf } = message;
    if (typeof s !== "string" || typeof e !== "number" || typeof n !== "number") return undefined;
    return { s, e, n, ...(bf === true ? { bf } : {}) };
  } catch {
    return undefined;
  }
}

/**
 * @returns false when `signal` aborted first
 * @throws GatewayError BROKER_UNREACHABLE
 */
async function firstConnect(
  client: MqttClient,
  parts: { readonly url: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  const { url, clock, signal } = parts;
  const connected = new AbortController();
  client.once("connect", () => {
    connected.abort();
  });
  const isLate = await slept(clock, CONNECT_MS, AbortSignal.any([signal, connected.signal]));
  if (connected.signal.aborted) return true;
  await client.endAsync(true);
  if (isLate) throw new GatewayError("BROKER_UNREACHABLE", { url });
  return false;
}

function report(call: CommandCall, verdict: AuditVerdict): void {
  const { terminal } = call;
  if (hasFlag(call, "json")) {
    terminal.out(JSON.stringify(verdict));
    return;
  }
  for (const { stream, epochs } of verdict.streams)
    for (const { epoch, missing, liveOutOfOrder, backfillOutOfOrder, ...counts } of epochs) {
      const outOfOrder = liveOutOfOrder + backfillOutOfOrder;
      const gaps = missing.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
      const tail = gaps.length > 0 ? `; missing ${gaps.join(" ")}` : "";
      terminal.out(`${stream} epoch ${epoch}: ${auditLine({ ...counts, outOfOrder })}${tail}`);
    }
  const outcome = verdict.passed ? "passed" : "FAILED";
  const why = verdict.received === 0 ? ", nothing was received" : "";
  terminal.out(`all: ${auditLine(verdict)}: ${outcome}${why}`);
}
