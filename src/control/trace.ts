import { assert } from "../domain/assert.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { ASK_KINDS, type PowerBox, TRAIL_MAX } from "./arbitration.ts";
import { hasGroupPart } from "./dispatch.ts";
import { fixedRange } from "./envelope.ts";
import type { GridSource, Level, UnitMode } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import type { ControlState } from "./state.ts";
import { unitBinding } from "./status.ts";
import type { SmoothingMode } from "./smoothing/exchange.ts";
import { newestTime } from "./series.ts";
import { lastSetpoint } from "./writes.ts";

/**
 * How a cycle came to its setpoints: what every level asked, who bound, what each unit got of it,
 * and what was written. Powers in W. Numbers that are not known are NaN.
 */
export interface CycleTrace {
  /** Monotonic ms of the cycle. */
  readonly now: number;
  readonly source: GridSource;
  readonly gridW: number;
  readonly loadW: number;
  readonly total: TotalTrace;
  readonly units: readonly UnitTrace[];
  /** By place of the asset in `LeaseState.assets`: its part as it has ramped so far. */
  readonly partsW: readonly number[];
}

export interface TotalTrace {
  readonly totalW: number;
  /** What the units' own parts add up to, and what the levels made of it. */
  readonly partsW: number;
  readonly targetW: number;
  readonly binding: Level;
  readonly box: BoxTrace;
  readonly peakNeedW: number;
  readonly shortfallW: number;
  /** True while the full authority comes back by and by after a blind ramp. */
  readonly isReturning: boolean;
  /** Undefined where the site does not smooth. */
  readonly smoothing: SmoothingTrace | undefined;
}

export interface SmoothingTrace {
  readonly mode: SmoothingMode;
  readonly referenceW: number;
  readonly predictedW: number;
  readonly capW: number;
  readonly dutyW: number;
}

/** The powers that are left, and how it came to that. */
export interface BoxTrace {
  readonly lowW: number;
  readonly highW: number;
  readonly lowBy: Level;
  readonly highBy: Level;
  readonly asks: readonly Ask[];
}

/** What one level asked of a box. */
export interface Ask {
  readonly kind: (typeof ASK_KINDS)[number];
  readonly by: Level;
  readonly lowW: number;
  readonly highW: number;
}

export interface UnitTrace {
  readonly mode: UnitMode;
  /** Measured, or by its link rule while it is silent. */
  readonly countedW: number;
  readonly box: BoxTrace;
  readonly binding: Level;
  /** Its own part; of a group's it may have more. */
  readonly partW: number;
  readonly hasGroupPart: boolean;
  /** What it was asked for, and what the envelope let through. */
  readonly shareW: number;
  readonly setpointW: number;
  /** Monotonic ms of the last setpoint, and of those that were last accepted and read back. */
  readonly sentAt: number;
  readonly acceptedAt: number;
  readonly confirmedAt: number;
  readonly confirmedW: number;
  /** Range of the envelope; it limits the rate as well. */
  readonly minimumW: number;
  readonly maximumW: number;
  readonly isInterlocked: boolean;
  /** %, of a reading that is good and fresh. */
  readonly socPercent: number;
}

const LEVELS = [
  "protection",
  "local-hold",
  "start",
  "ride-through",
  "device-limits",
  "reserve",
  "link-lost",
  "voltage-event",
  "connection",
  "frequency-duty",
  "blind",
  "stop",
  "grid-instruction",
  "governor",
  "peak-cap",
  "schedule",
] as const satisfies readonly Level[];
const SOURCES = ["meter", "feeders", "none"] as const satisfies readonly GridSource[];
const MODES = [
  "unknown",
  "starting",
  "ready",
  "held",
  "yielded",
  "silent",
  "faulted",
  "tripped",
] as const satisfies readonly UnitMode[];
const SMOOTHING_MODES = [
  "init",
  "standby",
  "track",
  "predict",
  "announced",
] as const satisfies readonly SmoothingMode[];

const BOX_NUMBERS = 5 + 4 * TRAIL_MAX;
const UNIT_NUMBERS = BOX_NUMBERS + 15;
const TOTAL_NUMBERS = BOX_NUMBERS + 20;

/** So many numbers hold the trace of one cycle. */
export function traceLength(state: Pick<ControlState, "units" | "parts">): number {
  return TOTAL_NUMBERS + state.units.length * UNIT_NUMBERS + state.parts.length;
}

/** Writes numbers one behind the other. */
class NumberWriter {
  readonly #to: Float64Array;
  #at = 0;

  constructor(to: Float64Array) {
    this.#to = to;
  }

  get length(): number {
    return this.#at;
  }

  add(value: number): void {
    this.#to[this.#at++] = value;
  }

  flag(value: boolean): void {
    this.add(value ? 1 : 0);
  }

  box(box: PowerBox): void {
    const { trail } = box;
    this.add(box.lowW);
    this.add(box.highW);
    this.add(LEVELS.indexOf(box.lowBy));
    this.add(LEVELS.indexOf(box.highBy));
    this.add(trail.count);
    for (let at = 0; at < trail.count; at += 1) {
      this.add(byteAt(trail.kinds, at));
      this.add(LEVELS.indexOf(itemAt(trail.by, at)));
      this.add(numberAt(trail.lowsW, at));
      this.add(numberAt(trail.highsW, at));
    }
  }
}

/**
 * Keeps how the last cycle came to its setpoints, as numbers without any object: cheap enough for
 * every cycle. `readTrace` gives it back.
 *
 * @param to at least `traceLength` numbers
 * @returns how many were written
 */
