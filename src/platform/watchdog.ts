import { openDatagramSocket, sendDatagram } from "../../native/libc.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";

/** Environment of a service, systemd.exec(5): NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. */
export type ServiceEnvironment = Readonly<Record<string, string | undefined>>;

/** Sends one message to the service manager; returns the name of the error if that failed. */
export type Notify = (message: string) => string | undefined;

/** Sent this many times as often as needed: one lost message does not end the process. */
const FEEDS_PER_INTERVAL = 4;

/**
 * Tells the service manager how the process is (sd_notify(3)). Does nothing without one. It has no
 * timer of its own: it is fed by finished work, and by nothing else.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #notify: Notify | undefined;
  readonly #feedEveryMs: number | undefined;
  #fedAt: MonotonicMs | undefined;
  readonly #onUnheard: (reason: string) => void;
  #isHeard = true;

  constructor(options: {
    readonly environment: ServiceEnvironment;
    readonly pid: number;
    readonly clock: Clock;
    /** Default: the datagram socket that the environment names. */
    readonly notify?: Notify;
    /** Told once, when the service manager did not get a message: it will end this process. */
    readonly onUnheard: (reason: string) => void;
  }) {
    const { environment, pid } = options;
    this.#clock = options.clock;
    this.#onUnheard = options.onUnheard;
    const address = environment["NOTIFY_SOCKET"];
    if (address === undefined || address === "") return;
    this.#notify = options.notify ?? notifier(address);
    const isForUs = [undefined, String(pid)].includes(environment["WATCHDOG_PID"]);
    const intervalMs = Number(environment["WATCHDOG_USEC"]) / 1000;
    if (isForUs && intervalMs > 0) this.#feedEveryMs = intervalMs / FEEDS_PER_INTERVAL;
  }

  /** Start-up is over. */
  ready(): void {
    this.#send("READY=1");
  }

  stopping(): void {
    this.#send("STOPPING=1");
  }

  /** The work this process is for was done once more. */
  feed(): void {
    if (this.#feedEveryMs === undefined) return;
    const now = this.#clock.now();
    if (this.#fedAt !== undefined && now - this.#fedAt < this.#feedEveryMs) return;
    this.#fedAt = now;
    this.#send("WATCHDOG=1");
  }

  #send(message: string): void {
    const reason = this.#notify?.(message);
    if (reason === undefined || !this.#isHeard) return;
    this.#isHeard = false;
    this.#onUnheard(reason);
  }
}

function notifier(address: string): Notify {
  const fd = openDatagramSocket();
  return (message) => sendDatagram(fd, address, message);
}
