import { GatewayError } from "../../domain/errors.ts";
import type { PointIndex } from "../../domain/point.ts";
import type { Reading } from "../../domain/round.ts";
import type { Clock } from "../../domain/time.ts";
import type { Driver } from "../../drivers/driver.ts";
import { PointImage } from "../../points/image.ts";

export interface DeviceRunOptions {
  readonly driver: Driver;
  /** Points of the site's table. */
  readonly pointCount: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears of every reading after the image has it. */
  readonly onReading?: (reading: Reading) => void;
}

/** One connection to a device for a command: it begins at once, and ends with `stop`. */
export class DeviceRun {
  readonly image: PointImage;
  readonly driver: Driver;
  /** Resolves when the run is over, with what ended it; undefined when it was told to. */
  readonly ended: Promise<GatewayError | undefined>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #seen = new Set<number>();
  #wake: () => void = () => undefined;

  constructor({ driver, pointCount, clock, signal, onReading }: DeviceRunOptions) {
    this.driver = driver;
    this.image = new PointImage(pointCount);
    this.#clock = clock;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    const emit = (reading: Reading): number => {
      if (reading.isHistory === true) return 0;
      this.image.post(reading);
      this.image.take();
      for (const point of reading.points) this.#seen.add(point);
      onReading?.(reading);
      this.#wake();
      return 0;
    };
    this.ended = driver.run(emit, this.#signal).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof GatewayError) return error;
        throw error;
      },
    );
  }

  /**
   * Waits until each of the points was read once.
   *
   * @returns false when `timeoutMs` passed before
   * @throws GatewayError that ended the run; the reason of the signal
   */
  async untilRead(points: readonly PointIndex[], timeoutMs: number): Promise<boolean> {
    const late = new AbortController();
    const timer = this.#clock
      .sleep(timeoutMs, AbortSignal.any([late.signal, this.#signal]))
      .catch(() => undefined)
      .then(() => "late" as const);
    try {
      for (;;) {
        if (points.every((point) => this.#seen.has(point))) return true;
        const read = new Promise<"read">((resolve) => {
          this.#wake = () => {
            resolve("read");
          };
        });
        const next = await Promise.race([read, timer, this.ended]);
        this.#signal.throwIfAborted();
        if (next === "late") return false;
        if (next !== "read") throw next ?? new GatewayError("LINK_LOST");
      }
    } finally {
      late.abort();
    }
  }

  /** Disconnects. Resolves when every resource is released. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}
