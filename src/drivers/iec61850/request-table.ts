import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";
import { AbortFan } from "./abort-fan.ts";
import type { Answer } from "./answer.ts";

/** Requests that wait for one of the outstanding ones to end. */
const WAITING_MAX = 1_024;
/** Ids of requests that were given up and whose answers may still come. */
const ABANDONED_MAX = 64;
/** Some stacks read the id as a signed number. */
const INVOKE_ID_LAST = 0x7fff_ffff;

export interface RequestTerms {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Goes before all that waits: commands and probes. */
  readonly isUrgent?: boolean;
  /** Told when the request is on its way: from then on the device may have acted. */
  readonly onSent?: () => void;
}

interface Exchange {
  readonly request: MmsRequest;
  readonly terms: RequestTerms;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly abort: () => void;
  timer: WheelTimer | undefined;
  /** Undefined while it waits. */
  invokeId: number | undefined;
}

export interface RequestTableTerms {
  readonly facts: { readonly host: string; readonly port: number };
  readonly wheel: TimerWheel;
  readonly outstanding: number;
  /** @throws GatewayError when the request is larger than what was agreed */
  readonly send: (invokeId: number, request: MmsRequest) => void;
}

/** Requests under way and waiting: as many at once as was agreed, each with its deadline. */
export class RequestTable {
  readonly #terms: RequestTableTerms;
  readonly #underWay = new Map<number, Exchange>();
  readonly #abandoned = new Set<number>();
  readonly #aborts = new AbortFan();
  #urgent: Exchange[] = [];
  #waiting: Exchange[] = [];
  #invokeId = 0;
  #closed: GatewayError | undefined;
  readonly counters = { requests: 0, timeouts: 0, lateAnswers: 0, unknownAnswers: 0, busy: 0 };

  constructor(terms: RequestTableTerms) {
    assert(terms.outstanding > 0, "at least one request can be under way");
    this.#terms = terms;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /**
   * @throws GatewayError LINK_TIMEOUT, LINK_LOST, LINK_BUSY, with `sent` among the facts; the
   *   reason of the signal
   */
  async submit(request: MmsRequest, terms: RequestTerms): Promise<Answer> {
    terms.signal.throwIfAborted();
    if (this.#closed !== undefined) throw withSent(this.#closed, false);
    if (this.#waiting.length + this.#urgent.length >= WAITING_MAX) {
      this.counters.busy += 1;
      throw new GatewayError("LINK_BUSY", { ...this.#terms.facts, sent: false });
    }
    return new Promise<Answer>((resolve, reject) => {
      const exchange: Exchange = {
        request,
        terms,
        resolve,
        reject,
        abort: () => {
          this.#giveUp(exchange, terms.signal.reason);
        },
        timer: undefined,
        invokeId: undefined,
      };
      exchange.timer = this.#terms.wheel.schedule(terms.timeoutMs, () => {
        this.#expire(exchange);
      });
      this.#aborts.add(terms.signal, exchange.abort);
      (terms.isUrgent === true ? this.#urgent : this.#waiting).push(exchange);
      this.#startNext();
    });
  }

  /** @returns false for an id that no request had */
  settle(invokeId: number, answer: Answer): boolean {
    const exchange = this.#underWay.get(invokeId);
    if (exchange !== undefined) {
      this.#leave(exchange);
      exchange.resolve(answer);
      this.#startNext();
      return true;
    }
    if (this.#abandoned.delete(invokeId)) {
      this.counters.lateAnswers += 1;
      return true;
    }
    this.counters.unknownAnswers += 1;
    return false;
  }

  /** Ends every wait with `error`, and every one to come. */
  close(error: GatewayError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    const ended = [...this.#underWay.values(), ...this.#urgent, ...this.#waiting];
    for (const exchange of ended) {
      const wasSent = exchange.invokeId !== undefined;
      this.#leave(exchange);
      exchange.reject(withSent(error, wasSent));
    }
    this.#urgent = [];
    this.#waiting = [];
    this.#abandoned.clear();
  }

  #startNext(): void {
    const { outstanding } = this.#terms;
    // The last of several places is for commands and probes: reads never fill the link.
    const plainMax = Math.max(1, outstanding - 1);
    while (this.#closed === undefined && this.#underWay.size < outstanding) {
      const isFull = this.#underWay.size >= plainMax;
      const next = this.#urgent.shift() ?? (isFull ? undefined : this.#waiting.shift());
      if (next === undefined) return;
      this.#start(next);
    }
  }

  #start(exchange: Exchange): void {
    do {
      this.#invokeId = this.#invokeId === INVOKE_ID_LAST ? 1 : this.#invokeId + 1;
    } while (this.#underWay.has(this.#invokeId) || this.#abandoned.has(this.#invokeId));
    const invokeId = this.#invokeId;
    exchange.invokeId = invokeId;
    this.#underWay.set(invokeId, exchange);
    try {
      this.#terms.send(invokeId, exchange.request);
    } catch (error) {
      this.#leave(exchange);
      exchange.reject(error);
      return;
    }
    this.counters.requests += 1;
    exchange.terms.onSent?.();
  }

  #expire(exchange: Exchange): void {
    this.counters.timeouts += 1;
    const { timeoutMs } = exchange.terms;
    const sent = exchange.invokeId !== undefined;
    this.#giveUp(
      exchange,
      new GatewayError("LINK_TIMEOUT", { ...this.#terms.facts, timeoutMs, sent }),
    );
  }

  #giveUp(exchange: Exchange, reason: unknown): void {
    this.#leave(exchange);
    if (exchange.invokeId === undefined) {
      this.#urgent = this.#urgent.filter((other) => other !== exchange);
      this.#waiting = this.#waiting.filter((other) => other !== exchange);
    } else {
      this.#remember(exchange.invokeId);
    }
    exchange.reject(reason);
    this.#startNext();
  }

  #remember(invokeId: number): void {
    this.#abandoned.add(invokeId);
    if (this.#abandoned.size <= ABANDONED_MAX) return;
    for (const oldest of this.#abandoned) {
      this.#abandoned.delete(oldest);
      break;
    }
  }

  #leave(exchange: Exchange): void {
    exchange.timer?.cancel();
    this.#aborts.remove(exchange.terms.signal, exchange.abort);
    if (exchange.invokeId !== undefined) this.#underWay.delete(exchange.invokeId);
  }
}

function withSent(error: GatewayError, sent: boolean): GatewayError {
  return new GatewayError(error.code, { ...error.context, sent }, { cause: error });
}
