import type { CommandVerifier } from "../access/verify.ts";
import type { ThermalConfig } from "../config/schema-thermal.ts";
import type { Speaker } from "../dcpi/document.ts";
import { controlMessage, controlTopic } from "../dcpi/shed/control-message.ts";
import { deadlineOf, noteSaid, stepLadder, unconfirmedSheds } from "../dcpi/shed/ladder.ts";
import {
  createLadder,
  type Ladder,
  type LadderCounters,
  RESUME_VALID_MS,
  type ShedMessage,
} from "../dcpi/shed/ladder-state.ts";
import { parseSavedLadder, restoreLadder, savedLadder } from "../dcpi/shed/saved.ts";
import type { WorkloadSight } from "../dcpi/shed/orders.ts";
import { GatewayError } from "../domain/errors.ts";
import type { ShedLevel, ShedWord, StandingShed } from "../domain/shed.ts";
import { type Clock, type MonotonicMs, utcMs } from "../domain/time.ts";
import type { RequestClient } from "../link/request-client.ts";
import type { CommandMessage } from "../northbound/command-gate.ts";
import type { Publisher } from "../northbound/publisher.ts";
import type { LatchFiles, LatchRecord } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";
import { every } from "./every.ts";
import { savedLatches } from "./saved-latches.ts";
import { parseShedLevel, WORDS_MAX_CHARACTERS } from "./shed-level.ts";
import { type RosterCounters, WorkloadRoster } from "./workload-roster.ts";

/** How often control is asked what stands, and everything is looked through, ms. */
export const SHED_STEP_MS = 250;

export interface ShedDeskParts {
  /** Undefined: no zone ever asks for anything, and nobody is asked. */
  readonly thermal: Pick<ThermalConfig, "zones"> | undefined;
  readonly control: Pick<RequestClient, "request">;
  readonly publisher: Pick<Publisher, "publishUrgent">;
  readonly verifier: Pick<CommandVerifier, "verifyStatus">;
  readonly record: LatchRecord;
  readonly files: Pick<LatchFiles, "save">;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly prefix: string;
  readonly log: Logger;
}

interface DeskCounters {
  /** Messages that nobody took; each is tried again. */
  unsent: number;
  /** Questions that control did not answer. */
  unanswered: number;
  /** Words of workloads on how they do. */
  statuses: number;
  refusedStatuses: number;
  /** Of workloads that have announced nothing and were asked nothing. */
  unknownStatuses: number;
  notSaved: number;
}

export interface ShedDeskStatus {
  readonly standing: readonly StandingShed[];
  readonly orders: readonly {
    readonly zone: string;
    readonly workload: string;
    readonly action: string;
    readonly targetW: number;
    readonly savesW: number;
    readonly progress: string;
    readonly repeats: number;
  }[];
  readonly counters: LadderCounters & DeskCounters & RosterCounters;
}

/**
 * Carries what the zones ask for to those who run the workloads. Asks control again and again what
 * stands, so that neither end has to remember what the other one has heard; what was asked of whom
 * is on the disk, so that after a restart nobody is left without the word that load may come back.
 */
