import type { CommandVerifier, Verified } from "../access/verify.ts";
import type { SiteConfig } from "../config/schema.ts";
import { ackDocument, ackTopic, type AckContext, refusalDocument } from "../dcpi/ack.ts";
import type { CommandDraft, CommandRequest } from "../dcpi/command-request.ts";
import { COMMAND_TOPICS, type CommandTopic } from "../dcpi/commands.ts";
import type { Speaker } from "../dcpi/document.ts";
import { WORKLOAD_TOPIC } from "../dcpi/workload.ts";
import { WORKLOAD_STATUS_TOPIC } from "../dcpi/workload-status.ts";
import {
  type Command,
  type CommandAction,
  type CommandStep,
  requestedOf,
} from "../domain/command.ts";
import { GatewayError } from "../domain/errors.ts";
import { type Clock, isAborted, monotonicMs, type UtcMs, utcMs } from "../domain/time.ts";
import type { RequestClient } from "../link/request-client.ts";
import type { CommandMessage, CommandQueue } from "../northbound/command-gate.ts";
import type { Logger } from "../platform/log.ts";
import type { Store } from "../store/store.ts";
import type { NorthPipe } from "./north-pipe.ts";
import type { AnnouncementIntake } from "./announcement-intake.ts";
import { consumerOrder } from "./consumer-order.ts";
import type { ShedDesk } from "./shed-desk.ts";
import type { SiteContext } from "./site-context.ts";

/** Arbitration level of commands for the battery: a grid instruction. */
const BATTERY_PRIORITY = 4;
/** A command that control has not got within this time is not executed, ms. */
const DELIVERY_MS = 5_000;
/** Commands whose asker and receiver are remembered; of one more the oldest is forgotten. */
const ASKERS_MAX = 10_000;

/** A command whose end is not yet written down. */
type OpenCommand = Pick<
  Awaited<ReturnType<Store["openCommands"]>>[number],
  "commandId" | "lastStep"
>;

export interface IntakeParts {
  readonly context: SiteContext;
  readonly queue: CommandQueue;
  readonly verifier: CommandVerifier;
  readonly store: Pick<Store, "recordStep" | "journalCommand" | "consumerAck" | "resend"> & {
    openCommands(): Promise<readonly OpenCommand[]>;
  };
  readonly control: Pick<RequestClient, "request">;
  readonly announcements: Pick<AnnouncementIntake, "take" | "controlStarted">;
  readonly sheds: Pick<ShedDesk, "takeStatus">;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly prefix: string;
  readonly log: Logger;
}

type Asker = Omit<AckContext, "speaker">;
type AnswerPipe = Pick<NorthPipe, "answer" | "answerWith">;

/**
 * The way of a command from the broker to control: verified, written down, handed over. Whatever
 * happens to it is told on `ack/<id>`, in the dialect in which it was asked.
 */
