import type { AbortSignalLike, Clock } from "../domain/time.ts";
import type { ControlHost } from "./control-host.ts";

/** How often it is looked whether the batteries are let go, ms. */
const LOOK_MS = 20;

/**
 * Waits until `asked` aborts, then until control has let its batteries go at the site's ramp, at
 * most `limitMs`; then aborts `end`. What they still give by then goes by their own reversion.
 * Gives up when `signal` aborts: then the process ends for a reason of its own.
 */
export async function endWhenLetGo(
  host: Pick<ControlHost, "stop" | "isLetGo">,
  parts: {
    readonly clock: Clock;
    readonly limitMs: number;
    readonly asked: AbortSignalLike;
    readonly end: AbortController;
  },
  signal: AbortSignalLike,
): Promise<void> {
  const { clock, limitMs, asked, end } = parts;
  await aborted(asked, signal);
  if (!asked.aborted) return;
  host.stop();
  const until = clock.now() + limitMs;
  while (!host.isLetGo && clock.now() < until) await clock.sleep(LOOK_MS);
  end.abort(asked.reason);
}

async function aborted(...signals: readonly AbortSignalLike[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  await new Promise<void>((resolve) => {
    const leave = (): void => {
      for (const signal of signals) signal.removeEventListener("abort", leave);
      resolve();
    };
    for (const signal of signals) signal.addEventListener("abort", leave);
  });
}
