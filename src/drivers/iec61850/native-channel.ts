import { createSocket } from "node:dgram";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import { decodePdu, encodePdu, type InformationReport, type MmsPdu } from "../../wire/mms/pdu.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import { supportedServices } from "../../wire/mms/initiate.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import type { TimerWheel } from "../wheel.ts";
import type { Answer } from "./answer.ts";
import type { Channel } from "./channel.ts";
import type { AssociateOptions, CallTerms, DownReason, Negotiated } from "./engine.ts";
import { FRAME, jsonOf, withNumber } from "./native-frames.ts";
import type { NativeHost, NativeUser } from "./native-host.ts";
import { openOrder } from "./native-opening.ts";
import { probeRequest, proposed } from "./negotiation.ts";
import { LinkProbe } from "./probe.ts";
import { type RequestTerms, RequestTable } from "./request-table.ts";
import { Waits } from "./waits.ts";

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 3_000;
const PROBE_PERIOD_MS = 1_000;
/** Frames in a row that cannot be read, after which the association is not to be trusted. */
const MALFORMED_RUN_MAX = 3;
const UNKNOWN_ANSWERS_MAX = 3;

export interface NativeChannelTerms {
  readonly options: AssociateOptions;
  readonly host: NativeHost;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/**
 * MMS towards one device by way of the process that has libiec61850 loaded. Requests go one at a
 * time. What comes back is decoded and limited here as if it came from the device.
 */
export class NativeChannel implements Channel, NativeUser {
  readonly #terms: NativeChannelTerms;
  readonly #probe: LinkProbe;
  readonly #requests: RequestTable;
  readonly waits: Waits;
  #id = 0;
  #lastInvokeId = 0;
  #localAddress: string | undefined;
  #negotiated: Negotiated;
  #opened: ((negotiated: Negotiated) => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #released: (() => void) | undefined;
  #down: DownReason | undefined;
  #isDownTold = false;
  #malformedRun = 0;
  #malformed = 0;
  readonly #downListeners = new Set<(reason: DownReason) => void>();
  #inform: (information: InformationReport) => void = () => undefined;
  readonly #never = new AbortController();

