import type { CommandVerifier, VerifiedWorkload } from "../access/verify.ts";
import type { Dialect } from "../dcpi/command-request.ts";
import type { Speaker } from "../dcpi/document.ts";
import { WITHIN_MS, type WorkloadRequest } from "../dcpi/workload.ts";
import {
  responseTopic,
  type WorkloadResponse,
  workloadResponse,
} from "../dcpi/workload-response.ts";
import type { WorkloadAnswer, WorkloadNotice } from "../domain/announcement.ts";
import { GatewayError } from "../domain/errors.ts";
import { type Clock, type MonotonicMs, monotonicMs, type UtcMs, utcMs } from "../domain/time.ts";
import type { RequestClient } from "../link/request-client.ts";
import type { CommandMessage } from "../northbound/command-gate.ts";
import type { Logger } from "../platform/log.ts";
import type { NorthPipe } from "./north-pipe.ts";
import type { WorkloadRoster } from "./workload-roster.ts";

/** An announcement that control has not got within this time is not taken, ms. */
const DELIVERY_MS = 5_000;
/** Announcements that wait for control's answer; of one more the workload is told to try again. */
export const UNDER_WAY_MAX = 64;
/** Workloads whose last announcement is kept, for a control that starts anew. */
export const KEPT_MAX = 1_000;
/** Less than this between the times is no other start, ms. */
const SAME_START_MS = 500;

export interface AnnouncementParts {
  readonly verifier: Pick<CommandVerifier, "verifyWorkload">;
  readonly control: Pick<RequestClient, "request">;
  /** Who runs here, for whoever has to ask them for something. */
  readonly roster: Pick<WorkloadRoster, "announce">;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly prefix: string;
  readonly log: Logger;
}

export interface AnnouncementCounters {
  readonly approved: number;
  readonly conditional: number;
  readonly rejected: number;
  /** Handed to a control that started anew. */
  readonly repeated: number;
}

type AnswerPipe = Pick<NorthPipe, "answerWith">;

interface Kept {
  readonly timestamp: UtcMs;
  readonly notice: WorkloadNotice;
}

/** Where an answer goes. */
interface Asker {
  readonly dialect: Dialect;
  readonly correlation: string | undefined;
  readonly pipe: AnswerPipe;
}

/**
 * The way of an announcement from the broker to control: verified like a command, handed over, and
 * answered on `rsp/<workload id>`. Nothing of it is written down: what a workload says is true for
 * minutes, and a later word replaces it.
 */
export class AnnouncementIntake {
  readonly #parts: AnnouncementParts;
  readonly #kept = new Map<string, Kept>();
  readonly #count = { approved: 0, conditional: 0, rejected: 0, repeated: 0 };
  #underWay = 0;
  #epoch: number | undefined;

  constructor(parts: AnnouncementParts) {
    this.#parts = parts;
  }

