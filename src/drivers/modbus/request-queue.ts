import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import type { ReadReply, WriteReply } from "../../wire/modbus/client-codec.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";
import { type LinkLoad, type LinkRead, type LinkWrite, noCounters } from "./link.ts";

/** Requests of one lane that may wait for one link: more than 32 units of one bus ever need. */
const LANE_MAX = 64;
/** So many time-outs one after the other, and nothing heard between, and a connection is dead. */
const SILENT_TIMEOUTS_MAX = 3;
/** Window over which the load is told. */
const LOAD_WINDOW_MS = 5_000;
/** Signals that the queue listens to although none of their requests waits. */
const IDLE_SIGNALS_MAX = 64;

/** One request and whoever waits for its answer. */
export interface Exchange {
  readonly request: LinkRead | LinkWrite;
  readonly resolve: (reply: ReadReply | WriteReply) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Puts a request on the wire; later calls `finish` or `fail`. */
  readonly start: (exchange: Exchange) => void;
  /**
   * The request under way got no answer in time: its answer must not be taken for another's.
   * @param isDead nothing was heard for several requests: the connection is of no use
   */
  readonly abandon: (exchange: Exchange, isDead: boolean) => void;
  /** Silence that the wire itself needs between two frames. */
  readonly pauseMs: number;
}

/**
 * What both links share: one request under way, urgent ones before polls, a bound on how many
 * wait, one time-out at a time, and the load.
 */
