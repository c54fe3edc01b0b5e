import { cycle, laneOf, statusOf, stepsOf } from "../control/cycle.ts";
import { DirectLane, type DirectSight, type DirectWrite } from "../control/direct-lane.ts";
import { compileEnvelope } from "../control/envelope.ts";
import type {
  ControlStatus,
  CycleResult,
  Distrust,
  LocalOrder,
  OrderAnswer,
  WriteReport,
} from "../control/exchange.ts";
import type { ControlPlan } from "../control/plan.ts";
import { type ControlState, createControl, latchState } from "../control/state.ts";
import { parseLatchRecord } from "../control/trips.ts";
import { ownedPoints } from "../control/units.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import type { PlantEvent } from "../domain/event.ts";
import { GatewayError } from "../domain/errors.ts";
import { type PointTable, streamId } from "../domain/point.ts";
import { GOOD } from "../domain/quality.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";
import type { PointImage } from "../points/image.ts";
import type { QualityOverrides } from "../points/quality-overrides.ts";
import type { LatchFiles, LatchRecord } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";
import type { WriteDispatch } from "./write-dispatch.ts";

/** Commands that wait for the next cycle; one more is refused. */
const COMMANDS_WAITING_MAX = 64;

export interface ControlHostParts {
  /** Undefined: no control section in the site file; only the direct lane works. */
  readonly plan: ControlPlan | undefined;
  readonly clock: Clock;
  readonly image: PointImage;
  readonly dispatch: WriteDispatch;
  readonly overrides: QualityOverrides;
  readonly latches: LatchFiles;
  readonly latchRecord: LatchRecord;
  readonly table: PointTable;
  readonly onEvent: (event: PlantEvent) => void;
  readonly onStep: (step: CommandStep) => void;
  readonly log: Logger;
}

interface WaitingOrder {
  readonly order: LocalOrder;
  readonly resolve: (answer: OrderAnswer) => void;
}

/** Gives the pure core what it needs in each cycle, and carries out what it says. */
export class ControlHost {
  readonly #parts: ControlHostParts;
  readonly #state: ControlState | undefined;
  readonly #direct: DirectLane;
  #commands: Command[] = [];
  #reports: WriteReport[] = [];
  #orders: WaitingOrder[] = [];
  #distrusted: readonly Distrust[] = [];
  #status: ControlStatus | undefined;
  #savedRevision = 0;

