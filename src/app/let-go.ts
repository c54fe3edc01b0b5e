import type { AbortSignalLike, Clock } from "../domain/time.ts";
import type { ControlHost } from "./control-host.ts";

/** How often it is looked whether the batteries are let go, ms. */
const LOOK_MS = 20;

/**
 * Waits until `asked` aborts, then until control has let its batteries go at the site's ramp, at
 * most `limitMs`; then aborts `end`. What they still give by then goes by their own reversion.
 */
export async function endWhenLetGo(
  host: Pick<ControlHost, "stop" | "isLetGo">,
  parts: { readonly clock: Clock; readonly limitMs: number },
  asked: AbortSignalLike,
  end: AbortController,
): Promise<void> {
  const { clock, limitMs } = parts;
  await aborted(asked, end.signal);
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
