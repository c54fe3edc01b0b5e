import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import {
  type AssociationAnswer,
  decodeAssociationAnswer,
  decodeUnit,
  DEFAULT_TRANSPORT_SELECTOR,
  encodeAbort,
  encodeRelease,
  type Unit,
  wrapMms,
} from "../../wire/mms/association.ts";
import { encodePdu, type InformationReport, type MmsPdu } from "../../wire/mms/pdu.ts";
import type { ContextIds } from "../../wire/mms/presentation.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";
import type { Answer } from "./answer.ts";
import type { AssociateOptions, CallTerms, DownReason, Negotiated } from "./engine.ts";
import { agreed, associationRequest, probeRequest, proposed, refusalFacts } from "./negotiation.ts";
import { LinkProbe } from "./probe.ts";
import { type RequestTerms, RequestTable } from "./request-table.ts";
import { dial } from "./socket.ts";
import { Transport } from "./transport.ts";
import { Waits } from "./waits.ts";

/** What the layers around a PDU may add. */
const WRAPPING_OCTETS = 1_024;
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 3_000;
const PROBE_PERIOD_MS = 1_000;
/** Answers nobody asked for, after which the device is not to be trusted. */
const UNKNOWN_ANSWERS_MAX = 3;
/** Units in a row that cannot be read. One is a loss; the stream around it is still whole. */
const MALFORMED_RUN_MAX = 3;

export interface ChannelTerms {
  readonly options: AssociateOptions;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/** MMS towards one device, whoever does it: what everything above a channel needs of it. */
export type Channel = Pick<
  MmsChannel,
  | "negotiated"
  | "localAddress"
  | "isUp"
  | "counters"
  | "waits"
  | "inform"
  | "onDown"
  | "request"
  | "release"
  | "abort"
>;

/** MMS towards one device: requests and their answers, reports, and the end. */
export class MmsChannel {
  readonly #terms: ChannelTerms;
  readonly #transport: Transport;
  readonly #probe: LinkProbe;
  #requests: RequestTable;
  #ids: ContextIds = { acse: 1, mms: 3 };
  #negotiated: Negotiated;
  #associated: ((answer: AssociationAnswer) => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #released: (() => void) | undefined;
  #down: DownReason | undefined;
  #isDownTold = false;
  #malformedRun = 0;
  #malformed = 0;
  readonly #downListeners = new Set<(reason: DownReason) => void>();
  #inform: (information: InformationReport) => void = () => undefined;
  /** Waits for what the device says unasked; they end with the association. */
  readonly waits: Waits;
  readonly #never = new AbortController();

