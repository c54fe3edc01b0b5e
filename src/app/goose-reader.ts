import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { backoffMs } from "../domain/backoff.ts";
import { GatewayError } from "../domain/errors.ts";
import { type Clock, isAborted, slept } from "../domain/time.ts";
import { connectUnix } from "../link/unix-socket.ts";
import type { Logger } from "../platform/log.ts";

/** 64 publishers with all that they say fit; what does not end is no line of gateway-goose. */
export const LINE_CHARACTERS_MAX = 1024 * 1024;
/** Lines of one connection within a second; more would take the time of the cycle. */
export const LINES_PER_SECOND_MAX = 2_000;
const RETRY = { firstMs: 100, longestMs: 1_000 };

export interface GooseReaderTerms {
  readonly socketPath: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** @returns false when a line cannot be read: the connection is made anew, which tells all */
  readonly take: (line: string) => boolean;
}

/** Reads what gateway-goose tells, and has nothing to say to it. */
export class GooseReader {
  readonly #terms: GooseReaderTerms;
  readonly counters = { connects: 0, floods: 0 };

  constructor(terms: GooseReaderTerms) {
    this.#terms = terms;
  }

  /** Resolves after `signal` has aborted; who is not there, or talks rubbish, is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#terms;
    let isUp: boolean | undefined;
    for (let attempt = 0; !isAborted(signal); attempt += 1) {
      const why = await this.#follow(signal, () => {
        attempt = 0;
        if (isUp !== true) log.info({ event: "goose-link" }, "gateway-goose is heard");
        isUp = true;
      });
      if (isAborted(signal)) return;
      if (isUp !== false) log.warn({ event: "goose-link", why }, "no link to gateway-goose");
      isUp = false;
      await slept(clock, backoffMs(RETRY, attempt, random), signal);
    }
  }

  /** One connection to its end, with why it ended. */
  async #follow(signal: AbortSignal, onLine: () => void): Promise<string> {
    let socket: Socket;
    try {
      socket = await connectUnix(this.#terms.socketPath, signal);
    } catch (error) {
      if (isAborted(signal)) return "stopped";
      if (error instanceof GatewayError) return error.code;
      throw error;
    }
    this.counters.connects += 1;
    const lines = new Lines((line) => {
      if (!this.#terms.take(line)) return false;
      onLine();
      return true;
    }, this.#terms.clock);
    return new Promise((resolve) => {
      let why = "closed";
      const end = (): void => {
        socket.destroy();
      };
      signal.addEventListener("abort", end, { once: true });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        signal.removeEventListener("abort", end);
        resolve(why);
      });
      socket.on("data", (chunk: Buffer) => {
        const verdict = lines.take(chunk);
        if (verdict === "taken") return;
        if (verdict === "flood") this.counters.floods += 1;
        why = verdict;
        end();
      });
      if (signal.aborted) end();
    });
  }
}

type Verdict = "taken" | "malformed" | "flood";

/** Cuts a stream into lines, within limits. */
class Lines {
  readonly #take: (line: string) => boolean;
  readonly #clock: Clock;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #countedSince = -Infinity;
  #count = 0;

  constructor(take: (line: string) => boolean, clock: Clock) {
    this.#take = take;
    this.#clock = clock;
  }

  take(chunk: Buffer): Verdict {
    const parts = this.#decoder.write(chunk).split("\n");
    parts[0] = this.#rest + (parts[0] ?? "");
    this.#rest = parts.pop() ?? "";
    // Every line is used before the connection is given up: one of them may demand something.
    let verdict: Verdict = "taken";
    for (const line of parts) {
      if (!this.#take(line)) verdict = "malformed";
      else if (this.#isFlood()) verdict = "flood";
    }
    return this.#rest.length > LINE_CHARACTERS_MAX ? "malformed" : verdict;
  }

  #isFlood(): boolean {
    const now = this.#clock.now();
    if (now - this.#countedSince >= 1_000) {
      this.#countedSince = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > LINES_PER_SECOND_MAX;
  }
}
