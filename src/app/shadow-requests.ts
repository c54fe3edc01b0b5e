import { GatewayError } from "../domain/errors.ts";
import type { ShadowOrder } from "./shadow-host.ts";

const NAME_MAX_CHARACTERS = 200;

/**
 * What a person at the box asks of the shadow, as it comes over the socket.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseShadowOrder(params: unknown): ShadowOrder {
  const fields = (params ?? {}) as Readonly<Record<string, unknown>>;
  const { kind, by, forMs } = fields;
  if (kind === "report") return { kind };
  if (typeof by !== "string" || by.length > NAME_MAX_CHARACTERS)
    throw new GatewayError("REQUEST_REFUSED", { reason: "by is a name" });
  if (kind === "disarm") return { kind, by };
  if (kind !== "arm" || typeof forMs !== "number" || !Number.isFinite(forMs))
    throw new GatewayError("REQUEST_REFUSED", { reason: "arm, with a time, disarm or report" });
  return { kind, by, forMs };
}
