import type { Envelope } from "../control/envelope.ts";
import type { CyclicReport, LocalOrder, OrderAnswer } from "../control/exchange.ts";
import {
  type CoolantAsk,
  type CoolantRefusal,
  coolantWords,
} from "../control/thermal/coolant-guard.ts";
import { standingOf, VOTED_QUANTITIES, type ZoneVotes } from "../control/thermal/coolant-votes.ts";
import {
  createThermal,
  guardOf,
  parseThermalLatches,
  releaseThermal,
  stepThermal,
  thermalLatches,
  type ThermalState,
} from "../control/thermal/thermal-level.ts";
import type { ThermalMode } from "../control/thermal/thermal-mode.ts";
import { explainThermal, type ThermalWhy } from "../control/thermal/thermal-words.ts";
import type { ThermalPlan } from "../control/thermal/zone-plan.ts";
import { gatewayDeviceId } from "../config/point-table.ts";
import type { Command } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { ShedLevel, ShedWord } from "../domain/shed.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";
import type { PointImage } from "../points/image.ts";
import type { LatchFiles, LatchRecord } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";
import { LatchKeeper } from "./latch-keeper.ts";
import { savedLatches } from "./saved-latches.ts";
import { ShedWatch } from "./shed-watch.ts";
import { timeOf } from "./why.ts";
import type { WriteDispatch } from "./write-dispatch.ts";

const STATUS_NAMES = { supply: "supply", return_: "return", flow: "flow" } as const;
/** Answers of drivers that wait for the next turn; beyond it the oldest is dropped and counted. */
const REPORTS_WAITING_MAX = 256;

export interface ThermalHostParts {
  readonly plan: ThermalPlan;
  readonly image: Pick<PointImage, "view">;
  /** The one that every write of this process passes; asked for at each turn. */
  readonly envelope: () => Envelope;
  readonly dispatch: Pick<WriteDispatch, "send">;
  readonly latches: Pick<LatchFiles, "save">;
  readonly latchRecord: LatchRecord;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: (event: PlantEvent) => void;
  readonly log: Logger;
  /** Who is in force for an asset; undefined: what the site file says. */
  readonly modeOf?: (asset: string, asked: ThermalMode) => ThermalMode;
}

/**
 * Runs the thermal controllers behind the cycle, in the same process: only there are the envelope
 * and the order of writes. A turn comes when a cycle has ended, on the image that the cycle took,
 * and steps a few assets: no cycle ever waits for it, and each asset has its step once a second.
 */
export class ThermalHost {
  readonly #parts: ThermalHostParts;
  readonly #state: ThermalState;
  readonly #latches: LatchKeeper;
  readonly #sheds: ShedWatch;
  #reports: CyclicReport[] = [];
  #droppedReports = 0;

  constructor(parts: ThermalHostParts) {
    this.#parts = parts;
    this.#state = createThermal(parts.plan, savedLatches(parts.latchRecord, parseThermalLatches));
    this.#latches = new LatchKeeper({ ...parts, device: gatewayDeviceId("control") });
    this.#sheds = new ShedWatch({ ...parts, zones: this.#state.zones });
  }

  /** Services asks what stands, so that it travels to who runs the workloads. */
  sheds(word: ShedWord): ShedLevel {
    return this.#sheds.level(word);
  }

  /** One turn; `now` is the cycle's. */
  readonly afterCycle = (now: MonotonicMs): void => {
    const { image, envelope, dispatch, clock } = this.#parts;
    const outcomes = this.#reports;
    this.#reports = [];
    const { writes, events, latchRevision } = stepThermal(this.#state, {
      now,
      utc: clock.utcNow(),
      view: image.view,
      envelope: envelope(),
      outcomes,
      modeOf: this.#modeOf,
    });
    if (writes.length > 0) dispatch.send(writes, this.#onReport);
    this.#tell(events, latchRevision);
    this.#sheds.look(now);
  };

