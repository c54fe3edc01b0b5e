import { GatewayError } from "../../domain/errors.ts";
import { encodePdu, type InformationReport, type MmsPdu } from "../../wire/mms/pdu.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import type { TimerWheel } from "../wheel.ts";
import type { Answer } from "./answer.ts";
import type { AssociateOptions, CallTerms, DownReason, Negotiated } from "./engine.ts";
import { probeRequest } from "./negotiation.ts";
import { LinkProbe } from "./probe.ts";
import { RequestTable, type RequestTerms } from "./request-table.ts";
import { Waits } from "./waits.ts";

export const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 3_000;
const PROBE_PERIOD_MS = 1_000;
/** Answers nobody asked for, after which the device is not to be trusted. */
const UNKNOWN_ANSWERS_MAX = 3;
/** Units in a row that cannot be read. One is a loss; the stream around it is still whole. */
const MALFORMED_RUN_MAX = 3;

export interface DialogueTerms {
  readonly options: AssociateOptions;
  readonly wheel: TimerWheel;
  /** As proposed; `agree` takes what the device says to it. */
  readonly proposed: Negotiated;
  /** Sends a PDU that is no longer than agreed. */
  readonly send: (invokeId: number, pdu: Uint8Array) => void;
  /** Nobody waits for the answer any more: what has not gone out yet must not. */
  readonly giveUp?: (invokeId: number) => void;
  /** Closes what carries the PDUs; called once. */
  readonly close: (why: DownReason["why"]) => void;
  /** False while something under way shows as well as a probe whether the device is there. */
  readonly mayProbe?: () => boolean;
}

type Counter = keyof RequestTable["counters"] | keyof LinkProbe["counters"] | "malformed";

/** MMS with one device, whoever carries it: requests, answers, reports, probes, and the end. */
export class Dialogue {
  readonly #terms: DialogueTerms;
  readonly #probe: LinkProbe;
  #requests: RequestTable;
  #negotiated: Negotiated;
  #down: DownReason | undefined;
  #isDownTold = false;
  #lastInvokeId = 0;
  #malformedRun = 0;
  #malformed = 0;
  readonly #downListeners = new Set<(reason: DownReason) => void>();
  readonly #never = new AbortController();
  /** Who takes what the device says unasked; it does not throw. */
  inform: (information: InformationReport) => void = () => undefined;
  /** Waits for what the device says unasked; they end with the association. */
  readonly waits: Waits;

  constructor(terms: DialogueTerms) {
    this.#terms = terms;
    const { options, wheel, proposed } = terms;
    this.#negotiated = proposed;
    this.#requests = this.#table();
    this.waits = new Waits(wheel);
    this.#probe = new LinkProbe({
      wheel,
      periodMs: options.probePeriodMs ?? PROBE_PERIOD_MS,
      send: () => {
        void this.#sendProbe();
      },
      gone: (silentMs) => {
        this.end("silent", new GatewayError("LINK_LOST", { ...this.facts, silentMs }));
      },
    });
  }

  get facts(): { readonly host: string; readonly port: number } {
    return { host: this.#terms.options.host, port: this.#terms.options.port };
  }

  get negotiated(): Negotiated {
    return this.#negotiated;
  }

  get isUp(): boolean {
    return this.#down === undefined;
  }

  /** Requests on their way. */
  get underWay(): number {
    return this.#requests.underWay;
  }

  get counters(): Record<Counter, number> {
    const malformed = this.#malformed;
    return { ...this.#requests.counters, ...this.#probe.counters, malformed };
  }

  /** The association is made: from now on the device is watched. */
  agree(negotiated: Negotiated): void {
    this.#negotiated = negotiated;
    this.#requests = this.#table();
    this.#probe.start();
  }

  /** Something whole came. */
  hear(): void {
    this.#probe.hear();
  }

  timeoutMs(terms: Pick<CallTerms, "timeoutMs">): number {
    return terms.timeoutMs ?? this.#terms.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  /** @see RequestTable.submit for the errors */
  async request(
    request: MmsRequest,
    terms: CallTerms & Partial<Pick<RequestTerms, "isUrgent" | "onSent">>,
  ): Promise<Answer> {
    const { giveUp } = this.#terms;
    const timeoutMs = this.timeoutMs(terms);
    if (giveUp === undefined) return this.#requests.submit(request, { ...terms, timeoutMs });
    let invokeId: number | undefined;
    const onSent = (): void => {
      invokeId = this.#lastInvokeId;
      terms.onSent?.();
    };
    try {
      return await this.#requests.submit(request, { ...terms, timeoutMs, onSent });
    } catch (error) {
      if (invokeId !== undefined) giveUp(invokeId);
      throw error;
    }
  }

  /** Called at most once, later, and at once when the association is over already. */
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

  /** What a server says to a client; anything else is counted, and no more. */
  take(pdu: MmsPdu): void {
    this.#malformedRun = 0;
    switch (pdu.kind) {
      case "confirmed-response":
        this.#settle(pdu.invokeId, { answer: "response", response: pdu.response });
        return;
      case "confirmed-error":
        this.#settle(pdu.invokeId, { answer: "service-error", error: pdu.error });
        return;
      case "information-report":
        this.inform(pdu.report);
        return;
      case "reject":
        if (pdu.invokeId === undefined) this.#malformed += 1;
        else this.#settle(pdu.invokeId, { answer: "reject", ...pdu });
        return;
      default:
        this.#malformed += 1;
    }
  }

  /** What was around it was whole: one unit is lost, and what follows can still be read. */
  malformed(error: GatewayError): void {
    this.#malformed += 1;
    this.#malformedRun += 1;
    if (this.#malformedRun >= MALFORMED_RUN_MAX) this.end("malformed", error);
  }

  /** An end of its own: whatever waits is told, then whoever listens. */
  end(why: DownReason["why"], error: GatewayError): void {
    if (this.#down !== undefined) return;
    const reason: DownReason = { why, error };
    this.#down = reason;
    this.#probe.stop();
    this.#terms.close(why);
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

  #table(): RequestTable {
    const { outstanding, pduOctets: most } = this.#negotiated;
    return new RequestTable({
      facts: this.facts,
      wheel: this.#terms.wheel,
      outstanding,
      send: (invokeId, request) => {
        const pdu = encodePdu({ kind: "confirmed-request", invokeId, request });
        if (pdu.length > most) {
          const facts = { ...this.facts, octets: pdu.length, most, sent: false };
          throw new GatewayError("REQUEST_REFUSED", facts);
        }
        this.#lastInvokeId = invokeId;
        this.#terms.send(invokeId, pdu);
      },
    });
  }

  #settle(invokeId: number, answer: Answer): void {
    if (this.#requests.settle(invokeId, answer)) return;
    const { unknownAnswers } = this.#requests.counters;
    if (unknownAnswers < UNKNOWN_ANSWERS_MAX) return;
    const error = new GatewayError("REPLY_MALFORMED", { ...this.facts, unknownAnswers });
    this.end("unknown-answers", error);
  }

  async #sendProbe(): Promise<void> {
    const { options, mayProbe } = this.#terms;
    if (mayProbe?.() === false) return;
    try {
      await this.request(probeRequest(options, this.#negotiated), {
        signal: this.#never.signal,
        isUrgent: true,
      });
    } catch (error) {
      // The probe itself judges by what it hears; a probe that fails is no news.
      if (!(error instanceof GatewayError)) throw error;
    }
  }
}
