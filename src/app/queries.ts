import { GatewayError } from "../domain/errors.ts";
import type { Clock, UtcMs } from "../domain/time.ts";
import { RequestClient } from "../link/request-client.ts";
import { type SocketPurpose, socketPath } from "../link/socket-paths.ts";
import type { PointAnswer } from "./query-answers.ts";

const TIMEOUT_MS = 5_000;

/** Asks one question on a local socket and leaves again. */
export async function askOnce(
  parts: {
    readonly runtimeDirectory: string;
    readonly purpose: SocketPurpose;
    readonly clock: Clock;
  },
  method: string,
  params: unknown,
): Promise<unknown> {
  const client = openQueries(parts);
  try {
    return await client.request(method, params);
  } finally {
    client.close();
  }
}

export function openQueries(parts: {
  readonly runtimeDirectory: string;
  readonly purpose: SocketPurpose;
  readonly clock: Clock;
}): RequestClient {
  return new RequestClient({
    socketPath: socketPath(parts.runtimeDirectory, parts.purpose),
    clock: parts.clock,
    random: Math.random,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Every point whose id has `filter` in it, page by page: one answer holds a thousand. */
export async function allPoints(
  client: RequestClient,
  filter = "",
): Promise<readonly PointAnswer[]> {
  const all: PointAnswer[] = [];
  for (;;) {
    const page = await client.request("points", { filter, from: all.length });
    const answers = page as readonly PointAnswer[];
    if (answers.length === 0) return all;
    all.push(...answers);
  }
}

/** A message of the store, as it went north. */
export type StoredMessage = Readonly<Record<string, unknown>>;

/** The newest events of the last day, at most `count`, oldest first. */
export async function newestEvents(
  client: RequestClient,
  count: number,
): Promise<readonly StoredMessage[]> {
  const newestFirst: StoredMessage[] = [];
  let afterId: number | undefined;
  while (newestFirst.length < count) {
    const { messages, next } = (await client.request("events", {
      limit: count - newestFirst.length,
      order: "newest-first",
      ...(afterId === undefined ? {} : { afterId }),
    })) as EventPage;
    newestFirst.push(...messages);
    if (next === undefined) break;
    afterId = next;
  }
  return newestFirst.reverse();
}

/** Events of the store, oldest first, each once; every call goes on where the last one ended. */
export class EventReader {
  readonly #client: RequestClient;
  readonly #fromUtc: UtcMs;
  #afterId: number | undefined;

  /** @param fromUtc nothing that happened before */
  constructor(client: RequestClient, fromUtc: UtcMs) {
    this.#client = client;
    this.#fromUtc = fromUtc;
  }

  async next(): Promise<readonly StoredMessage[]> {
    const events: StoredMessage[] = [];
    for (;;) {
      const { messages, last, next } = (await this.#client.request("events", {
        from: this.#fromUtc,
        order: "oldest-first",
        ...(this.#afterId === undefined ? {} : { afterId: this.#afterId }),
      })) as EventPage;
      this.#afterId = last ?? this.#afterId;
      events.push(...messages.filter((message) => message["event_id"] !== undefined));
      if (next === undefined) return events;
    }
  }
}

interface EventPage {
  readonly messages: readonly StoredMessage[];
  /** Id of the last message; undefined when there is none. */
  readonly last?: number;
  /** Given when there are more behind it. */
  readonly next?: number;
}

/** True where the process that should answer is not there: exit status 3. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof GatewayError &&
    (error.code === "PEER_LOST" || error.code === "REQUEST_TIMEOUT")
  );
}