  /**
   * Why a command must not be carried out for the coolant's sake, or because this drives the point
   * itself; undefined: it may, or it is none of its assets.
   */
  readonly refusalOf = (command: Command): CoolantRefusal | "owned-by-control" | undefined => {
    const { action, asset } = command;
    if (action.kind !== "set-point") return undefined;
    if (this.#isDriven(asset, action.point)) return "owned-by-control";
    const ask = askOf(action.point, action.value);
    const verdict = ask === undefined ? undefined : guardOf(this.#state, asset, ask);
    if (verdict === undefined || verdict.result === "allowed") return undefined;
    const { onEvent, clock } = this.#parts;
    onEvent({
      id: "coolant-guard",
      severity: "warning",
      phase: "once",
      device: asset,
      point: action.point,
      text: `a command for ${asset} was refused: ${coolantWords(verdict)}`,
      at: clock.utcNow(),
    });
    return verdict.reason;
  };

  /**
   * A person lifts latches. Answered when that is on the disk, `done` with the reason `not-saved`
   * when the disk does not take it; undefined: none of them is the cooling's.
   */
  async release(order: LocalOrder): Promise<OrderAnswer | undefined> {
    const answer = releaseThermal(this.#state, order);
    if (answer?.result !== "done") return answer;
    return new Promise((resolve) => {
      this.#keep((isSaved) => {
        resolve(isSaved ? answer : { ...answer, reason: "not-saved" });
      });
    });
  }

  /** What the controllers found, and what they do or would do. */
  status(): object {
    const { zones, deliveries, isUnreadable } = this.#state;
    return {
      isUnreadable,
      droppedReports: this.#droppedReports,
      zones: zones.map(({ plan, state, inputs }) => ({
        asset: plan.asset,
        ...state.out,
        needLPerMin: state.flow.out.needLPerMin,
        floorCel: state.dewPoint.out.floorCel,
        leak: state.leak.out.phase,
        secondsToLimit: Math.min(
          state.returnLimit.out.secondsToLimit,
          state.supplyLimit.out.secondsToLimit,
        ),
        shed: state.shed.out,
        ...sensorStatus(inputs.votes),
      })),
      deliveries: deliveries.map(({ plan, state }) => ({ asset: plan.asset, ...state.out })),
    };
  }

  /** Why a point of the cooling is asked for what it is, as it is now; see `explainThermal`. */
  why(asked: string): readonly ThermalWhy[] {
    const [asset = "", point] = asked.split("/");
    const { image, clock } = this.#parts;
    const now = clock.now();
    const utcOffsetMs = clock.utcNow() - now;
    return explainThermal(
      this.#state,
      { asset, point },
      { view: image.view, now, timeOf: (at) => timeOf(at + utcOffsetMs) },
    );
  }

  readonly #modeOf = (asset: string, asked: ThermalMode): ThermalMode =>
    this.#parts.modeOf?.(asset, asked) ?? asked;

  #isDriven(asset: string, point: string): boolean {
    const { zones, deliveries } = this.#state;
    return [...zones, ...deliveries].some(
      ({ plan }) =>
        this.#modeOf(plan.asset, plan.mode) === "control" &&
        Object.values({ ...plan.actuators }).some(
          (actuator) => actuator?.asset === asset && actuator.pointName === point,
        ),
    );
  }

  readonly #onReport = (report: CyclicReport): void => {
    this.#reports.push(report);
    if (this.#reports.length <= REPORTS_WAITING_MAX) return;
    this.#reports.shift();
    this.#droppedReports += 1;
  };

  /** What claims a latch is told when that is on the disk; it has acted before. */
  #tell(events: readonly PlantEvent[], revision: number): void {
    const { onEvent } = this.#parts;
    const claims = events.filter(({ severity }) => severity === "trip");
    for (const event of events) if (event.severity !== "trip") onEvent(event);
    if (claims.length === 0) {
      this.#latches.keep(revision, this.#content);
      return;
    }
    this.#keep(() => {
      for (const event of claims) onEvent(event);
    });
  }

  #keep(tell: (isSaved: boolean) => void): void {
    this.#latches.keep(this.#state.revision, this.#content, tell);
  }

  readonly #content = (): string => JSON.stringify(thermalLatches(this.#state));
}

/** On how many sensors a quantity stands, where not all that there are count. */
function sensorStatus(votes: ZoneVotes): object {
  const standing = VOTED_QUANTITIES.flatMap((quantity) => {
    const words = standingOf(votes[quantity]);
    return words === undefined ? [] : [[STATUS_NAMES[quantity], words] as const];
  });
  return standing.length === 0 ? {} : { sensors: Object.fromEntries(standing) };
}

/** A person's order goes to the batteries and to the cooling; the worse of two answers counts. */
export async function orderBoth(
  hosts: {
    readonly host: { order(order: LocalOrder): Promise<OrderAnswer> };
    readonly thermal: Pick<ThermalHost, "release"> | undefined;
  },
  order: LocalOrder,
): Promise<OrderAnswer> {
  const [own, cooling] = await Promise.all([
    hosts.host.order(order),
    hosts.thermal?.release(order),
  ]);
  if (cooling === undefined || cooling.result === "refused") return cooling ?? own;
  const isOthers = own.reason === "no-such-trip" || own.reason === "no-control-section";
  return own.result === "refused" && !isOthers ? own : cooling;
}

/** What a setpoint means for the coolant; undefined: nothing that the guard knows. */
function askOf(point: string, value: number): CoolantAsk | undefined {
  if (point === "pump-speed-setpoint") return { kind: "pump-speed", percent: value };
  if (point === "secondary.supply-temperature-setpoint")
    return { kind: "supply-setpoint", setpointCel: value };
  return undefined;
}
