import { assert } from "../domain/assert.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { DeviceDefinition, PointDefinition } from "../domain/point.ts";
import { qualityCode } from "../domain/quality.ts";
import type { Reading, Round } from "../domain/round.ts";
import type { Clock } from "../domain/time.ts";
import type { Driver } from "./driver.ts";
import { PointWatch } from "./point-watch.ts";

/** Named bounds of a supervisor; times in ms. */
export interface SupervisorLimits {
  /** Shortest and longest wait before a device is tried again. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** While a device is down its bad round is given again this often, for new subscribers. */
  readonly refreshMs: number;
  /**
   * Largest share of time that trying a silent device may take of a bus that it shares with
   * others; undefined: it has its own connection.
   */
  readonly busShare: number | undefined;
  /**
   * Values turn bad on time, but people are told only when the silence lasts this long: a poll that
   * was late once is no event.
   */
  readonly tellAfterMs: number;
  /** The site's word on how old values of the device may get; undefined: it says nothing. */
  readonly maxAgeMs: number | undefined;
}

export const SUPERVISOR_LIMITS: SupervisorLimits = {
  retryMinMs: 200,
  retryMaxMs: 10_000,
  refreshMs: 10_000,
  busShare: undefined,
  tellAfterMs: 500,
  maxAgeMs: undefined,
};

/** What every device of a process has in common. */
export interface SupervisorContext {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly emit: (round: Round) => void;
  readonly onEvent: (event: PlantEvent) => void;
}

export interface SupervisedDevice extends SupervisorContext {
  readonly driver: Driver;
  readonly device: DeviceDefinition;
  /** The device's points, in the order of the table. */
  readonly points: readonly PointDefinition[];
  readonly limits: SupervisorLimits;
}

const NO_COMMUNICATION = qualityCode("no-communication");
const CONFIGURATION = qualityCode("configuration");

/**
 * Keeps one device alive until `signal` aborts: runs its driver, numbers its rounds, marks its
 * points bad when it is silent, and tries again after a wait that grows.
 *
 * A point is bad/no-communication as soon as the driver fails, or when no reading of it came for
 * two of its periods or for its maximum age. Its source time is then when it was last good.
 */
export async function superviseDevice(
  options: SupervisedDevice,
  signal: AbortSignal,
): Promise<void> {
  const supervisor = new DeviceSupervisor(options);
  await supervisor.run(signal);
}

class DeviceSupervisor {
  readonly #options: SupervisedDevice;
  readonly #watch: PointWatch;
  #seq = 0;
  #waitMs: number;
  #isDown = false;
  /** Since when some point is silent although the driver runs. */
  #silentSince: number | undefined;

  constructor(options: SupervisedDevice) {
    this.#options = options;
    const { points, clock, limits } = options;
    this.#watch = new PointWatch(points, clock.now(), limits.maxAgeMs);
    this.#waitMs = options.limits.retryMinMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const watching = this.#watchSilence(stop.signal);
    try {
      while (!signal.aborted) await this.#attempt(signal);
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
    } finally {
      stop.abort();
      await watching;
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.driver.run((reading) => {
        this.#take(reading);
        return this.#seq;
      }, signal);
      assert(signal.aborted, "a driver ended without being told to");
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#fail(error);
      await this.#rest(this.#nextWaitMs(error), signal);
    }
  }

  /** Decorrelated jitter: devices that were lost together do not come back together. */
  #nextWaitMs(error: GatewayError): number {
    const { retryMinMs, retryMaxMs, busShare } = this.#options.limits;
    const span = this.#waitMs * 3 - retryMinMs;
    this.#waitMs = Math.min(retryMaxMs, retryMinMs + this.#options.random() * span);
    const heldMs = error.context["timeoutMs"];
    if (busShare === undefined || typeof heldMs !== "number") return this.#waitMs;
    // All others on the bus waited for this time-out.
    return Math.max(this.#waitMs, heldMs * (1 / busShare - 1));
  }

  async #rest(waitMs: number, signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    const endAt = clock.now() + waitMs;
    for (;;) {
      const leftMs = endAt - clock.now();
      if (leftMs <= 0) return;
      const untilRefreshMs = this.#watch.lastMarkedAt + limits.refreshMs - clock.now();
      await clock.sleep(Math.max(1, Math.min(leftMs, untilRefreshMs)), signal);
      if (clock.now() >= this.#watch.lastMarkedAt + limits.refreshMs) this.#refresh();
    }
  }

  #take(reading: Reading): void {
    if (reading.isHistory === true) {
      // It tells of the past: that the device lives is for others to say.
      this.#give(reading, reading.sourceTimes);
      return;
    }
    this.#give(reading, this.#watch.note(reading));
    if (this.#watch.silentCount > 0) return;
    this.#silentSince = undefined;
    this.#waitMs = this.#options.limits.retryMinMs;
    if (this.#isDown) this.#report("cleared", "answers again");
    this.#isDown = false;
  }

  #fail(error: GatewayError): void {
    const quality = error.code === "DEVICE_MISMATCH" ? CONFIGURATION : NO_COMMUNICATION;
    const { clock } = this.#options;
    this.#giveMarks(this.#watch.markAll(quality, clock.now(), clock.utcNow()));
    if (!this.#isDown) this.#report("raised", `is lost: ${error.message}`);
    this.#isDown = true;
  }

  #refresh(): void {
    const { clock } = this.#options;
    this.#giveMarks(this.#watch.repeatMarks(clock.now(), clock.utcNow()));
  }

  /** Points go bad on time although the driver has not noticed anything. */
  async #watchSilence(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      while (!signal.aborted) {
        const waitMs = Math.min(this.#watch.nextDeadline(), this.#tellAt()) - clock.now();
        await clock.sleep(Math.max(1, Math.min(waitMs, WATCH_MAX_MS)), signal);
        const silent = this.#watch.markSilent(NO_COMMUNICATION, clock.now(), clock.utcNow());
        if (silent !== undefined) {
          this.#giveMarks(silent);
          this.#silentSince ??= clock.now();
        }
        if (clock.now() < this.#tellAt()) continue;
        this.#report("raised", "gives no values in time");
        this.#isDown = true;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** When people are told of a silence that lasts until then. */
  #tellAt(): number {
    if (this.#isDown || this.#silentSince === undefined) return Infinity;
    return this.#silentSince + this.#options.limits.tellAfterMs;
  }

  #giveMarks(reading: Reading): void {
    if (reading.points.length > 0) this.#give(reading, reading.sourceTimes);
  }

  #give(reading: Reading, sourceTimes: Float64Array | undefined): void {
    this.#seq += 1;
    const { device, emit } = this.#options;
    const { points, values, quality, texts, receivedAt, receivedUtc } = reading;
    const { stream } = device;
    const seq = this.#seq;
    const round = { stream, seq, points, values, quality, sourceTimes, texts };
    const { isHistory } = reading;
    emit({ ...round, receivedAt, receivedUtc, ...(isHistory === true ? { isHistory } : {}) });
  }

  #report(phase: "raised" | "cleared", what: string): void {
    const { device, onEvent, clock } = this.#options;
    onEvent({
      id: "no-communication",
      severity: phase === "raised" ? "warning" : "info",
      phase,
      device: device.id,
      point: undefined,
      text: `${device.id} ${what}`,
      at: clock.utcNow(),
    });
  }
}

/** So that a deadline that moved is never slept over for long. */
const WATCH_MAX_MS = 60_000;