export class RequestQueue {
  readonly counters = noCounters();
  readonly #options: QueueOptions;
  readonly #urgent: Exchange[] = [];
  readonly #polls: Exchange[] = [];
  readonly #signals = new Map<AbortSignal, { pending: number; readonly forget: () => void }>();
  #current: Exchange | undefined;
  #timer: WheelTimer | undefined;
  readonly #onTimeOut = () => {
    this.#timeOut();
  };
  #pauses = 0;
  #isPausing = false;
  #isHeld = true;
  #silentTimeouts = 0;
  #busySince = 0;
  #windowStart = 0;
  #windowBusyMs = 0;
  #lastBusy = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#windowStart = options.clock.now();
  }

  get current(): Exchange | undefined {
    return this.#current;
  }

  /** Rejects at once with LINK_BUSY when too many wait. */
  async submit(
    request: LinkRead | LinkWrite,
    signal: AbortSignal,
  ): Promise<ReadReply | WriteReply> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const lane = request.lane === "urgent" ? this.#urgent : this.#polls;
      if (lane.length >= LANE_MAX) {
        this.counters.refusedBusy += 1;
        reject(new GatewayError("LINK_BUSY", { unit: request.unit, waiting: LANE_MAX }));
        return;
      }
      this.#watch(signal);
      lane.push({ request, resolve, reject, signal });
      this.#next();
    });
  }

  /** Something came from the other end. */
  hear(): void {
    this.#silentTimeouts = 0;
  }

  /** Lets requests go: the link is connected. */
  release(): void {
    this.#isHeld = false;
    this.#silentTimeouts = 0;
    this.#next();
  }

  finish(reply: ReadReply | WriteReply): void {
    const exchange = this.#end();
    this.counters.replies += 1;
    if (typeof reply === "object" && "exception" in reply) this.counters.exceptions += 1;
    exchange.resolve(reply);
    this.#after(exchange);
  }

  /** Ends the request under way with `error`; the next one goes. */
  fail(error: unknown): void {
    const exchange = this.#end();
    exchange.reject(error);
    this.#after(exchange);
  }

  /** Ends everything with LINK_LOST and holds what comes until `release`. */
  failAll(facts: GatewayError["context"], cause: unknown): void {
    this.#isHeld = true;
    this.#pauses += 1;
    this.#isPausing = false;
    const waiting = [...this.#urgent.splice(0), ...this.#polls.splice(0)];
    if (this.#current !== undefined) {
      const exchange = this.#end();
      exchange.reject(new GatewayError("LINK_LOST", { ...facts, sent: true }, { cause }));
      this.#unwatch(exchange.signal);
    }
    for (const exchange of waiting) {
      exchange.reject(new GatewayError("LINK_LOST", { ...facts, sent: false }, { cause }));
      this.#unwatch(exchange.signal);
    }
    this.#forgetIdleSignals(0);
  }

  load(): LinkLoad {
    this.#rollWindow();
    const elapsedMs = this.#options.clock.now() - this.#windowStart;
    const current = elapsedMs > 0 ? (this.#windowBusyMs + this.#runningMs()) / elapsedMs : 0;
    const isYoung = elapsedMs < LOAD_WINDOW_MS / 5;
    return {
      busy: Math.min(1, isYoung && this.#lastBusy > 0 ? this.#lastBusy : current),
      waiting: this.#urgent.length + this.#polls.length,
    };
  }

  #next(): void {
    if (this.#isHeld || this.#current !== undefined || this.#isPausing) return;
    const exchange = this.#urgent.shift() ?? this.#polls.shift();
    if (exchange === undefined) return;
    const { clock, wheel, start } = this.#options;
    this.#current = exchange;
    this.#busySince = clock.now();
    this.counters.requests += 1;
    this.#timer = wheel.schedule(exchange.request.timeoutMs, this.#onTimeOut);
    start(exchange);
  }

  #timeOut(): void {
    const exchange = this.#end();
    this.counters.timeouts += 1;
    this.#silentTimeouts += 1;
    const { unit, timeoutMs, address } = exchange.request;
    const isDead = this.#silentTimeouts >= SILENT_TIMEOUTS_MAX;
    exchange.reject(new GatewayError("LINK_TIMEOUT", { unit, address, timeoutMs, sent: true }));
    this.#options.abandon(exchange, isDead);
    this.#after(exchange);
  }

  #end(): Exchange {
    const exchange = this.#current;
    assert(exchange !== undefined, "an answer belongs to a request");
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#windowBusyMs += this.#runningMs();
    this.#current = undefined;
    this.#rollWindow();
    return exchange;
  }

  #after(exchange: Exchange): void {
    this.#unwatch(exchange.signal);
    const pauseMs = Math.max(exchange.request.pauseMs, this.#options.pauseMs);
    if (pauseMs === 0 || this.#isHeld) {
      this.#next();
      return;
    }
    void this.#rest(pauseMs);
  }

  async #rest(pauseMs: number): Promise<void> {
    const pause = (this.#pauses += 1);
    this.#isPausing = true;
    await this.#options.clock.sleep(pauseMs);
    if (pause !== this.#pauses) return;
    this.#isPausing = false;
    this.#next();
  }

  #runningMs(): number {
    if (this.#current === undefined) return 0;
    return this.#options.clock.now() - Math.max(this.#busySince, this.#windowStart);
  }

  #rollWindow(): void {
    const now = this.#options.clock.now();
    const elapsedMs = now - this.#windowStart;
    if (elapsedMs < LOAD_WINDOW_MS) return;
    this.#lastBusy = Math.min(1, (this.#windowBusyMs + this.#runningMs()) / elapsedMs);
    this.#windowStart = now;
    this.#windowBusyMs = 0;
  }

  /** One listener per signal, not per request: a driver polls with the same signal for days. */
  #watch(signal: AbortSignal): void {
    const watched = this.#signals.get(signal);
    if (watched !== undefined) {
      watched.pending += 1;
      return;
    }
    if (this.#signals.size >= IDLE_SIGNALS_MAX) this.#forgetIdleSignals(IDLE_SIGNALS_MAX / 2);
    const abort = () => {
      this.#abort(signal);
    };
    signal.addEventListener("abort", abort, { once: true });
    const forget = () => {
      signal.removeEventListener("abort", abort);
    };
    this.#signals.set(signal, { pending: 1, forget });
  }

  #unwatch(signal: AbortSignal): void {
    const watched = this.#signals.get(signal);
    if (watched !== undefined) watched.pending -= 1;
  }

  #forgetIdleSignals(keep: number): void {
    for (const [signal, watched] of this.#signals) {
      if (this.#signals.size <= keep) return;
      if (watched.pending > 0) continue;
      watched.forget();
      this.#signals.delete(signal);
    }
  }

  #abort(signal: AbortSignal): void {
    this.#signals.delete(signal);
    for (const lane of [this.#urgent, this.#polls]) {
      for (let at = lane.length - 1; at >= 0; at -= 1) {
        const exchange = lane[at];
        if (exchange?.signal !== signal) continue;
        lane.splice(at, 1);
        exchange.reject(signal.reason);
      }
    }
    // The request under way keeps the link until its answer or time-out: the device has it.
    if (this.#current?.signal === signal) this.#current.reject(signal.reason);
  }
}
