import { AlarmLog } from "../alarms/alarm-log.ts";
import { ALARM_LIMITS } from "../alarms/limits.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import { type AbortSignalLike, type Clock, isAborted, slept } from "../domain/time.ts";
import { parseEvent } from "../link/facts.ts";
import type { Answer } from "../link/request-server.ts";

/** Events of one answer, and of each of them the longest text: an answer fits its socket. */
const EVENTS_MAX = 64;
const TEXT_MAX = 500;
/** Without news an answer comes after this long, so that who asks knows that it lives, ms. */
const QUIET_MS = 1_000;
/** Who does not get an answer asks again after this long, ms. */
const RETRY_MS = 500;

interface FeedAnswer {
  readonly epoch: number;
  readonly last: number;
  readonly isWhole: boolean;
  readonly hasMore: boolean;
  /** Each the JSON of an event. */
  readonly events: readonly string[];
}

/** The side of field and services, `<role>/alarms`: an answer comes when there is news. */
export class AlarmFeed {
  readonly #log = new AlarmLog(ALARM_LIMITS.recordsMax);
  readonly #clock: Clock;
  readonly #epoch: number;
  readonly #waiting = new Set<AbortController>();

  constructor(clock: Clock, epoch: number) {
    this.#clock = clock;
    this.#epoch = epoch;
  }

  take(event: PlantEvent): void {
    this.#log.take(event);
    for (const waiting of this.#waiting) waiting.abort();
  }

  readonly answers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
    ["alarms", async ({ params, signal }) => this.#answer(params, signal)],
  ]);

  async #answer(params: unknown, signal: AbortSignal): Promise<FeedAnswer> {
    const { epoch, after, isWhole } = (params ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof epoch !== "number" || typeof after !== "number" || typeof isWhole !== "boolean")
      throw new GatewayError("REQUEST_REFUSED", { reason: "alarms needs epoch, after, isWhole" });
    const question =
      epoch === this.#epoch ? { after, isWhole } : { after: 0, isWhole: true as boolean };
    if (epoch === this.#epoch && !this.#log.hasNews(question)) await this.#news(signal);
    const page = this.#log.page(question, EVENTS_MAX);
    return {
      ...page,
      epoch: this.#epoch,
      events: page.events.map((event) =>
        JSON.stringify({ ...event, text: event.text.slice(0, TEXT_MAX) }),
      ),
    };
  }

  async #news(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    this.#waiting.add(waiting);
    await slept(this.#clock, QUIET_MS, AbortSignal.any([signal, waiting.signal]));
    this.#waiting.delete(waiting);
  }
}

/** Who wants to know what another process tells. */
export interface AlarmSink {
  /** It answers; with `isAnew` it was started since, or too much was missed. */
  readonly heard: (isAnew: boolean) => void;
  readonly take: (event: PlantEvent) => void;
  readonly lost: () => void;
}

/** Control's side: asks again and again until `signal` aborts. */
export async function followAlarms(
  parts: {
    readonly client: {
      readonly request: (
        method: string,
        params: unknown,
        signal?: AbortSignalLike,
      ) => Promise<unknown>;
    };
    readonly clock: Clock;
    readonly sink: AlarmSink;
    /** Between two questions, ms: who is asked does not decide how busy this process is. */
    readonly pauseMs?: number;
  },
  signal: AbortSignalLike,
): Promise<void> {
  const { client, clock, sink, pauseMs = 0 } = parts;
  let place = { epoch: 0, after: 0, isWhole: false };
  while (!isAborted(signal)) {
    try {
      const answer = feedAnswer(await client.request("alarms", place, signal));
      sink.heard(answer.isWhole && !place.isWhole);
      for (const json of answer.events) sink.take(parseEvent(json));
      const { epoch, last, isWhole, hasMore } = answer;
      place = { epoch, after: last, isWhole: isWhole && hasMore };
      if (pauseMs > 0) await slept(clock, pauseMs, signal);
    } catch (error) {
      if (isAborted(signal)) return;
      if (!(error instanceof GatewayError)) throw error;
      sink.lost();
      await slept(clock, RETRY_MS, signal);
    }
  }
}

/** @throws GatewayError FRAME_MALFORMED */
function feedAnswer(value: unknown): FeedAnswer {
  const { epoch, last, isWhole, hasMore, events } = (value ?? {}) as Partial<FeedAnswer>;
  const isOne =
    typeof epoch === "number" &&
    typeof last === "number" &&
    typeof isWhole === "boolean" &&
    typeof hasMore === "boolean" &&
    Array.isArray(events) &&
    events.every((event) => typeof event === "string");
  if (!isOne) throw new GatewayError("FRAME_MALFORMED", { reason: "not an answer with alarms" });
  return { epoch, last, isWhole, hasMore, events };
}
