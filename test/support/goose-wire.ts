import { runGoose } from "../../src/app/goose-process.ts";
import type { GooseSubscription } from "../../src/app/goose-settings.ts";
import type { Clock } from "../../src/domain/time.ts";
import { createLogger } from "../../src/platform/log.ts";
import { encodeGooseFrame } from "../../src/wire/goose/codec.ts";
import { FRAME, PDU } from "../wire/goose/frames.ts";
import { SUBSCRIPTION } from "./goose-subscription.ts";

/** A publisher of one value, `true` while it demands the safe state. */
export const ONE_VALUE: GooseSubscription = {
  ...SUBSCRIPTION,
  values: 1,
  safeWhen: [{ index: 0, name: "trip", when: true }],
};

/** A frame of that publisher, believed for a minute. */
export function oneValueFrame(state: number, isDemanded: boolean): Uint8Array {
  const values = [{ kind: "boolean", value: isDemanded } as const];
  const time = { ...PDU.time, utcMs: PDU.time.utcMs + state };
  const pdu = { ...PDU, state, sequence: 0, time, values, timeAllowedToLiveMs: 60_000 };
  return encodeGooseFrame({ ...FRAME, pdu });
}

/** gateway-goose itself on an interface whose frames come from the test, by `send`. */
export async function gooseProcess(
  { socket, clock }: { readonly socket: string; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{
  readonly send: (bytes: Uint8Array) => void;
  readonly finished: Promise<void>;
}> {
  let heard!: (take: (bytes: Uint8Array) => void) => void;
  const wire = new Promise<(bytes: Uint8Array) => void>((resolve) => {
    heard = resolve;
  });
  const finished = runGoose(
    {
      settings: { interfaceName: "lo", socket, subscriptions: [ONE_VALUE] },
      clock,
      log: createLogger("goose", "silent"),
      random: () => 0,
      onReady: () => undefined,
      onTurn: () => undefined,
      hear: async (_terms, ended, take) => {
        heard(take);
        await new Promise((resolve) => {
          ended.addEventListener("abort", resolve);
        });
      },
    },
    signal,
  );
  return { send: await wire, finished };
}
