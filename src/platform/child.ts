import { type ChildProcess, spawn } from "node:child_process";
import { backoffMs } from "../domain/backoff.ts";
import { GatewayError } from "../domain/errors.ts";
import { type AbortSignalLike, type Clock, isAborted, slept } from "../domain/time.ts";

export interface ChildOptions {
  /** `services`; for reports. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Between 0 and 1; for the jitter of restarts. */
  readonly random: () => number;
  readonly onState: (state: ChildState) => void;
  readonly limits?: Partial<ChildLimits>;
}

export interface ChildLimits {
  /** Wait before the first restart, ms; doubles up to `longestRestartMs`. */
  readonly firstRestartMs: number;
  readonly longestRestartMs: number;
  /** A child that ran this long starts again as if it were the first time, ms. */
  readonly settledMs: number;
  /** From the closed pipe to SIGTERM, and from there to SIGKILL, ms. */
  readonly graceMs: number;
}

export const CHILD_LIMITS: ChildLimits = {
  firstRestartMs: 100,
  longestRestartMs: 10_000,
  settledMs: 30_000,
  graceMs: 5_000,
};

export type ChildState =
  | { readonly state: "started"; readonly name: string; readonly pid: number }
  | { readonly state: "ended"; readonly name: string; readonly end: ChildEnd };

/** How a process ended: with a status, or by a signal. */
export type ChildEnd = { readonly status: number } | { readonly signal: NodeJS.Signals };

/** Wrong use or unreadable input: the same again would end the same way. */
const WRONG_USE = 2;

/**
 * A role as a child process. The child holds the other end of a pipe on its standard input: when
 * that breaks, because we stop it or because we die, it ends itself.
 */
export class ChildRole {
  readonly #options: ChildOptions;
  readonly #limits: ChildLimits;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#limits = { ...CHILD_LIMITS, ...options.limits };
  }

  /**
   * Keeps the child running: whatever ends it, it is started again, later and later. Resolves when
   * `signal` has aborted and the child is gone.
   *
   * @throws GatewayError CONFIG_INVALID when the child ends with status 2 or cannot be started:
   *   starting it again would not help
   */
  async run(signal: AbortSignalLike): Promise<void> {
    const { clock, random } = this.#options;
    let attempt = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      const end = await this.#runOnce(signal);
      if (isAborted(signal)) return;
      if ("status" in end && end.status === WRONG_USE) throw this.#hopeless("its input is wrong");
      const { firstRestartMs, longestRestartMs, settledMs } = this.#limits;
      if (clock.now() - startedAt >= settledMs) attempt = 0;
      const restart = { firstMs: firstRestartMs, longestMs: longestRestartMs };
      await slept(clock, backoffMs(restart, attempt, random), signal);
      attempt += 1;
    }
  }

  async #runOnce(signal: AbortSignalLike): Promise<ChildEnd> {
    const { name, command, args, environment, onState } = this.#options;
    const child = spawn(command, args, {
      stdio: ["pipe", "inherit", "inherit"],
      ...(environment === undefined ? {} : { env: environment }),
    });
    // The pipe breaks when the child dies first; that is told by `exit`.
    child.stdin.on("error", () => undefined);
    const over = new AbortController();
    const stop = () => {
      void this.#stop(child, over.signal);
    };
    signal.addEventListener("abort", stop);
    try {
      const ended = ending(child);
      if (child.pid !== undefined) onState({ state: "started", name, pid: child.pid });
      const end = await ended;
      onState({ state: "ended", name, end });
      return end;
    } catch (cause) {
      throw this.#hopeless("it cannot be started", cause);
    } finally {
      over.abort();
      signal.removeEventListener("abort", stop);
    }
  }

  /** First the pipe, then SIGTERM, then SIGKILL. */
  async #stop(child: ChildProcess, over: AbortSignalLike): Promise<void> {
    child.stdin?.end();
    for (const name of ["SIGTERM", "SIGKILL"] as const) {
      if (!(await slept(this.#options.clock, this.#limits.graceMs, over))) return;
      child.kill(name);
    }
  }

  #hopeless(reason: string, cause?: unknown): GatewayError {
    const { name, command } = this.#options;
    return new GatewayError("CONFIG_INVALID", { role: name, command, reason }, { cause });
  }
}

/**
 * Runs all children until `signal` aborts, or until one of them cannot be helped; then stops them
 * one after the other, in the order of the list, and resolves when the last is gone.
 *
 * @throws GatewayError of the child that could not be helped, after the others have stopped
 */
export async function runChildren(
  children: readonly ChildRole[],
  signal: AbortSignalLike,
): Promise<void> {
  const stops = children.map(() => new AbortController());
  const firstToEnd = new AbortController();
  const runs = children.map(async (child, at) => {
    try {
      await child.run(stops[at]?.signal ?? signal);
    } finally {
      firstToEnd.abort();
    }
  });
  const outcomes = Promise.allSettled(runs);
  await eitherAborts(signal, firstToEnd.signal);
  for (const [at, stop] of stops.entries()) {
    stop.abort();
    await runs[at]?.catch(() => undefined);
  }
  for (const outcome of await outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}

async function eitherAborts(...signals: readonly AbortSignalLike[]): Promise<void> {
  if (signals.some(isAborted)) return;
  await new Promise<void>((resolve) => {
    const leave = () => {
      for (const signal of signals) signal.removeEventListener("abort", leave);
      resolve();
    };
    for (const signal of signals) signal.addEventListener("abort", leave);
  });
}

async function ending(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.once("exit", (status, signal) => {
      if (signal !== null) resolve({ signal });
      else resolve({ status: status ?? 0 });
    });
  });
}
