import type { Server, Socket } from "node:net";
import { backoffMs } from "../domain/backoff.ts";
import { GatewayError } from "../domain/errors.ts";
import { type Clock, slept } from "../domain/time.ts";
import { listenUnix } from "../link/unix-socket.ts";
import type { Logger } from "../platform/log.ts";
import { hearPackets, type HearTerms } from "../platform/packet-socket.ts";
import { GOOSE_ETHERTYPE } from "../wire/goose/codec.ts";
import { gooseFilter } from "../wire/goose/kernel-filter.ts";
import { every } from "./every.ts";
import { GooseDesk, type GooseReport } from "./goose-desk.ts";
import { ALIVE_MS } from "./goose-report.ts";
import type { GooseSettings } from "./goose-settings.ts";

/** How late the end of a time to live may be noticed. */
const TICK_MS = 10;
const READERS_MAX = 8;
/** Octets that wait for a reader; more, and it is dropped: what is old is of no use to it. */
const UNSENT_OCTETS_MAX = 256 * 1024;
const RETRY = { firstMs: 500, longestMs: 10_000 };

/** How frames are heard: the interface itself, or what a test says. */
export type Hear = (
  terms: HearTerms,
  signal: AbortSignal,
  take: (frame: Uint8Array) => void,
) => Promise<void>;

export interface GooseProcessTerms {
  readonly settings: GooseSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly onReady: () => void;
  readonly onTurn: () => void;
  readonly hear?: Hear;
}

/**
 * The process that hears GOOSE: supervised state goes out on a UNIX socket, as lines of JSON, to
 * whoever may read there. It takes no orders and has no other way out; what it tells can demand the
 * safe state of the plant, and nothing else.
 *
 * @throws GatewayError CONFIG_INVALID, FILE_UNREADABLE without CAP_NET_RAW, INSTANCE_RUNNING
 */
export async function runGoose(terms: GooseProcessTerms, signal: AbortSignal): Promise<void> {
  const { settings, clock, log } = terms;
  const readers = new Readers();
  const desk = new GooseDesk(settings.subscriptions, (report) => {
    log.info({ event: "goose-state", ...report }, "the state of a publisher changed");
    readers.tell({ kind: "change", report });
  });
  const server = await listenUnix({
    path: settings.socket,
    onConnection: (socket) => {
      readers.welcome(socket, desk.reports);
    },
  });
  const stop = new AbortController();
  const end = () => {
    stop.abort();
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    terms.onReady();
    await Promise.all([
      hearAlways(terms, stop.signal, desk).finally(end),
      every(clock, TICK_MS, stop.signal, () => {
        desk.tick(clock.now());
        terms.onTurn();
      }),
      every(clock, ALIVE_MS, stop.signal, () => {
        const { counters } = desk;
        readers.tell({ kind: "alive", counters: { ...counters, droppedReaders: readers.dropped } });
      }),
    ]);
  } finally {
    signal.removeEventListener("abort", end);
    readers.close();
    await closed(server);
  }
}

/** An interface that goes away comes back; meanwhile every time to live ends by itself. */
async function hearAlways(
  { settings, clock, log, random, hear = hearPackets }: GooseProcessTerms,
  signal: AbortSignal,
  desk: GooseDesk,
): Promise<void> {
  const { interfaceName, subscriptions } = settings;
  const hearTerms: HearTerms = {
    interfaceName,
    ethertype: GOOSE_ETHERTYPE,
    filter: gooseFilter(subscriptions),
    destinations: subscriptions.map(({ destination }) => destination),
  };
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await hear(hearTerms, signal, (frame) => {
        attempt = 0;
        desk.take(frame, clock.now());
      });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "LINK_LOST") throw error;
      log.warn({ event: "goose-deaf", ...error.context }, "the interface is gone");
      await slept(clock, backoffMs(RETRY, attempt, random), signal);
    }
  }
}

type Message =
  | { readonly kind: "states"; readonly reports: readonly GooseReport[] }
  | { readonly kind: "change"; readonly report: GooseReport }
  | { readonly kind: "alive"; readonly counters: Readonly<Record<string, number>> };

/** Who reads the states. */
class Readers {
  readonly #sockets = new Set<Socket>();
  dropped = 0;

  welcome(socket: Socket, reports: readonly GooseReport[]): void {
    socket.on("error", () => undefined);
    if (this.#sockets.size >= READERS_MAX) {
      this.dropped += 1;
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // Nobody has anything to say to this process.
    socket.resume();
    socket.write(lineOf({ kind: "states", reports }));
  }

  tell(message: Message): void {
    const line = lineOf(message);
    for (const socket of this.#sockets) {
      if (socket.writableLength <= UNSENT_OCTETS_MAX) {
        socket.write(line);
        continue;
      }
      this.dropped += 1;
      socket.destroy();
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function lineOf(message: Message): string {
  return `${JSON.stringify(message)}\n`;
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
