import { CommandVerifier } from "../../src/access/verify.ts";
import { AnnouncementIntake } from "../../src/app/announcement-intake.ts";
import { WorkloadRoster } from "../../src/app/workload-roster.ts";
import { CommandIntake } from "../../src/app/command-intake.ts";
import type { ControlHost } from "../../src/app/control-host.ts";
import { parseCommand, parseNotice } from "../../src/app/local-requests.ts";
import type { SiteContext } from "../../src/app/site-context.ts";
import type { CommandStep } from "../../src/domain/command.ts";
import type { Clock } from "../../src/domain/time.ts";
import { parseStep } from "../../src/link/facts.ts";
import { CommandQueue } from "../../src/northbound/command-gate.ts";
import { createLogger } from "../../src/platform/log.ts";
import { commandMessage } from "./command-message.ts";

/** What went north to one who asked. */
export interface NorthAnswer {
  /** End of the topic. */
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Turns of the event loop that a message may take to reach control. */
const TURNS = 20;

/**
 * The way of a message from the broker to control, without sockets and without a disk: the
 * gateway's own gate, verifier, intake, and the form of the link between the two processes.
 */
export class VirtualNorth {
  readonly answers: NorthAnswer[] = [];
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #queue = new CommandQueue(() => undefined);
  readonly #intake: CommandIntake;

  constructor(
    parts: {
      readonly context: SiteContext;
      readonly clock: Clock;
      readonly host: () => ControlHost;
    },
    signal: AbortSignal,
  ) {
    const { context, clock, host } = parts;
    const { site, gateway, mqtt } = context.site;
    this.#clock = clock;
    this.#prefix = `dcpi/v1/${site}/${gateway}/`;
    const verifier = new CommandVerifier({
      unsigned: mqtt.unsignedCommands,
      facility: site,
      lease: { defaultMs: 60_000, maximumMs: 3_600_000 },
    });
    const control = {
      request: async (method: string, params: unknown): Promise<unknown> => {
        const sent: unknown = JSON.parse(JSON.stringify(params));
        if (method === "announce")
          return JSON.parse(JSON.stringify(await host().announce(parseNotice(sent)))) as unknown;
        host().take(parseCommand(sent));
        return { taken: true, epoch: 1 };
      },
    };
    const speaker = { facility: site, gateway };
    const log = createLogger("virtual", "silent");
    const way = { verifier, control, clock, speaker, prefix: this.#prefix, log };
    this.#intake = new CommandIntake({
      ...way,
      context,
      queue: this.#queue,
      announcements: new AnnouncementIntake({ ...way, roster: new WorkloadRoster() }),
      sheds: { takeStatus: () => undefined },
      store: {
        openCommands: async () => Promise.resolve([]),
        recordStep: async () => Promise.resolve(),
        journalCommand: async () => Promise.resolve("fresh" as const),
        consumerAck: () => undefined,
        resend: async () => Promise.resolve(0),
      },
    });
    void this.#intake.run(
      {
        answer: async (step) => {
          this.tell(step);
          return Promise.resolve();
        },
        answerWith: async (topic, payload) => {
          this.#answer(topic, payload);
          return Promise.resolve();
        },
      },
      signal,
    );
  }

  /** A step of a command, as control hands it over the link. */
  tell(step: CommandStep): void {
    const { topic, payload } = this.#intake.ackOf(parseStep(JSON.stringify(step)));
    this.#answer(topic, payload);
  }

  #answer(topic: string, payload: Uint8Array): void {
    const body = JSON.parse(new TextDecoder().decode(payload)) as NorthAnswer["body"];
    this.answers.push({ topic: topic.slice(this.#prefix.length), body });
  }

  /** A message as the broker hands it over; returns when control has it. */
  async publish(topic: string, body: object): Promise<void> {
    this.#queue.offer(commandMessage(this.#clock, this.#prefix + topic, body));
    for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
  }
}
