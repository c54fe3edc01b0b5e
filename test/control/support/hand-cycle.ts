import { cycle, statusOf } from "../../../src/control/cycle.ts";
import type { ControlStatus, CycleResult, LocalOrder } from "../../../src/control/exchange.ts";
import type { ControlPlan } from "../../../src/control/plan.ts";
import { type ControlState, createControl, latchState } from "../../../src/control/state.ts";
import { type LatchRecord, parseLatchRecord } from "../../../src/control/trip-record.ts";
import type { Command } from "../../../src/domain/command.ts";
import { qualityCode } from "../../../src/domain/quality.ts";
import { monotonicMs, type UtcMs, utcMs } from "../../../src/domain/time.ts";
import { PointImage } from "../../../src/points/image.ts";
import { METER, MW, STATE_RUNNING, unitPoints } from "../../support/plant-plan.ts";
import { readingOf } from "../../support/plant-reading.ts";

const PERIOD_MS = 50;

/** Cycles of control by hand: every value is what the test last said, and units follow at once. */
export class HandCycle {
  readonly plan: ControlPlan;
  readonly values: Record<number, number> = {};
  /** Points that read bad from now on. */
  readonly bad = new Set<number>();
  /** Units whose battery does not count. */
  readonly events: CycleResult["events"][number][] = [];
  control: ControlState;
  now = 1_000;
  utcShiftMs = 0;
  #image: PointImage;
  readonly #count: number;

  /** @param count points of the table */
  constructor(plan: ControlPlan, count: number) {
    this.plan = plan;
    this.#count = count;
    this.#image = new PointImage(count);
    this.control = createControl(plan, { now: monotonicMs(this.now), latches: undefined });
    this.values[METER] = 20 * MW;
    for (const place of plan.units.keys()) {
      const points = unitPoints(place);
      this.values[points.power] = 0;
      this.values[points.setpoint] = 0;
      this.values[points.soc] = 60;
      this.values[points.chargeLimit] = 12 * MW;
      this.values[points.dischargeLimit] = 12 * MW;
      this.values[points.state] = STATE_RUNNING;
      this.values[points.alarms] = 0;
      this.values[points.heartbeat] = 0;
      this.values[points.run] = 1;
    }
  }

  get status(): ControlStatus {
    return statusOf(this.control);
  }

  /** One cycle. */
  turn(
    changes: Readonly<Record<number, number>> = {},
    asked: { readonly orders?: readonly LocalOrder[]; readonly commands?: readonly Command[] } = {},
  ): CycleResult {
    this.now += PERIOD_MS;
    Object.assign(this.values, changes);
    for (const place of this.plan.units.keys()) this.values[unitPoints(place).heartbeat]! += 1;
    const good = Object.entries(this.values).filter(([point]) => !this.bad.has(Number(point)));
    this.#image.post(readingOf(Object.fromEntries(good), { at: this.now }));
    if (this.bad.size > 0) {
      const lost = Object.fromEntries([...this.bad].map((point) => [point, Number.NaN]));
      const quality = qualityCode("no-communication");
      this.#image.post(readingOf(lost, { at: this.now, quality }));
    }
    this.#image.take();
    const result = cycle(this.control, {
      now: monotonicMs(this.now),
      utc: this.#utc,
      view: this.#image.view,
      commands: asked.commands ?? [],
      orders: asked.orders ?? [],
      outcomes: [],
    });
    this.events.push(...result.events);
    for (const { point, value } of result.writes) this.#follow(point, value);
    return result;
  }

  /** Cycles until so much time has passed; the last one's result. */
  run(ms: number): CycleResult {
    let last = this.turn();
    for (const endMs = this.now + ms - PERIOD_MS; this.now < endMs;) last = this.turn();
    return last;
  }

  reset(by = "anna", trip = "all"): string {
    const [answer] = this.turn({}, { orders: [{ kind: "reset", trip, by }] }).answers;
    return answer?.reason ?? answer?.result ?? "no answer";
  }

  /** What is on the disk. */
  saved(): LatchRecord | "unreadable" {
    const utc = utcMs(this.control.cycledAt + this.utcShiftMs);
    const document: unknown = JSON.parse(JSON.stringify(latchState(this.control, utc)));
    return parseLatchRecord(document);
  }

  /** kill −9, and a start with what is on the disk. */
  restart(latches: LatchRecord | "unreadable" = this.saved()): void {
    this.now += 200;
    this.#image = new PointImage(this.#count);
    this.control = createControl(this.plan, {
      now: monotonicMs(this.now),
      utc: this.#utc,
      latches,
    });
  }

  get #utc(): UtcMs {
    return utcMs(this.now + this.utcShiftMs);
  }

  phasesOf(id: string): readonly string[] {
    return this.events.filter((event) => event.id === id).map(({ phase }) => phase);
  }

  #follow(point: number, value: number): void {
    this.values[point] = value;
    for (const place of this.plan.units.keys()) {
      const points = unitPoints(place);
      if (point === points.setpoint) this.values[points.power] = value;
      if (point !== points.run) continue;
      this.values[points.state] = value === 0 ? 1 : STATE_RUNNING;
    }
  }
}

/** A command of the cloud for one asset. */
export function powerCommand(asset: string, powerW: number, sequence = 1): Command {
  return {
    id: `c-${sequence}`,
    holder: "cloud",
    asset,
    action: { kind: "set-power", powerW, rampWPerS: undefined },
    priority: 7,
    sequence,
    leaseMs: 600_000,
    notAfter: monotonicMs(1e9),
    receivedUtc: utcMs(0),
  };
}