  private constructor(terms: NativeChannelTerms) {
    this.#terms = terms;
    const { options, wheel } = terms;
    this.waits = new Waits(wheel);
    this.#negotiated = { ...proposed(options), outstanding: 1 };
    this.#requests = new RequestTable({
      facts: this.facts,
      wheel,
      outstanding: 1,
      send: (invokeId, request) => {
        this.#send(invokeId, request);
      },
    });
    this.#probe = new LinkProbe({
      wheel,
      periodMs: options.probePeriodMs ?? PROBE_PERIOD_MS,
      send: () => {
        void this.#sendProbe();
      },
      gone: (silentMs) => {
        this.#abort("silent", new GatewayError("LINK_LOST", { ...this.facts, silentMs }));
      },
    });
  }

  /**
   * @throws GatewayError LINK_REFUSED, LINK_TIMEOUT or LINK_LOST; the reason of `signal`
   */
  static async open(terms: NativeChannelTerms, signal: AbortSignal): Promise<NativeChannel> {
    signal.throwIfAborted();
    const { options, host } = terms;
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const order = openOrder(options, {
      connectTimeoutMs: timeoutMs,
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
    const channel = new NativeChannel(terms);
    channel.#id = await host.enter(channel, signal);
    try {
      channel.#localAddress = await localAddressTowards(options);
      channel.#negotiated = await channel.#open(order, { timeoutMs, signal });
    } catch (error) {
      host.send(FRAME.abort, channel.#id, new Uint8Array());
      host.leave(channel.#id);
      throw error;
    }
    channel.#probe.start();
    return channel;
  }

  get facts(): { readonly host: string; readonly port: number } {
    return { host: this.#terms.options.host, port: this.#terms.options.port };
  }

  get negotiated(): Negotiated {
    return this.#negotiated;
  }

  get localAddress(): string | undefined {
    return this.#localAddress;
  }

  get isUp(): boolean {
    return this.#down === undefined;
  }

  get counters(): Channel["counters"] {
    const malformed = this.#malformed;
    return { ...this.#requests.counters, ...this.#probe.counters, malformed };
  }

  set inform(listener: (information: InformationReport) => void) {
    this.#inform = listener;
  }

  onDown(listener: (reason: DownReason) => void): () => void {
    const reason = this.#down;
    if (this.#isDownTold && reason !== undefined) {
      queueMicrotask(() => {
        listener(reason);
      });
      return () => undefined;
    }
    this.#downListeners.add(listener);
    return () => this.#downListeners.delete(listener);
  }

  /** @see RequestTable.submit for the errors */
  async request(
    request: MmsRequest,
    terms: CallTerms & Partial<Pick<RequestTerms, "isUrgent" | "onSent">>,
  ): Promise<Answer> {
    let invokeId: number | undefined;
    try {
      return await this.#requests.submit(request, {
        ...terms,
        timeoutMs: this.#timeoutOf(terms),
        onSent: () => {
          invokeId = this.#lastInvokeId;
          terms.onSent?.();
        },
      });
    } catch (error) {
      // It may still wait over there for the one before it: then it must not go out any more.
      if (invokeId !== undefined) {
        this.#terms.host.send(FRAME.cancel, this.#id, withNumber(invokeId));
      }
      throw error;
    }
  }

  async release(terms: CallTerms): Promise<void> {
    if (this.#down !== undefined) return;
    const { signal } = terms;
    const wait = this.waits.begin<undefined>({ signal, timeoutMs: this.#timeoutOf(terms) });
    this.#released = () => {
      wait.resolve(undefined);
    };
    this.#terms.host.send(FRAME.release, this.#id, new Uint8Array());
    // Whatever becomes of the good-bye: the association is over.
    await wait.promise.catch(() => undefined);
    wait.forget();
    this.#end("released", new GatewayError("LINK_LOST", { ...this.facts, released: true }));
  }

  abort(): void {
    this.#abort("aborted", new GatewayError("LINK_LOST", { ...this.facts, aborted: true }));
  }

  take(kind: number, body: Uint8Array): void {
    if (this.#down !== undefined) return;
    this.#probe.hear();
    try {
      this.#frame(kind, body);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof GatewayError)) throw error;
      this.#malformedFrame(error);
    }
  }

  gone(error: GatewayError): void {
    this.#refuse?.(error);
    this.#end("lost", error);
  }

  #timeoutOf(terms: CallTerms): number {
    return terms.timeoutMs ?? this.#terms.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  async #open(
    order: object,
    terms: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Negotiated> {
    const wait = this.waits.begin<Negotiated>(terms);
    const refused = new Promise<never>((_, reject) => {
      this.#refuse = reject;
    });
    refused.catch(() => undefined);
    this.#opened = wait.resolve;
    try {
      const body = new TextEncoder().encode(JSON.stringify(order));
      this.#terms.host.send(FRAME.open, this.#id, body);
      return await Promise.race([wait.promise, refused]);
    } finally {
      wait.forget();
      this.#opened = undefined;
      this.#refuse = undefined;
    }
  }

  #frame(kind: number, body: Uint8Array): void {
    switch (kind) {
      case FRAME.pdu:
        this.#pdu(decodePdu(body.slice()));
        this.#malformedRun = 0;
        return;
      case FRAME.opened:
        this.#opened?.(this.#agreed(jsonOf(body)));
        return;
      case FRAME.failed: {
        const { why, reason } = jsonOf(body);
        const facts = { ...this.facts, reason: String(reason) };
        const code = why === "timeout" ? "LINK_TIMEOUT" : "LINK_REFUSED";
        this.#refuse?.(new GatewayError(why === "lost" ? "LINK_LOST" : code, facts));
        return;
      }
      case FRAME.over: {
        const { why } = jsonOf(body);
        if (why === "released") this.#released?.();
        else this.#end("lost", new GatewayError("LINK_LOST", { ...this.facts, why: String(why) }));
        return;
      }
      default:
        throw new GatewayError("FRAME_MALFORMED", { kind });
    }
  }

  #agreed(opened: Readonly<Record<string, unknown>>): Negotiated {
    const { pduOctets, nesting, services } = opened;
    const octets = typeof pduOctets === "number" ? pduOctets : this.#negotiated.pduOctets;
    const bytes = Array.isArray(services)
      ? Uint8Array.from(services as number[])
      : new Uint8Array();
    return {
      pduOctets: Math.max(1, Math.min(octets, this.#negotiated.pduOctets)),
      outstanding: 1,
      nesting: typeof nesting === "number" ? nesting : undefined,
      services: supportedServices({ bitCount: bytes.length * 8, bytes }),
    };
  }

  #send(invokeId: number, request: MmsRequest): void {
    this.#lastInvokeId = invokeId;
    const pdu = encodePdu({ kind: "confirmed-request", invokeId, request });
    const { pduOctets } = this.#negotiated;
    if (pdu.length > pduOctets) {
      const facts = { ...this.facts, octets: pdu.length, most: pduOctets, sent: false };
      throw new GatewayError("REQUEST_REFUSED", facts);
    }
    const lifeMs = this.#terms.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#terms.host.send(FRAME.request, this.#id, withNumber(lifeMs, pdu));
  }

  #pdu(pdu: MmsPdu): void {
    switch (pdu.kind) {
      case "confirmed-response":
        this.#settle(pdu.invokeId, { answer: "response", response: pdu.response });
        return;
      case "confirmed-error":
        this.#settle(pdu.invokeId, { answer: "service-error", error: pdu.error });
        return;
      case "reject":
        if (pdu.invokeId !== undefined) this.#settle(pdu.invokeId, { answer: "reject", ...pdu });
        return;
      case "information-report":
        this.#inform(pdu.report);
        return;
      default:
        throw new GatewayError("FRAME_MALFORMED", { pdu: pdu.kind });
    }
  }

  #settle(invokeId: number, answer: Answer): void {
    if (this.#requests.settle(invokeId, answer)) return;
    const { unknownAnswers } = this.#requests.counters;
    if (unknownAnswers < UNKNOWN_ANSWERS_MAX) return;
    const error = new GatewayError("REPLY_MALFORMED", { ...this.facts, unknownAnswers });
    this.#abort("unknown-answers", error);
  }

  #malformedFrame(error: GatewayError): void {
    this.#malformed += 1;
    this.#malformedRun += 1;
    if (this.#malformedRun >= MALFORMED_RUN_MAX) this.#abort("malformed", error);
  }

  async #sendProbe(): Promise<void> {
    // What is under way is a probe, too: one call at a time.
    if (this.#requests.underWay > 0) return;
    try {
      await this.request(probeRequest(this.#terms.options, this.#negotiated), {
        signal: this.#never.signal,
        isUrgent: true,
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }

  #abort(why: DownReason["why"], error: GatewayError): void {
    if (this.#down !== undefined) return;
    this.#terms.host.send(FRAME.abort, this.#id, new Uint8Array());
    this.#end(why, error);
  }

  #end(why: DownReason["why"], error: GatewayError): void {
    if (this.#down !== undefined) return;
    const reason: DownReason = { why, error };
    this.#down = reason;
    this.#probe.stop();
    this.#terms.host.leave(this.#id);
    this.#released?.();
    const broken = new GatewayError("LINK_LOST", { ...this.facts, why }, { cause: error });
    this.#requests.close(broken);
    this.waits.endAll(broken);
    setImmediate(() => {
      this.#isDownTold = true;
      for (const listener of this.#downListeners) listener(reason);
      this.#downListeners.clear();
    });
  }
}

/**
 * Our address as the device sees it, which the library does not tell: a datagram socket learns it
 * from the routes, and sends nothing. Undefined where there is no route.
 */
async function localAddressTowards({ host, port }: AssociateOptions): Promise<string | undefined> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(port, host, resolve);
    });
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
