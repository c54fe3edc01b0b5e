import type { UtcMs } from "../domain/time.ts";
import { documentHead, encodeDocument, type Speaker } from "./document.ts";
import { DIALECTS } from "./model.ts";

export type GatewayState = "online" | "degraded" | "offline";

export interface StatusFacts {
  readonly state: GatewayState;
  /** Changes with every start of the gateway. */
  readonly bootId: string;
  readonly version: string;
  readonly clock: {
    readonly isSynchronized: boolean;
    /** Against its source, ms; undefined when not known. */
    readonly offsetMs: number | undefined;
  };
  /** Why it is degraded, as kebab-case words: `control-gone`, `store-full`. */
  readonly reasons: readonly string[];
}

/** The retained document of topic `status`; with state `offline` it is also the will. */
export function statusDocument(speaker: Speaker, facts: StatusFacts, at: UtcMs): Uint8Array {
  const { clock } = facts;
  return encodeDocument({
    ...documentHead(speaker, "status", at, `status-${facts.bootId}`),
    status: facts.state,
    boot_id: facts.bootId,
    gateway_version: facts.version,
    dialects: DIALECTS,
    clock: { synchronized: clock.isSynchronized, offset_ms: clock.offsetMs ?? null },
    reasons: facts.reasons,
  });
}
