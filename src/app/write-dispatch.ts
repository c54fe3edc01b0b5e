import type { ControlWrite, CyclicReport, WriteReport } from "../control/exchange.ts";
import { GatewayError } from "../domain/errors.ts";
import type { StreamId } from "../domain/point.ts";
import type { Clock } from "../domain/time.ts";
import type { Setpoint } from "../domain/write.ts";
import { RequestClient } from "../link/request-client.ts";
import { socketPath } from "../link/socket-paths.ts";
import type { WritingDriver } from "./device-writer.ts";
import type { SiteContext } from "./site-context.ts";
import { lostReport, writeReport } from "./write-report.ts";

/** Longest wait for field to tell what became of an order, ms: a device with a slow read-back. */
const ORDER_TIMEOUT_MS = 60_000;

export interface WriteDispatchParts {
  readonly context: Pick<SiteContext, "runtimeDirectory" | "table">;
  readonly south: { driver(stream: StreamId): WritingDriver | undefined };
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

interface DeviceQueue {
  isBusy: boolean;
  /** Newest write by point: what a slow device did not get to is replaced, never piled up. */
  readonly waiting: Map<number, ControlWrite>;
}

/**
 * Sends what control decided to the driver of the device, in this process or in field. Of one
 * device one batch is under way; of what waits meanwhile the newest value of each point goes next.
 */
export class WriteDispatch {
  readonly #parts: WriteDispatchParts;
  readonly #orders: RequestClient;
  readonly #queues = new Map<StreamId, DeviceQueue>();
  /** Devices whose order to be let go is on its way to field. */
  readonly #isLettingGo = new Set<string>();
  #replaced = 0;

  constructor(parts: WriteDispatchParts) {
    this.#parts = parts;
    const { context, clock, random, signal } = parts;
    this.#orders = new RequestClient({
      socketPath: socketPath(context.runtimeDirectory, "field/orders"),
      clock,
      random,
      timeoutMs: ORDER_TIMEOUT_MS,
    });
    // An open connection would keep the process from ending.
    signal.addEventListener(
      "abort",
      () => {
        this.#orders.close();
      },
      { once: true },
    );
  }

  /** Writes that a newer one of the same point replaced before they left. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Cyclic writes; their outcomes come one by one, in no order between devices. */
  send(writes: readonly ControlWrite[], onReport: (report: CyclicReport) => void): void {
    for (const write of writes) {
      const queue = this.#queueOf(write.stream);
      // Taken out first: a newer write goes behind what waits, in the order of its own cycle.
      if (queue.waiting.delete(write.point)) this.#replaced += 1;
      queue.waiting.set(write.point, write);
    }
    for (const stream of new Set(writes.map((write) => write.stream)))
      void this.#drain(stream, onReport);
  }

  /** One write of the direct lane, at once. */
  async sendDirect(stream: StreamId, setpoint: Setpoint): Promise<WriteReport> {
    const [report] = await this.#write(stream, [setpoint]);
    return report ?? lostReport(setpoint, "no-answer");
  }

  /**
   * Nothing goes to a device any more: what waits for it is dropped, and what keeps its setpoints
   * alive ends. To be said again and again: an order to field may be lost.
   */
  letGo(device: string): void {
    const { south, context, signal } = this.#parts;
    const stream = context.table.devices.find(({ id }) => id === device)?.stream;
    if (stream === undefined) return;
    this.#queues.get(stream)?.waiting.clear();
    const driver = south.driver(stream);
    if (driver !== undefined) {
      driver.letGo();
      return;
    }
    if (this.#isLettingGo.has(device)) return;
    this.#isLettingGo.add(device);
    void this.#orders
      .request("let-go", { device }, signal)
      .catch((error: unknown) => {
        if (!(error instanceof GatewayError || signal.aborted)) throw error;
      })
      .finally(() => this.#isLettingGo.delete(device));
  }

  #queueOf(stream: StreamId): DeviceQueue {
    let queue = this.#queues.get(stream);
    if (queue === undefined) {
      queue = { isBusy: false, waiting: new Map() };
      this.#queues.set(stream, queue);
    }
    return queue;
  }

  async #drain(stream: StreamId, onReport: (report: CyclicReport) => void): Promise<void> {
    const queue = this.#queueOf(stream);
    if (queue.isBusy) return;
    queue.isBusy = true;
    try {
      while (queue.waiting.size > 0) {
        const batch = [...queue.waiting.values()];
        queue.waiting.clear();
        const reports = await this.#write(stream, batch);
        for (const [at, { sentAt }] of batch.entries()) {
          const report = reports[at];
          if (report !== undefined) onReport({ ...report, sentAt });
        }
      }
    } finally {
      queue.isBusy = false;
    }
  }

  async #write(stream: StreamId, setpoints: readonly Setpoint[]): Promise<readonly WriteReport[]> {
    const { south, context, signal } = this.#parts;
    const driver = south.driver(stream);
    if (driver !== undefined) {
      const outcomes = await driver.write(setpoints, signal);
      return outcomes.map((outcome, at) => writeReport(setpoints[at], outcome));
    }
    const device = context.table.devices[stream]?.id ?? "";
    const order = setpoints.map(({ point, value, confirm }) => ({ point, value, confirm }));
    try {
      const answer = await this.#orders.request("write", { device, setpoints: order }, signal);
      return answer as readonly WriteReport[];
    } catch (error) {
      return setpoints.map((setpoint) => failed(setpoint, error));
    }
  }
}

/** An order that never left is refused; of one that may have left nobody knows. */
function failed(setpoint: Setpoint, error: unknown): WriteReport {
  if (!(error instanceof GatewayError)) return lostReport(setpoint, "stopped");
  const report = lostReport(setpoint, error.code);
  const wasSent = error.code === "REQUEST_TIMEOUT" || error.context["sent"] === true;
  return wasSent ? report : { ...report, result: "refused" };
}
