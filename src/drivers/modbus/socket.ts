import type { Socket } from "node:net";
import { GatewayError } from "../../domain/errors.ts";
import type { TimerWheel } from "../wheel.ts";

export const CONNECT_TIMEOUT_MS = 3_000;

export interface ConnectTerms {
  readonly facts: { readonly host: string; readonly port: number };
  readonly timeoutMs: number;
  readonly wheel: TimerWheel;
  readonly signal: AbortSignal;
}

/**
 * Resolves when `socket` is connected.
 * @throws GatewayError LINK_REFUSED when the peer or the network says no, LINK_TIMEOUT when nobody
 *   answers; the reason of `signal` when it aborts
 */
export async function connected(socket: Socket, terms: ConnectTerms): Promise<void> {
  const { facts, timeoutMs, wheel, signal } = terms;
  await new Promise<void>((resolve, reject) => {
    const settle = (settled: () => void) => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
      socket.off("connect", accept);
      socket.off("error", refuse);
      socket.off("close", end);
      // What the socket still says after this is nobody's business, but must not be uncaught.
      socket.on("error", ignore);
      settled();
    };
    const accept = () => {
      settle(resolve);
    };
    const refuse = (cause: Error) => {
      settle(() => {
        reject(new GatewayError("LINK_REFUSED", facts, { cause }));
      });
    };
    const end = () => {
      settle(() => {
        reject(new GatewayError("LINK_LOST", facts));
      });
    };
    const abort = () => {
      settle(() => {
        reject(signal.reason as Error);
      });
    };
    const timer = wheel.schedule(timeoutMs, () => {
      settle(() => {
        reject(new GatewayError("LINK_TIMEOUT", { ...facts, timeoutMs }));
      });
    });
    signal.addEventListener("abort", abort);
    socket.once("connect", accept);
    socket.once("error", refuse);
    socket.once("close", end);
  });
}

/** Resolves when a socket that is about to be destroyed has let go of its connection. */
export async function closedSocket(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once("close", () => {
      resolve();
    });
  });
}

function ignore(): void {
  // The link hears of a loss by `close` and by its own listener.
}
