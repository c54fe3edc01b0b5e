import type { AbortSignalLike } from "../domain/time.ts";

/** Asks anew: after an `await` the answer may be another one. */
export function isAborted(signal: AbortSignalLike): boolean {
  return signal.aborted;
}