export class CommandIntake {
  readonly #parts: IntakeParts;
  readonly #askers = new Map<string, Asker>();
  /** Epoch of the run of control that took a command. */
  readonly #takers = new Map<string, number>();
  #sequence: number;
  #refused = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    // Above that of every earlier run since the machine started, as far as control's memory goes:
    // so its fencing takes the new ones. Local time may be set back, this clock may not.
    this.#sequence = Math.ceil(parts.clock.now());
  }

  /** Messages that never became a command. */
  get refused(): number {
    return this.#refused;
  }

  /** Topic and bytes of a step's acknowledgement. */
  readonly ackOf = (
    step: CommandStep,
  ): { readonly topic: string; readonly payload: Uint8Array } => {
    const { speaker, prefix } = this.#parts;
    const asker = this.#askers.get(step.commandId) ?? {
      dialect: "dcpi",
      correlation: undefined,
      unit: "W",
    };
    return {
      topic: prefix + ackTopic(step.commandId),
      payload: ackDocument({ speaker, ...asker }, step),
    };
  };

  /** Reports what a former run left open, then judges messages until `signal` aborts. */
  async run(pipe: AnswerPipe, signal: AbortSignal): Promise<void> {
    await this.#closeOpen(pipe);
    while (!signal.aborted) {
      let message: CommandMessage;
      try {
        message = await this.#parts.queue.next(signal);
      } catch (error) {
        if (isAborted(signal)) return;
        throw error;
      }
      await this.#judge(message, pipe).catch((error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        this.#parts.log.error({ event: "command-failed", code: error.code }, error.message);
      });
    }
  }

  /** A command that was under way when services ended is never executed again. */
  async #closeOpen(pipe: AnswerPipe): Promise<void> {
    for (const open of await this.#parts.store.openCommands())
      await this.#endUnknown(open, "gateway-restarted", pipe);
  }

  /**
   * Control runs anew: of the commands that its former runs took nothing will be heard any more.
   *
   * @param epoch of the run that begins
   */
  async controlStarted(epoch: number, pipe: AnswerPipe): Promise<void> {
    this.#parts.announcements.controlStarted(epoch);
    for (const open of await this.#parts.store.openCommands()) {
      const taker = this.#takers.get(open.commandId);
      if (taker !== undefined && taker !== epoch)
        await this.#endUnknown(open, "control-restarted", pipe);
    }
    for (const [commandId, taker] of this.#takers)
      if (taker !== epoch) this.#takers.delete(commandId);
  }

  async #endUnknown(
    { commandId, lastStep }: OpenCommand,
    reason: string,
    pipe: AnswerPipe,
  ): Promise<void> {
    const { store, clock } = this.#parts;
    const step: CommandStep = {
      commandId,
      stage: "unknown",
      final: true,
      asset: lastStep?.asset ?? "",
      reason,
      requested: lastStep?.requested,
      applied: lastStep?.applied,
      measured: lastStep?.measured,
      readBack: lastStep?.readBack,
      at: clock.utcNow(),
    };
    await store.recordStep(step);
    await pipe.answer(step);
  }

  async #judge(message: CommandMessage, pipe: AnswerPipe): Promise<void> {
    const { prefix, verifier, store } = this.#parts;
    const topic = message.topic.slice(prefix.length);
    if (topic === WORKLOAD_TOPIC) {
      this.#parts.announcements.take(message, pipe);
      return;
    }
    if (topic === WORKLOAD_STATUS_TOPIC) {
      this.#parts.sheds.takeStatus(message);
      return;
    }
    if (topic.startsWith("cmd/stream/")) {
      await consumerOrder(topic, message.payload, store);
      return;
    }
    const known = COMMAND_TOPICS.find((candidate) => candidate === topic);
    if (known === undefined) {
      this.#refused += 1;
      return;
    }
    const verified = verifier.verify(known, message);
    if ("refused" in verified) await this.#refuse(verified, pipe);
    else await this.#accept(verified.accepted, { topic: known, message, pipe });
  }

  async #refuse(
    refusal: Extract<Verified, { readonly refused: unknown }>,
    pipe: AnswerPipe,
  ): Promise<void> {
    this.#refused += 1;
    const { speaker, prefix, clock, log } = this.#parts;
    const { refused: reason, at, text, id, dialect } = refusal;
    log.warn({ event: "command-refused", reason, at, command: id }, "command refused");
    if (id === undefined) return;
    const when = clock.utcNow();
    const context = { speaker, dialect: dialect ?? "dcpi", correlation: undefined } as const;
    const payload = refusalDocument(context, { commandId: id, reason, at, text, when });
    await pipe.answerWith(prefix + ackTopic(id), payload, when);
  }

  async #accept(
    accepted: { readonly principal: string; readonly request: CommandRequest },
    asked: {
      readonly topic: CommandTopic;
      readonly message: CommandMessage;
      readonly pipe: AnswerPipe;
    },
  ): Promise<void> {
    const { principal, request } = accepted;
    for (const draft of request.commands) {
      this.#remember(draft, request);
      const command = this.#commandOf(draft, principal, asked);
      const verdict = await this.#parts.store.journalCommand({
        kid: principal,
        jti: draft.id,
        iat: request.timestamp,
        exp: utcMs(beginOf(draft, request) + draft.leaseMs),
        seq: command.sequence,
        raw: asked.message.payload,
        commandId: draft.id,
        command: JSON.stringify(command),
      });
      if (verdict === "replay") await this.#answer(command, "replayed", asked.pipe);
      else if (draft.intent.kind === "not-supported")
        await this.#end(command, "not-supported", asked.pipe);
      else await this.#hand(command, asked.pipe);
    }
  }

  async #hand(command: Command, pipe: AnswerPipe): Promise<void> {
    try {
      const answer = await this.#parts.control.request("command", command);
      const epoch = takerOf(answer);
      if (epoch !== undefined) rememberBounded(this.#takers, command.id, epoch);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      await this.#end(command, error.code === "PEER_LOST" ? "control-gone" : error.code, pipe);
    }
  }

  /** A command that ends here, told and written down. */
  async #end(command: Command, reason: string, pipe: AnswerPipe): Promise<void> {
    await this.#parts.store.recordStep(this.#refusedStep(command, reason));
    await this.#answer(command, reason, pipe);
  }

  async #answer(command: Command, reason: string, pipe: AnswerPipe): Promise<void> {
    this.#refused += 1;
    await pipe.answer(this.#refusedStep(command, reason));
  }

  #refusedStep(command: Command, reason: string): CommandStep {
    return {
      commandId: command.id,
      stage: "refused",
      final: true,
      asset: command.asset,
      reason,
      requested: requestedOf(command.action),
      applied: undefined,
      measured: undefined,
      readBack: undefined,
      at: this.#parts.clock.utcNow(),
    };
  }

  #remember(draft: CommandDraft, { dialect, correlation, ignored }: CommandRequest): void {
    const { intent } = draft;
    const isLeased = intent.kind === "set-power" || intent.kind === "reduce-import";
    rememberBounded(this.#askers, draft.id, {
      dialect,
      correlation,
      ignored,
      unit: "W",
      leaseMs: isLeased ? draft.leaseMs : undefined,
      isDemandResponse: intent.kind === "reduce-import",
    });
  }

  #commandOf(
    draft: CommandDraft,
    holder: string,
    { topic, message }: { readonly topic: CommandTopic; readonly message: CommandMessage },
  ): Command {
    const { context, clock } = this.#parts;
    const asset = draft.target ?? groupFor(context.site, topic);
    this.#sequence += 1;
    return {
      id: draft.id,
      holder,
      asset,
      action: this.#actionFor(asset, draft),
      priority: BATTERY_PRIORITY,
      sequence: this.#sequence,
      leaseMs: draft.leaseMs,
      notAfter: monotonicMs(clock.now() + DELIVERY_MS),
      receivedUtc: message.receivedUtc,
    };
  }

  /** A battery that no controller drives has a setpoint like any other device. */
  #actionFor(asset: string, { intent }: CommandDraft): CommandAction {
    const { context, clock } = this.#parts;
    const batteries = context.site.control?.batteries ?? [];
    const isDriven = batteries.some(({ id, units }) => id === asset || units.includes(asset));
    const point = "active-power-setpoint";
    switch (intent.kind) {
      case "set-power":
        return isDriven ? intent : { kind: "set-point", point, value: intent.powerW };
      case "release":
        return isDriven ? intent : { kind: "set-point", point, value: 0 };
      case "set-point":
        return intent;
      case "reduce-import": {
        const startsAt = monotonicMs(clock.now() + intent.startsAt - clock.utcNow());
        return { ...intent, startsAt };
      }
      case "not-supported":
        return { kind: "release" };
    }
  }
}

function rememberBounded<T>(memory: Map<string, T>, id: string, value: T): void {
  if (memory.size >= ASKERS_MAX) {
    const [oldest] = memory.keys();
    if (oldest !== undefined) memory.delete(oldest);
  }
  memory.set(id, value);
}

/** A reduction of the import may begin later than it is asked for. */
function beginOf({ intent }: CommandDraft, { timestamp }: CommandRequest): UtcMs {
  return intent.kind === "reduce-import" ? intent.startsAt : timestamp;
}

function takerOf(answer: unknown): number | undefined {
  const { epoch } = (answer ?? {}) as { readonly epoch?: unknown };
  return typeof epoch === "number" ? epoch : undefined;
}

/** Whom a command is for that names nobody: the batteries, or the grid connection. */
function groupFor({ control }: SiteConfig, topic: CommandTopic): string {
  return topic === "cmd/grid/demand-response"
    ? (control?.grid.meter ?? "grid")
    : (control?.batteries[0]?.id ?? "battery");
}
