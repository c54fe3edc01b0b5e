import type { Readable } from "node:stream";

/** The part of `process` that tells when to stop. */
export interface StopSource {
  on(event: NodeJS.Signals, listener: () => void): unknown;
  off(event: NodeJS.Signals, listener: () => void): unknown;
}

export interface Stop {
  /** Its reason is a `StopRequest`. */
  readonly signal: AbortSignal;
  /** Takes the listeners back: from then on a signal ends the process at once. */
  dispose(): void;
}

/** Why the process stops. Not an error: somebody asked for it. */
export class StopRequest extends Error {
  override readonly name = "StopRequest";
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const satisfies readonly NodeJS.Signals[];

/**
 * Turns the ways in which a process is told to stop into one signal. The second SIGTERM or SIGINT
 * ends the process at once, as it does without us.
 *
 * @param parentPipe a pipe that the parent holds open as long as it lives, usually standard input;
 *   undefined when nothing depends on the parent
 */
export function listenForStop(source: StopSource, parentPipe?: Readable): Stop {
  const controller = new AbortController();
  const asked: readonly (readonly [NodeJS.Signals, () => void])[] = SIGNALS.map((name) => [
    name,
    () => {
      stop(name);
    },
  ]);
  const orphaned = () => {
    stop("the parent process is gone");
  };
  const dispose = () => {
    for (const [name, listener] of asked) source.off(name, listener);
    for (const event of ["end", "close", "error"]) parentPipe?.off(event, orphaned);
    // An abandoned pipe may still fail; that must not end the process.
    parentPipe?.on("error", () => undefined);
    parentPipe?.pause();
  };
  const stop = (reason: string) => {
    dispose();
    controller.abort(new StopRequest(reason));
  };
  for (const [name, listener] of asked) source.on(name, listener);
  for (const event of ["end", "close", "error"]) parentPipe?.on(event, orphaned);
  parentPipe?.resume();
  return { signal: controller.signal, dispose };
}