  private constructor(terms: ChannelTerms) {
    this.#terms = terms;
    const { options, wheel } = terms;
    this.waits = new Waits(wheel);
    this.#negotiated = proposed(options);
    this.#requests = this.#table(this.#negotiated.outstanding);
    this.#transport = new Transport(dial(options), {
      facts: this.facts,
      calling: options.callingTransport ?? DEFAULT_TRANSPORT_SELECTOR,
      called: options.calledTransport ?? DEFAULT_TRANSPORT_SELECTOR,
      tsduOctets: this.#negotiated.pduOctets + WRAPPING_OCTETS,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      wheel,
    });
    this.#probe = new LinkProbe({
      wheel,
      periodMs: options.probePeriodMs ?? PROBE_PERIOD_MS,
      send: () => {
        void this.#sendProbe();
      },
      gone: (silentMs) => {
        this.#end("silent", new GatewayError("LINK_LOST", { ...this.facts, silentMs }));
      },
    });
  }

  /**
   * @throws GatewayError LINK_REFUSED, LINK_TIMEOUT, LINK_LOST or REPLY_MALFORMED; the reason of
   *   `signal`
   */
  static async open(terms: ChannelTerms, signal: AbortSignal): Promise<MmsChannel> {
    signal.throwIfAborted();
    const startedAt = terms.clock.now();
    const channel = new MmsChannel(terms);
    await channel.#transport.open(
      {
        receive: (tsdu) => {
          channel.#receive(tsdu);
        },
        hear: () => {
          channel.#probe.hear();
        },
        end: (error) => {
          channel.#refuse?.(error);
          channel.#end(error.code === "REPLY_MALFORMED" ? "malformed" : "lost", error);
        },
      },
      signal,
    );
    const spentMs = terms.clock.now() - startedAt;
    await channel.#associate(spentMs, signal);
    return channel;
  }

  get facts(): { readonly host: string; readonly port: number } {
    return { host: this.#terms.options.host, port: this.#terms.options.port };
  }

  get negotiated(): Negotiated {
    return this.#negotiated;
  }

  get localAddress(): string | undefined {
    return this.#transport.localAddress;
  }

  get isUp(): boolean {
    return this.#down === undefined;
  }

  get requestTimeoutMs(): number {
    return this.#terms.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  get counters(): Record<
    | "requests"
    | "timeouts"
    | "lateAnswers"
    | "unknownAnswers"
    | "busy"
    | "malformed"
    | "probes"
    | "probeMisses",
    number
  > {
    const malformed = this.#malformed;
    return { ...this.#requests.counters, ...this.#probe.counters, malformed };
  }

  /** Who takes what the device says unasked; it does not throw. */
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
    const timeoutMs = terms.timeoutMs ?? this.requestTimeoutMs;
    return this.#requests.submit(request, { ...terms, timeoutMs });
  }

  /** Says good-bye and closes, whatever the device answers. */
  async release(terms: CallTerms): Promise<void> {
    if (this.#down !== undefined) return;
    let timer: WheelTimer | undefined;
    let abort: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#released = resolve;
      abort = () => {
        resolve();
      };
      terms.signal.addEventListener("abort", abort);
      timer = this.#terms.wheel.schedule(terms.timeoutMs ?? this.requestTimeoutMs, resolve);
      if (terms.signal.aborted) resolve();
      this.#sendPdu(encodePdu({ kind: "conclude-request" }));
    });
    timer?.cancel();
    if (abort !== undefined) terms.signal.removeEventListener("abort", abort);
    this.#end("released", new GatewayError("LINK_LOST", { ...this.facts, released: true }));
  }

  abort(): void {
    if (this.#down !== undefined) return;
    this.#transport.send(encodeAbort(this.#ids));
    this.#end("aborted", new GatewayError("LINK_LOST", { ...this.facts, aborted: true }));
  }

  #table(outstanding: number): RequestTable {
    return new RequestTable({
      facts: this.facts,
      wheel: this.#terms.wheel,
      outstanding,
      send: (invokeId, request) => {
        const pdu = encodePdu({ kind: "confirmed-request", invokeId, request });
        const { pduOctets } = this.#negotiated;
        if (pdu.length > pduOctets) {
          const facts = { ...this.facts, octets: pdu.length, most: pduOctets, sent: false };
          throw new GatewayError("REQUEST_REFUSED", facts);
        }
        this.#sendPdu(pdu);
      },
    });
  }

  #sendPdu(pdu: Uint8Array): void {
    this.#transport.send(wrapMms(this.#ids, pdu));
  }

  async #associate(spentMs: number, signal: AbortSignal): Promise<void> {
    const { options, wheel } = this.#terms;
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const abort = () => this.#refuse?.(signal.reason);
    let timer: WheelTimer | undefined;
    try {
      const answer = await new Promise<AssociationAnswer>((resolve, reject) => {
        this.#associated = resolve;
        this.#refuse = reject;
        timer = wheel.schedule(Math.max(0, timeoutMs - spentMs), () => {
          reject(new GatewayError("LINK_TIMEOUT", { ...this.facts, timeoutMs }));
        });
        signal.addEventListener("abort", abort);
        if (signal.aborted) abort();
        this.#transport.send(associationRequest(options, this.#negotiated));
      });
      this.#accept(answer);
      this.#probe.start();
    } catch (error) {
      this.#down ??= { why: "lost", error: new GatewayError("LINK_LOST", this.facts) };
      this.#transport.close();
      throw error;
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", abort);
      this.#associated = undefined;
      this.#refuse = undefined;
    }
  }

  #accept(answer: AssociationAnswer): void {
    if (answer.result !== "associated") {
      throw new GatewayError("LINK_REFUSED", { ...this.facts, ...refusalFacts(answer) });
    }
    this.#ids = answer.ids;
    this.#negotiated = agreed(this.#negotiated, answer.initiate);
    this.#requests = this.#table(this.#negotiated.outstanding);
  }

  #receive(tsdu: Uint8Array): void {
    if (this.#associated !== undefined) {
      this.#associated(decodeAssociationAnswer(tsdu));
      this.#associated = undefined;
      return;
    }
    if (this.#down !== undefined) return;
    let unit: Unit;
    try {
      unit = decodeUnit(tsdu, this.#ids);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#malformedUnit(error);
      return;
    }
    this.#malformedRun = 0;
    if (unit.unit === "mms") this.#pdu(unit.pdu);
    else this.#goodBye(unit);
  }

  /** The packets around it were whole: one unit is lost, and what follows can still be read. */
  #malformedUnit(error: WireError): void {
    this.#malformed += 1;
    this.#malformedRun += 1;
    if (this.#malformedRun >= MALFORMED_RUN_MAX) this.#end("malformed", error);
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
        if (pdu.invokeId === undefined) this.#malformed += 1;
        else this.#settle(pdu.invokeId, { answer: "reject", ...pdu });
        return;
      case "information-report":
        this.#inform(pdu.report);
        return;
      case "conclude-response":
      case "conclude-error":
        this.#transport.send(encodeRelease(this.#ids, "release-request"));
        return;
      default:
        // Nothing that a server says to a client: counted, and no more.
        this.#malformed += 1;
    }
  }

  #settle(invokeId: number, answer: Answer): void {
    if (this.#requests.settle(invokeId, answer)) return;
    const { unknownAnswers } = this.#requests.counters;
    if (unknownAnswers < UNKNOWN_ANSWERS_MAX) return;
    const error = new GatewayError("REPLY_MALFORMED", { ...this.facts, unknownAnswers });
    this.#end("unknown-answers", error);
  }

  #goodBye(unit: Exclude<Unit, { unit: "mms" }>): void {
    switch (unit.unit) {
      case "release-response":
        this.#released?.();
        return;
      case "release-request":
        this.#transport.send(encodeRelease(this.#ids, "release-response"));
        this.#end("peer-released", new GatewayError("LINK_LOST", this.facts));
        return;
      case "abort":
        this.#end("peer-aborted", new GatewayError("LINK_LOST", { ...this.facts, by: unit.by }));
    }
  }

  async #sendProbe(): Promise<void> {
    try {
      await this.request(probeRequest(this.#terms.options, this.#negotiated), {
        signal: this.#never.signal,
        isUrgent: true,
      });
    } catch (error) {
      // The probe itself judges by what it hears; a probe that fails is no news.
      if (!(error instanceof GatewayError)) throw error;
    }
  }

  #end(why: DownReason["why"], error: GatewayError): void {
    if (this.#down !== undefined) return;
    const reason: DownReason = { why, error };
    this.#down = reason;
    this.#probe.stop();
    this.#transport.close();
    this.#released?.();
    // Whatever the reason: for those who wait the connection broke.
    const broken = new GatewayError("LINK_LOST", { ...this.facts, why }, { cause: error });
    this.#requests.close(broken);
    this.waits.endAll(broken);
    // All that waited on a request goes on first, through every layer above it.
    setImmediate(() => {
      this.#isDownTold = true;
      for (const listener of this.#downListeners) listener(reason);
      this.#downListeners.clear();
    });
  }
}
