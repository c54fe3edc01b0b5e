import type { ControlHost } from "./control-host.ts";
import type { ThermalHost } from "./thermal-host.ts";
import type { WhyAnswer } from "./why.ts";

/** What the cooling's controllers do is asked of as it is now: so old may a question be, ms. */
const NOW_MS = 2_000;

interface Asked {
  readonly host: Pick<ControlHost, "why">;
  /** Undefined: the site has no section `thermal`. */
  readonly thermal: Pick<ThermalHost, "why"> | undefined;
  readonly utcNow: () => number;
}

/**
 * Why an asset or a point is asked for what it is: of the batteries, of the last commands, and of
 * the cooling. Who drives the point has the first word.
 *
 * @param atUtc undefined: now
 */
export function whyOfAll(
  { host, thermal, utcNow }: Asked,
  asked: string,
  atUtc: number | undefined,
): readonly WhyAnswer[] {
  const ofHost = host.why(asked, atUtc);
  const ofCooling = thermal?.why(asked) ?? [];
  if (ofCooling.length === 0) return ofHost;
  const told = ofHost.filter(({ kind }) => kind !== "nothing");
  if (atUtc !== undefined && atUtc < utcNow() - NOW_MS)
    return told.length > 0 ? told : [{ kind: "nothing", reason: NOT_KEPT }];
  const cooling = ofCooling.map((why) => ({ kind: "cooling", why }) as const);
  const drives = ofCooling.some(({ mode }) => mode === "control");
  return drives ? [...cooling, ...told] : [...told, ...cooling];
}

const NOT_KEPT = "what drove the cooling at that time is not kept; `events` tells what it did";