  constructor(parts: ControlHostParts) {
    this.#parts = parts;
    const { plan, clock, latchRecord } = parts;
    this.#state =
      plan === undefined
        ? undefined
        : createControl(plan, { now: clock.now(), latches: latchesOf(latchRecord) });
    this.#direct = new DirectLane(
      this.#state?.envelope ?? compileEnvelope([], []),
      plan === undefined ? new Set() : ownedPoints(plan),
    );
  }

  /** One cycle: called at its deadline, never late because of anything in here that waits. */
  cycle(now: MonotonicMs): void {
    const { clock, image, dispatch } = this.#parts;
    image.take(now);
    if (this.#state === undefined) return;
    const commands = this.#commands;
    const outcomes = this.#reports;
    const waiting = this.#orders;
    this.#commands = [];
    this.#reports = [];
    this.#orders = [];
    const result = cycle(this.#state, {
      now,
      utc: clock.utcNow(),
      view: image.view,
      commands,
      orders: waiting.map(({ order }) => order),
      outcomes,
    });
    if (result.writes.length > 0) dispatch.send(result.writes, this.#onReport);
    this.#tell(result, waiting);
  }

  /**
   * Takes a verified command: for the next cycle, or at once where no controller stands in front.
   *
   * @throws GatewayError REQUEST_REFUSED when too many wait
   */
  take(command: Command): void {
    if (this.#state !== undefined && laneOf(this.#state, command) === "cyclic") {
      if (this.#commands.length >= COMMANDS_WAITING_MAX)
        throw new GatewayError("REQUEST_REFUSED", { reason: "too many commands wait" });
      this.#commands.push(command);
      return;
    }
    const verdict = this.#direct.judge(command, this.#sight());
    this.#tellSteps(verdict.steps);
    if (verdict.kind === "write") void this.#writeDirect(verdict.write);
  }

  /** A local order is answered by the next cycle. */
  async order(order: LocalOrder): Promise<OrderAnswer> {
    if (this.#state === undefined)
      return { order, result: "refused", reason: "no-control-section" };
    return new Promise((resolve) => {
      this.#orders.push({ order, resolve });
    });
  }

  status(): object {
    if (this.#state === undefined) return { control: null };
    return { control: statusOf(this.#state), replacedWrites: this.#parts.dispatch.replaced };
  }

  /** For the gateway's own points. */
  figures(): {
    readonly "gateway-mode": number;
    readonly "x-battery-setpoint": number;
    readonly "x-site-load": number;
    readonly "x-leases": number;
    readonly "x-trips": number;
  } {
    const modes = ENUM_TEXTS.get("gateway-mode") ?? [];
    const status = this.#status;
    const isBlind = status?.source === "none";
    return {
      "gateway-mode": modes.indexOf(isBlind ? "fail-safe" : "normal"),
      "x-battery-setpoint": status?.totalW ?? 0,
      "x-site-load": status?.loadW ?? 0,
      "x-leases": status?.leases.length ?? 0,
      "x-trips": status?.trips.length ?? 0,
    };
  }

  readonly #onReport = (report: WriteReport): void => {
    this.#reports.push(report);
    if (this.#state !== undefined)
      this.#tellSteps(stepsOf(this.#state, report, this.#parts.clock.utcNow()));
  };

  #tell(result: CycleResult, waiting: readonly WaitingOrder[]): void {
    this.#status = result.status;
    for (const event of result.events) this.#parts.onEvent(event);
    this.#tellSteps(result.steps);
    for (const [at, { order, resolve }] of waiting.entries())
      resolve(result.answers[at] ?? { order, result: "refused", reason: "not-answered" });
    this.#distrust(result.distrusted);
    this.#saveLatches(result.status.latchRevision);
  }

  #tellSteps(steps: readonly CommandStep[]): void {
    for (const step of steps) this.#parts.onStep(step);
  }

  #distrust(distrusted: readonly Distrust[]): void {
    const { overrides } = this.#parts;
    if (distrusted.length === 0 && this.#distrusted.length === 0) return;
    for (const { point } of this.#distrusted) overrides.set(point, GOOD);
    for (const { point, quality } of distrusted) overrides.set(point, quality);
    this.#distrusted = distrusted;
  }

  /** The trip has acted by now; the file is for the next start. */
  #saveLatches(revision: number): void {
    if (this.#state === undefined || revision === this.#savedRevision) return;
    this.#savedRevision = revision;
    const { latches, log } = this.#parts;
    latches.save(JSON.stringify(latchState(this.#state))).catch((error: unknown) => {
      log.error({ event: "latches-not-saved", error }, "trips could not be saved");
    });
  }

  async #writeDirect(write: DirectWrite): Promise<void> {
    const { dispatch, table, clock } = this.#parts;
    const device = table.devices.find(
      ({ id }) => id === table.points[write.setpoint.point]?.device,
    );
    const stream = device?.stream ?? streamId(0);
    const report = await dispatch.sendDirect(stream, write.setpoint);
    this.#tellSteps(this.#direct.outcomeSteps(write, report, clock.utcNow()));
    if (!wasTaken(report) || write.entry.effect === undefined) return;
    await clock.sleep(write.entry.settleMs);
    this.#tellSteps(this.#direct.effectSteps(write, this.#sight()));
  }

  #sight(): DirectSight {
    const { image, clock } = this.#parts;
    return { view: image.view, now: clock.now(), utc: clock.utcNow() };
  }
}

/**
 * Whether an effect is to be expected: the write was not refused and its read-back does not differ.
 */
function wasTaken(report: WriteReport): boolean {
  const readBack = report.readBack?.result;
  if (report.result === "refused" || readBack === "differs") return false;
  return report.result === "accepted" || readBack === "applied";
}

function latchesOf(record: LatchRecord): ReturnType<typeof parseLatchRecord> | undefined {
  if (record.state === "absent") return undefined;
  if (record.state === "unreadable") return "unreadable";
  try {
    return parseLatchRecord(JSON.parse(record.content));
  } catch {
    return "unreadable";
  }
}