export function writeTrace(state: ControlState, view: ImageView, to: Float64Array): number {
  const out = new NumberWriter(to);
  const { grid, total, smoothing, parts } = state;
  out.add(state.cycledAt);
  out.add(SOURCES.indexOf(grid.source));
  out.add(grid.gridW);
  out.add(grid.loadW);
  out.add(total.totalW);
  out.add(total.partsW);
  out.add(total.targetW);
  out.add(LEVELS.indexOf(total.binding));
  out.box(total.box);
  out.add(total.peakNeedW);
  out.add(total.shortfallW);
  out.flag(total.returning !== undefined);
  out.flag(smoothing !== undefined);
  if (smoothing !== undefined) {
    out.add(SMOOTHING_MODES.indexOf(smoothing.out.mode));
    out.add(smoothing.out.referenceW);
    out.add(smoothing.out.predictedW);
    out.add(smoothing.inputs.capW);
    out.add(smoothing.inputs.dutyW);
  }
  for (const place of state.units.keys()) writeUnit(state, place, view, out);
  for (const partW of parts) out.add(partW);
  return out.length;
}

function writeUnit(state: ControlState, place: number, view: ImageView, out: NumberWriter): void {
  const { plan, envelope, parts, leases, total } = state;
  const unit = itemAt(state.units, place);
  const write = itemAt(state.writes, place);
  const { points } = itemAt(plan.units, place);
  const range = fixedRange(envelope, points.setpoint);
  const { point, maxAgeMs } = points.soc;
  out.add(MODES.indexOf(unit.mode));
  out.add(unit.countedW);
  out.box(unit.box);
  out.add(LEVELS.indexOf(unitBinding(state, unit, place)));
  out.add(numberAt(parts, place));
  out.flag(hasGroupPart(parts, leases, place));
  out.add(numberAt(total.shares.powersW, place));
  out.add(lastSetpoint(write));
  out.add(newestTime(write.sent));
  out.add(write.acceptedAt);
  out.add(write.confirmedAt);
  out.add(write.confirmedW);
  out.add(range?.min ?? Number.NaN);
  out.add(range?.max ?? Number.NaN);
  out.flag(write.isInterlocked);
  out.add(freshValue(view, point, state.cycledAt, maxAgeMs) ?? Number.NaN);
}

/** Reads numbers one behind the other. */
class NumberReader {
  readonly #from: Float64Array;
  #at = 0;

  constructor(from: Float64Array) {
    this.#from = from;
  }

  next(): number {
    return numberAt(this.#from, this.#at++);
  }

  flag(): boolean {
    return this.next() === 1;
  }

  of<T>(words: readonly T[]): T {
    return itemAt(words, this.next());
  }

  box(): BoxTrace {
    const ends = { lowW: this.next(), highW: this.next() };
    const names = { lowBy: this.of<Level>(LEVELS), highBy: this.of<Level>(LEVELS) };
    const asks: Ask[] = [];
    for (let left = this.next(); left > 0; left -= 1)
      asks.push({
        kind: this.of(ASK_KINDS),
        by: this.of<Level>(LEVELS),
        lowW: this.next(),
        highW: this.next(),
      });
    return { ...ends, ...names, asks };
  }
}

/** What `writeTrace` kept of a site with so many units and assets. */
export function readTrace(
  numbers: Float64Array,
  site: { readonly units: number; readonly assets: number },
): CycleTrace {
  const from = new NumberReader(numbers);
  const head = {
    now: from.next(),
    source: from.of<GridSource>(SOURCES),
    gridW: from.next(),
    loadW: from.next(),
  };
  const total: TotalTrace = {
    totalW: from.next(),
    partsW: from.next(),
    targetW: from.next(),
    binding: from.of<Level>(LEVELS),
    box: from.box(),
    peakNeedW: from.next(),
    shortfallW: from.next(),
    isReturning: from.flag(),
    smoothing: from.flag() ? readSmoothing(from) : undefined,
  };
  const units: UnitTrace[] = [];
  for (let place = 0; place < site.units; place += 1) units.push(readUnit(from));
  const partsW: number[] = [];
  for (let asset = 0; asset < site.assets; asset += 1) partsW.push(from.next());
  return { ...head, total, units, partsW };
}

function readSmoothing(from: NumberReader): SmoothingTrace {
  return {
    mode: from.of<SmoothingMode>(SMOOTHING_MODES),
    referenceW: from.next(),
    predictedW: from.next(),
    capW: from.next(),
    dutyW: from.next(),
  };
}

function readUnit(from: NumberReader): UnitTrace {
  return {
    mode: from.of<UnitMode>(MODES),
    countedW: from.next(),
    box: from.box(),
    binding: from.of<Level>(LEVELS),
    partW: from.next(),
    hasGroupPart: from.flag(),
    shareW: from.next(),
    setpointW: from.next(),
    sentAt: from.next(),
    acceptedAt: from.next(),
    confirmedAt: from.next(),
    confirmedW: from.next(),
    minimumW: from.next(),
    maximumW: from.next(),
    isInterlocked: from.flag(),
    socPercent: from.next(),
  };
}

/** The trace of the cycle that has just run. */
export function traceOf(state: ControlState, view: ImageView): CycleTrace {
  const numbers = new Float64Array(traceLength(state));
  const length = writeTrace(state, view, numbers);
  assert(length <= numbers.length, "a trace has room for what a cycle can ask");
  return readTrace(numbers, { units: state.units.length, assets: state.parts.length });
}
