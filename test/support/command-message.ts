import type { Clock } from "../../src/domain/time.ts";
import type { CommandMessage } from "../../src/northbound/command-gate.ts";

/** A plain message, as the broker hands it over now. */
export function commandMessage(clock: Clock, topic: string, body: object): CommandMessage {
  return {
    topic,
    payload: new TextEncoder().encode(JSON.stringify(body)),
    retained: false,
    correlation: undefined,
    responseTopic: undefined,
    contentType: undefined,
    properties: new Map(),
    hasRepeatedProperty: false,
    receivedAt: clock.now(),
    receivedUtc: clock.utcNow(),
  };
}