export class ShedDesk {
  readonly roster = new WorkloadRoster();
  readonly #parts: ShedDeskParts;
  readonly #ladder: Ladder;
  readonly #zonesByWorkload: readonly [pattern: string, zone: string][];
  readonly #counters: DeskCounters = {
    unsent: 0,
    unanswered: 0,
    statuses: 0,
    refusedStatuses: 0,
    unknownStatuses: 0,
    notSaved: 0,
  };
  #isAsking = false;
  #isSaving = false;
  #savedRevision = 0;
  #hasToldSilence = false;

  constructor(parts: ShedDeskParts) {
    this.#parts = parts;
    const { clock, log, record, thermal } = parts;
    const run = clock.utcNow().toString(36);
    const saved = savedLatches(record, parseSavedLadder);
    if (saved === "unreadable")
      log.error({ event: "sheds-unreadable" }, "it is not known who was asked for load to go");
    const isWhole = saved !== undefined && saved !== "unreadable";
    this.#ladder = isWhole ? restoreLadder(run, saved, clock.now()) : createLadder(run);
    this.#zonesByWorkload = (thermal?.zones ?? []).flatMap(({ device, workloads = [] }) =>
      workloads.map((pattern): [string, string] => [pattern, device]),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#parts.thermal === undefined) return;
    await every(this.#parts.clock, SHED_STEP_MS, signal, () => {
      // A control that hangs must not keep anything from being repeated.
      if (!this.#isAsking) void this.#ask(signal);
      this.#step(undefined);
    });
  }

  /** A workload says how it does. Nothing is answered: what it confirms was asked by us. */
  takeStatus(message: CommandMessage): void {
    const { verifier, log } = this.#parts;
    const verified = verifier.verifyStatus(message);
    if ("refused" in verified) {
      this.#counters.refusedStatuses += 1;
      const { refused: reason, id: workload } = verified;
      log.warn({ event: "workload-status-refused", workload, reason }, "status refused");
      return;
    }
    const { said: status } = verified.accepted;
    const { workload } = status;
    const isAsked = [...this.#ladder.orders.values(), ...this.#ladder.resumes.values()].some(
      (asked) => asked.workload === workload,
    );
    if (!isAsked && !this.roster.isKnown(workload)) {
      this.#counters.unknownStatuses += 1;
      return;
    }
    if (this.roster.report(status, message.receivedAt)) this.#counters.statuses += 1;
    else this.#counters.refusedStatuses += 1;
  }

  status(): ShedDeskStatus {
    const { sheds, orders, counters } = this.#ladder;
    return {
      standing: [...sheds.values()],
      orders: [...orders.values()].map(
        ({ zone, workload, action, targetW, savesW, progress, repeats }) => ({
          ...{ zone, workload, action, targetW, savesW, progress, repeats },
        }),
      ),
      counters: { ...counters, ...this.#counters, ...this.roster.counters },
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { control, log } = this.#parts;
    this.#isAsking = true;
    try {
      const level = parseShedLevel(await control.request("sheds", this.#word(), signal));
      this.#hasToldSilence = false;
      this.#step(level);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof GatewayError)) throw error;
      this.#counters.unanswered += 1;
      if (!this.#hasToldSilence)
        log.warn({ event: "sheds-unknown", code: error.code }, "control does not say what stands");
      this.#hasToldSilence = true;
    } finally {
      this.#isAsking = false;
    }
  }

  #word(): ShedWord {
    const unconfirmed = unconfirmedSheds(this.#ladder, this.#parts.clock.now());
    return {
      unconfirmed: unconfirmed.map(({ zone, text }) => ({
        zone,
        text: text.slice(0, WORDS_MAX_CHARACTERS),
      })),
    };
  }

  #step(level: ShedLevel | undefined): void {
    const now = this.#parts.clock.now();
    let sights: readonly WorkloadSight[] | undefined;
    const messages = stepLadder(this.#ladder, {
      now,
      level,
      wordOf: (workload) => this.roster.wordOf(workload),
      workloadsOf: (zone) => {
        sights ??= [...this.roster.sights(now)];
        return sights.filter(({ workload }) => this.#isCooledBy(workload, zone));
      },
    });
    for (const message of messages) this.#say(message, now);
    if (this.#ladder.revision !== this.#savedRevision && !this.#isSaving) void this.#save();
  }

  /** Where the site file says nothing of a workload, every zone may cool it. */
  #isCooledBy(workload: string, zone: string): boolean {
    const zones = this.#zonesByWorkload.filter(([pattern]) => isMeant(pattern, workload));
    if (zones.length > 0) return zones.some(([, named]) => named === zone);
    return !this.#zonesByWorkload.some(([, named]) => named === zone);
  }

  #say(message: ShedMessage, now: MonotonicMs): void {
    const { publisher, speaker, prefix, clock, log } = this.#parts;
    const isOrder = message.kind === "order";
    const { id, zone, workload } = isOrder ? message.order : message.resume;
    const validMs = isOrder
      ? (message.order.deadlineAt ?? deadlineOf(message.order, now)) - now
      : RESUME_VALID_MS;
    const when = clock.utcNow();
    const deadline = isOrder ? utcMs(when + validMs) : undefined;
    const isTaken = publisher.publishUrgent({
      topic: prefix + controlTopic(workload),
      payload: controlMessage({ speaker, when, deadline }, message),
      expirySeconds: Math.max(1, Math.ceil(validMs / 1_000)),
    });
    if (!isTaken) {
      this.#counters.unsent += 1;
      return;
    }
    const action = isOrder ? message.order.action : "resume";
    if (!isOrder || message.order.saidAt === undefined)
      log.warn({ event: "workload-asked", id, zone, workload, action }, "a workload is asked");
    noteSaid(this.#ladder, message, now);
  }

  async #save(): Promise<void> {
    const { files, log } = this.#parts;
    this.#isSaving = true;
    const { revision } = this.#ladder;
    try {
      await files.save(JSON.stringify(savedLadder(this.#ladder)));
      this.#savedRevision = revision;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#counters.notSaved += 1;
      if (this.#counters.notSaved === 1)
        log.error({ event: "sheds-not-saved", code: error.code }, error.message);
    } finally {
      this.#isSaving = false;
    }
  }
}

/** A name, or the beginning of one before a `*`. */
function isMeant(pattern: string, workload: string): boolean {
  return pattern.endsWith("*") ? workload.startsWith(pattern.slice(0, -1)) : workload === pattern;
}