  get counters(): AnnouncementCounters {
    return { ...this.#count };
  }

  /** Answers later: a command behind it does not wait for control's next cycle. */
  take(message: CommandMessage, pipe: AnswerPipe): void {
    const verified = this.#parts.verifier.verifyWorkload(message);
    const taken =
      "refused" in verified
        ? this.#refuse(verified, pipe)
        : this.#accept(verified.accepted.said, message, pipe);
    taken.catch((error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
      this.#parts.log.error({ event: "announcement-failed", code: error.code }, error.message);
    });
  }

  /** Control runs anew and knows nothing: it is told again what is still to come. */
  controlStarted(epoch: number): void {
    const isFirst = this.#epoch === undefined;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    if (isFirst) return;
    const { clock, log } = this.#parts;
    const now = clock.now();
    for (const [workload, { notice }] of this.#kept) {
      const steps = notice.steps.filter(({ at }) => at > now);
      const powerW = notice.steps.findLast(({ at }) => at <= now)?.powerW ?? notice.powerW;
      if (steps.length === 0) continue;
      this.#count.repeated += 1;
      const again = { ...notice, powerW, steps, slackMs: 0, notAfter: deliverBy(now) };
      this.#parts.control.request("announce", again).catch((error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        log.warn({ event: "announcement-not-repeated", workload }, error.message);
      });
    }
  }

  async #refuse(
    refusal: Extract<VerifiedWorkload, { readonly refused: unknown }>,
    pipe: AnswerPipe,
  ): Promise<void> {
    const { refused: reason, at, text, id: workload, dialect } = refusal;
    if (workload === undefined) {
      this.#reject(workload, reason);
      return;
    }
    const asker = { dialect: dialect ?? "dcpi", correlation: undefined, pipe } as const;
    await this.#answer(asker, { workload, status: "rejected", reason, at, text });
  }

  async #accept(
    request: WorkloadRequest,
    { receivedAt, receivedUtc }: CommandMessage,
    pipe: AnswerPipe,
  ): Promise<void> {
    const { workload, dialect, correlation, timestamp, peakW, ignored } = request;
    const asker = { dialect, correlation, pipe };
    const before = this.#kept.get(workload);
    const refused =
      before !== undefined && timestamp < before.timestamp
        ? "older-than-the-last"
        : this.#underWay >= UNDER_WAY_MAX
          ? "too-many-announcements"
          : undefined;
    if (refused !== undefined) {
      await this.#answer(asker, { workload, status: "rejected", reason: refused });
      return;
    }
    const toMonotonic = receivedAt - receivedUtc;
    const notice: WorkloadNotice = {
      workload,
      powerW: request.powerW,
      peakW,
      steps: request.steps.map(({ at, powerW }) => ({
        at: monotonicMs(at + toMonotonic),
        powerW,
      })),
      slackMs: request.slackMs,
      withinMs: WITHIN_MS,
      notAfter: deliverBy(receivedAt),
    };
    const answer = await this.#ask(notice);
    const response =
      typeof answer === "string"
        ? ({ workload, status: "rejected", reason: answer } as const)
        : responseOf(answer, toMonotonic);
    if (typeof answer !== "string") this.#note(request, answer, { timestamp, notice });
    await this.#answer(asker, { ...response, peakW, ignored });
  }

  /** Control's answer, or why there is none. */
  async #ask(notice: WorkloadNotice): Promise<WorkloadAnswer | string> {
    this.#underWay += 1;
    try {
      return (await this.#parts.control.request("announce", notice)) as WorkloadAnswer;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return error.code === "PEER_LOST" ? "control-gone" : error.code;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Where nothing is smoothed the gateway has no say in it: the workload runs all the same. */
  #note(request: WorkloadRequest, answer: WorkloadAnswer, { timestamp, notice }: Kept): void {
    const { refused, shiftMs } = answer;
    const { roster, clock } = this.#parts;
    if (refused !== undefined && refused !== "not-smoothed") return;
    const last = refused === undefined ? putOff(notice, shiftMs) : notice;
    roster.announce(request, last, clock.now());
    if (refused === undefined) this.#keep(notice.workload, { timestamp, notice: last });
  }

  #keep(workload: string, kept: Kept): void {
    this.#kept.delete(workload);
    this.#kept.set(workload, kept);
    if (this.#kept.size <= KEPT_MAX) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  #reject(workload: string | undefined, reason: string | undefined): void {
    this.#count.rejected += 1;
    this.#parts.log.warn(
      { event: "announcement-refused", workload, reason },
      "announcement refused",
    );
  }

  async #answer({ pipe, ...asker }: Asker, response: WorkloadResponse): Promise<void> {
    const { speaker, prefix, clock } = this.#parts;
    if (response.status === "rejected") this.#reject(response.workload, response.reason);
    else if (response.status === "approved") this.#count.approved += 1;
    else this.#count.conditional += 1;
    const when = clock.utcNow();
    const payload = workloadResponse({ speaker, when, ...asker }, response);
    await pipe.answerWith(prefix + responseTopic(response.workload), payload, when);
  }
}

function deliverBy(now: MonotonicMs): MonotonicMs {
  return monotonicMs(now + DELIVERY_MS);
}

/** As control has put it off. */
function putOff(notice: WorkloadNotice, byMs: number): WorkloadNotice {
  const steps = notice.steps.map(({ at, powerW }) => ({ at: monotonicMs(at + byMs), powerW }));
  return { ...notice, steps };
}

/** @param toMonotonic to be added to UTC */
function responseOf(answer: WorkloadAnswer, toMonotonic: number): WorkloadResponse {
  const { workload, refused, startsAt, shiftMs, leadMs, neededMs, availableW } = answer;
  if (refused !== undefined) return { workload, status: "rejected", reason: refused, availableW };
  if (startsAt === undefined)
    return { workload, status: "approved", reason: undefined, availableW };
  const reason =
    leadMs < neededMs ? "lead-too-short" : shiftMs >= SAME_START_MS ? "start-later" : undefined;
  return {
    workload,
    status: reason === undefined ? "approved" : "approved_with_conditions",
    reason,
    startsAt: utcMs(startsAt - toMonotonic),
    leadMs,
    neededMs,
    availableW,
  };
}
