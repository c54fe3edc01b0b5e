import { authorityRefusal, fullAuthority } from "../control/authority/authority.ts";
import { cycle, isLetGo, laneOf, statusOf, stepsOf } from "../control/cycle.ts";
import { DirectLane, type DirectSight, type DirectWrite } from "../control/direct-lane.ts";
import { compileEnvelope, type Envelope } from "../control/envelope.ts";
import type {
  CycleInputs,
  CyclicReport,
  CycleResult,
  Distrust,
  LatchedTrip,
  LocalOrder,
  OrderAnswer,
  WriteReport,
} from "../control/exchange.ts";
import type { ControlPlan } from "../control/plan.ts";
import { TraceMemory } from "../control/trace-memory.ts";
import { refusedWorkload } from "../control/workloads.ts";
import { gatewayDeviceId } from "../config/point-table.ts";
import { type ControlState, createControl, latchState } from "../control/state.ts";
import { parseLatchRecord } from "../control/trip-record.ts";
import { ownedPoints } from "../control/units.ts";
import type { WorkloadAnswer, WorkloadNotice, WorkloadRefusal } from "../domain/announcement.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import { GatewayError } from "../domain/errors.ts";
import { type PointTable, streamId } from "../domain/point.ts";
import { GOOD } from "../domain/quality.ts";
import { type Clock, type MonotonicMs, isAborted } from "../domain/time.ts";
import type { PointImage } from "../points/image.ts";
import type { QualityOverrides } from "../points/quality-overrides.ts";
import type { LatchFiles, LatchRecord } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";
import { type ControlFigures, controlFigures } from "./control-figures.ts";
import type { DailyDesk } from "./daily.ts";
import type { FlightRecorder } from "./flight-recorder.ts";
import type { GooseWatch } from "./goose-watch.ts";
import { LatchKeeper } from "./latch-keeper.ts";
import { LockoutWatch } from "./lockout-watch.ts";
import { savedLatches } from "./saved-latches.ts";
import { type ShadowAnswer, ShadowHost, type ShadowOrder } from "./shadow-host.ts";
import { type Desk, SmoothingDesk } from "./smoothing-desk.ts";
import { type WhyAnswer, whyOf } from "./why.ts";
import { WhyMemory } from "./why-memory.ts";
import type { WriteDispatch } from "./write-dispatch.ts";

/** Commands and local orders that wait for the next cycle; one more is refused. */
const COMMANDS_WAITING_MAX = 64;
const ORDERS_WAITING_MAX = 16;
/** Notices of workloads that wait for the next cycle; one more is refused. */
export const NOTICES_WAITING_MAX = 64;
/** Answers of drivers that wait for the next cycle; beyond it the oldest is dropped and counted. */
const REPORTS_WAITING_MAX = 1_024;
/** A wall clock that is off by more has been set; what is less does not matter to an hour. */
const CLOCK_STEP_MS = 60_000;
/** Writes of the direct lane whose end is not yet told; one more is refused. */
const DIRECT_WRITES_MAX = 64;

export interface ControlHostParts {
  /** Undefined: no control section in the site file; only the direct lane works. */
  readonly plan: ControlPlan | undefined;
  readonly clock: Clock;
  readonly image: PointImage;
  readonly dispatch: Pick<WriteDispatch, "send" | "sendDirect" | "letGo" | "replaced">;
  readonly overrides: QualityOverrides;
  readonly latches: Pick<LatchFiles, "save">;
  readonly latchRecord: LatchRecord;
  readonly table: PointTable;
  readonly onEvent: (event: PlantEvent) => void;
  readonly onStep: (step: CommandStep) => void;
  readonly log: Logger;
  /** Records every cycle; undefined: nobody does. */
  readonly recorder?: FlightRecorder | undefined;
  /** Adds up the day; undefined: nobody does. */
  readonly daily?: Pick<DailyDesk, "observe"> | undefined;
  /** What GOOSE demands, for the cycle that begins; undefined where the site hears none. */
  readonly goose?: Pick<GooseWatch, "reading">;
  /** For smoothing; undefined: its predictions are never fitted. */
  readonly desk?: Desk;
  /** Other settings that run beside, and write where both the box and a command say so. */
  readonly shadowPlan?: ControlPlan;
  /** Why the plant's own controllers do not let a command through; undefined: nothing is asked. */
  readonly refusalOf?: (command: Command) => string | undefined;
  /** Ends whatever waits. */
  readonly signal: AbortSignal;
}

/** Something to tell, with whether the latches that it claims are on the disk. */
type Tell = (isSaved: boolean) => void;

interface WaitingOrder {
  readonly order: LocalOrder;
  readonly resolve: (answer: OrderAnswer) => void;
}

interface WaitingNotice {
  readonly notice: WorkloadNotice;
  readonly resolve: (answer: WorkloadAnswer) => void;
}

/** Gives the pure core what it needs in each cycle, and carries out what it says. */
export class ControlHost {
  readonly #parts: ControlHostParts;
  #state: ControlState | undefined;
  readonly #shadow: ShadowHost | undefined;
  /** Of the last cycle; its view is the image's until the next one. */
  #inputs: CycleInputs | undefined;
  readonly #envelope: Envelope;
  readonly #direct: DirectLane;
  readonly #traces: TraceMemory | undefined;
  readonly #memory = new WhyMemory();
  #commands: Command[] = [];
  #reports: CyclicReport[] = [];
  #orders: WaitingOrder[] = [];
  #distrusted: readonly Distrust[] = [];
  readonly #latches: LatchKeeper;
  readonly #lockouts: LockoutWatch;
  readonly #beside: SmoothingDesk | undefined;
  #notices: WaitingNotice[] = [];
  #directWrites = 0;
  #isStopping = false;
  #droppedReports = 0;
  #refusedNotices = 0;
  /** Of UTC to monotonic time, as the record of the latches was written with. */
  #offsetMs: number;
  #clockSteps = 0;

  constructor(parts: ControlHostParts) {
    this.#parts = parts;
    const { plan, clock, latchRecord } = parts;
    this.#offsetMs = clock.utcNow() - clock.now();
    this.#beside = parts.desk === undefined ? undefined : new SmoothingDesk(parts.desk);
    this.#lockouts = new LockoutWatch(parts.dispatch);
    this.#latches = new LatchKeeper({ ...parts, device: gatewayDeviceId("control") });
    this.#state =
      plan === undefined
        ? undefined
        : createControl(plan, {
            now: clock.now(),
            utc: clock.utcNow(),
            latches: savedLatches(latchRecord, parseLatchRecord),
          });
    this.#traces = this.#state === undefined ? undefined : new TraceMemory(this.#state);
    this.#shadow = shadowOf(parts);
    this.#envelope = this.#state?.envelope ?? compileEnvelope([]);
    this.#direct = new DirectLane(
      this.#envelope,
      plan === undefined ? new Set() : ownedPoints(plan),
      this.#state?.authority ?? fullAuthority(),
    );
  }

  /** One cycle: called at its deadline, never late because of anything in here that waits. */
  cycle(now: MonotonicMs): void {
    const { clock, image, dispatch, goose, recorder } = this.#parts;
    if (goose !== undefined) image.post(goose.reading(now));
    image.take(now);
    if (this.#state === undefined) return;
    const commands = this.#commands;
    const outcomes = this.#reports;
    const waiting = this.#orders;
    this.#commands = [];
    this.#reports = [];
    this.#orders = [];
    const notices = this.#notices;
    this.#notices = [];
    const inputs: CycleInputs = {
      now,
      utc: clock.utcNow(),
      view: image.view,
      commands,
      orders: waiting.map(({ order }) => order),
      outcomes,
      news: this.#beside?.take(),
      workloads: notices.map(({ notice }) => notice),
      isStopping: this.#isStopping,
    };
    recorder?.before(this.#state, inputs, image.taken);
    const result = cycle(this.#state, inputs);
    this.#inputs = inputs;
    if (result.writes.length > 0) dispatch.send(result.writes, this.#onReport);
    this.#lockouts.look(this.#state.authority, now);
    this.#keep(inputs, result);
    this.#tell(inputs, result, waiting);
    for (const [at, { notice, resolve }] of notices.entries())
      resolve(result.workloads[at] ?? refusedWorkload(notice.workload, "too-late"));
    if (this.#state.smoothing !== undefined) this.#beside?.after(this.#state.smoothing, now);
  }

  /** Behind a cycle: what only looks on takes of the time that is left. */
  afterCycle(): void {
    if (this.#shadow === undefined || this.#state === undefined) return;
    if (this.#inputs !== undefined)
      this.#state = this.#shadow.afterCycle(this.#state, this.#inputs);
    this.#inputs = undefined;
  }

  /** What a person at the box asks of the shadow. */
  shadow(order: ShadowOrder): ShadowAnswer {
    if (this.#shadow !== undefined) return this.#shadow.order(order);
    const nothing = { isWriting: undefined, allowedMs: 0, allowedBy: undefined, report: undefined };
    return { result: "refused", reason: "no-shadow", ...nothing };
  }

  /** Behind the writes of a cycle: nothing of it makes a setpoint later. */
  #keep(inputs: CycleInputs, result: CycleResult): void {
    const state = this.#state;
    if (state === undefined) return;
    const { recorder, daily } = this.#parts;
    const trace = this.#traces?.keep(state, inputs.view);
    if (trace !== undefined) recorder?.after(state, inputs, { result, trace });
    daily?.observe(state, inputs, result);
  }

  /** A workload says what it is about to draw; answered by the next cycle. */
  async announce(notice: WorkloadNotice): Promise<WorkloadAnswer> {
    const refused = this.#refusalOf();
    if (refused !== undefined) {
      this.#refusedNotices += 1;
      return refusedWorkload(notice.workload, refused);
    }
    return new Promise((resolve) => {
      this.#notices.push({ notice, resolve });
    });
  }

  #refusalOf(): WorkloadRefusal | undefined {
    if (this.#state?.smoothing === undefined) return "not-smoothed";
    if (this.#isStopping) return "control-ends";
    return this.#notices.length >= NOTICES_WAITING_MAX ? "too-many-announcements" : undefined;
  }

  /** From now on the batteries ramp to 0 W, and nothing new is taken. */
  stop(): void {
    this.#isStopping = true;
  }

  /** The one that every write of this process passes. */
  get envelope(): Envelope {
    return this.#envelope;
  }

  /** Trips that are latched, the first of them first. */
  get trips(): readonly LatchedTrip[] {
    return this.#state?.trips.latched ?? [];
  }

  /** True when no battery is left with a power that this process has asked of it. */
  get isLetGo(): boolean {
    return this.#state === undefined || isLetGo(this.#state);
  }

  /**
   * Takes a verified command: for the next cycle, or at once where no controller stands in front.
   *
   * @throws GatewayError REQUEST_REFUSED when too many wait, or when the process ends
   */
  take(command: Command): void {
    if (this.#isStopping)
      throw new GatewayError("REQUEST_REFUSED", { reason: "control is about to end" });
    this.#memory.command(command);
    if (this.#state !== undefined && this.#shadow !== undefined && isForShadow(command)) {
      this.#shadow.take(command, this.#state);
      return;
    }
    if (this.#state !== undefined && laneOf(this.#state, command) === "cyclic") {
      if (this.#commands.length >= COMMANDS_WAITING_MAX)
        throw new GatewayError("REQUEST_REFUSED", { reason: "too many commands wait" });
      this.#commands.push(command);
      return;
    }
    if (this.#directWrites >= DIRECT_WRITES_MAX)
      throw new GatewayError("REQUEST_REFUSED", { reason: "too many writes are under way" });
    this.#parts.recorder?.direct(command);
    const verdict = this.#direct.judge(command, this.#sight());
    this.#tellDirect(verdict.steps);
    if (verdict.kind === "write") void this.#writeDirect(verdict.write);
  }

  /**
   * A local order is answered by the next cycle, and when what it changed is on the disk; `done`
   * with the reason `not-saved` when the disk does not take it.
   */
  async order(order: LocalOrder): Promise<OrderAnswer> {
    if (this.#state === undefined)
      return { order, result: "refused", reason: "no-control-section" };
    if (this.#orders.length >= ORDERS_WAITING_MAX)
      return { order, result: "refused", reason: "too-many-orders" };
    return new Promise((resolve) => {
      this.#orders.push({ order, resolve });
    });
  }

  /** True for an asset that a person holds or has locked out, or that another one writes to. */
  isLeftAlone(asset: string): boolean {
    if (this.#state === undefined) return false;
    const refusal = authorityRefusal(this.#state.authority, asset);
    return refusal !== undefined && refusal !== "local-mode";
  }

  status(): object {
    if (this.#state === undefined) return { control: null };
    const { clock } = this.#parts;
    return {
      control: statusOf(this.#state),
      // Times of the status are of the process's own clock: who asks compares them with this one.
      now: clock.now(),
      utc: clock.utcNow(),
      replacedWrites: this.#parts.dispatch.replaced,
      droppedReports: this.#droppedReports,
      refusedNotices: this.#refusedNotices,
      recorder: this.#parts.recorder?.figures ?? null,
    };
  }

  /**
   * Why an asset or a point is asked for what it is, see `whyOf`.
   *
   * @param atUtc of the last seconds; undefined: now
   */
  why(asked: string, atUtc?: number): readonly WhyAnswer[] {
    const state = this.#state;
    const traces = this.#traces;
    if (state === undefined || traces === undefined)
      return [{ kind: "nothing", reason: "the site file has no control section" }];
    const { clock } = this.#parts;
    const now = clock.now();
    const utcOffsetMs = clock.utcNow() - now;
    return whyOf(asked, atUtc === undefined ? now : atUtc - utcOffsetMs, {
      plan: state.plan,
      status: statusOf(state),
      traceAt: (at) => traces.at(at),
      memory: this.#memory,
      utcOffsetMs,
    });
  }

  /** For the gateway's own points. */
  figures(): ControlFigures {
    return controlFigures(this.#state === undefined ? undefined : statusOf(this.#state));
  }

  readonly #onReport = (report: CyclicReport): void => {
    this.#reports.push(report);
    if (this.#reports.length > REPORTS_WAITING_MAX) {
      this.#reports.shift();
      this.#droppedReports += 1;
      this.#parts.recorder?.miss();
    }
    if (this.#state === undefined) return;
    const { clock, recorder } = this.#parts;
    const utc = clock.utcNow();
    this.#memory.report(report);
    recorder?.report(report, utc);
    this.#tellSteps(stepsOf(this.#state, report, utc));
  };

  #tell(inputs: CycleInputs, result: CycleResult, waiting: readonly WaitingOrder[]): void {
    const { onEvent } = this.#parts;
    const claims: Tell[] = [];
    for (const event of result.events) {
      if (event.severity !== "trip") onEvent(event);
      else
        claims.push(() => {
          onEvent(event);
        });
    }
    this.#tellSteps(result.steps);
    for (const [at, { order, resolve }] of waiting.entries()) {
      const answer = result.answers[at] ?? { order, result: "refused", reason: "not-answered" };
      if (answer.result === "refused") resolve(answer);
      else
        claims.push((isSaved) => {
          resolve(isSaved ? answer : { ...answer, reason: "not-saved" });
        });
    }
    this.#distrust(result.distrusted);
    this.#keepLatches(result.latchRevision, claims, inputs);
  }

  /** What claims a latch, or its end, is told when that is on the disk. */
  #keepLatches(latchRevision: number, claims: readonly Tell[], { now, utc }: CycleInputs): void {
    const state = this.#state;
    if (state === undefined) return;
    // Times on the disk are of the wall clock: after a step they are written anew.
    const offsetMs = utc - now;
    if (Math.abs(offsetMs - this.#offsetMs) > CLOCK_STEP_MS) {
      this.#clockSteps += 1;
      this.#offsetMs = offsetMs;
    }
    const revision = latchRevision + this.#clockSteps;
    const tell = (isSaved: boolean): void => {
      for (const claim of claims) claim(isSaved);
    };
    const content = (): string => JSON.stringify(latchState(state, utc));
    this.#latches.keep(revision, content, claims.length > 0 ? tell : undefined);
  }

  #tellDirect(steps: readonly CommandStep[]): void {
    this.#parts.recorder?.told(steps);
    this.#tellSteps(steps);
  }

  #tellSteps(steps: readonly CommandStep[]): void {
    this.#memory.told(steps);
    for (const step of steps) this.#parts.onStep(step);
  }

  #distrust(distrusted: readonly Distrust[]): void {
    const { overrides } = this.#parts;
    if (distrusted.length === 0 && this.#distrusted.length === 0) return;
    for (const { point } of this.#distrusted) overrides.set(point, GOOD);
    for (const { point, quality } of distrusted) overrides.set(point, quality);
    this.#distrusted = distrusted;
  }

  async #writeDirect(write: DirectWrite): Promise<void> {
    this.#directWrites += 1;
    try {
      await this.#carryOut(write);
    } finally {
      this.#directWrites -= 1;
    }
  }

  async #carryOut(write: DirectWrite): Promise<void> {
    const { dispatch, table, clock, signal } = this.#parts;
    const device = table.devices.find(
      ({ id }) => id === table.points[write.setpoint.point]?.device,
    );
    const stream = device?.stream ?? streamId(0);
    const report = await dispatch.sendDirect(stream, write.setpoint);
    this.#tellDirect(this.#direct.outcomeSteps(write, report, clock.utcNow()));
    if (!wasTaken(report) || write.entry.effect === undefined) return;
    await clock.sleep(write.entry.settleMs, signal).catch(() => undefined);
    // What nobody waited for any more is told as unknown, by services.
    if (isAborted(signal)) return;
    this.#tellDirect(this.#direct.effectSteps(write, this.#sight()));
  }

  #sight(): DirectSight {
    const { image, clock, refusalOf } = this.#parts;
    return { view: image.view, now: clock.now(), utc: clock.utcNow(), refusalOf };
  }
}

function shadowOf(parts: ControlHostParts): ShadowHost | undefined {
  const { shadowPlan: plan, desk, clock, onEvent, onStep } = parts;
  if (plan === undefined) return undefined;
  return new ShadowHost({ plan, desk, clock, onEvent, onStep, device: gatewayDeviceId("control") });
}

function isForShadow({ asset, action }: Command): boolean {
  return asset === gatewayDeviceId("control") && action.kind === "set-point";
}

/**
 * Whether an effect is to be expected: the write was not refused and its read-back does not differ.
 */
function wasTaken(report: WriteReport): boolean {
  const readBack = report.readBack?.result;
  if (report.result === "refused" || readBack === "differs") return false;
  return report.result === "accepted" || readBack === "applied";
}
