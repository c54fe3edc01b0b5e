import type { PlantEvent } from "../domain/event.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { numberAt } from "../points/number-at.ts";
import type { Level } from "./exchange.ts";
import type { ControlState } from "./state.ts";

/** How two powers differed over time. Plain data. */
interface Difference {
  cycles: number;
  sumW: number;
  squaresW2: number;
  /** Largest, with its sign: the shadow's less the real one. */
  mostW: number;
  readonly realWh: Energy;
  readonly shadowWh: Energy;
}

interface Energy {
  given: number;
  taken: number;
}

/** How fast the grid's power moves: changes over half a second, half of an iteration of 1 Hz. */
interface Ramp {
  readonly gridW: Float64Array;
  count: number;
  squares: number;
  mostW: number;
  samples: number;
}

/** What has been seen of a shadow since it began. Plain data. */
export interface ShadowTally {
  readonly startedAt: MonotonicMs;
  /** Cycles that were compared, and those for which no time was left. */
  cycles: number;
  skipped: number;
  lastAt: MonotonicMs;
  /** What the shadow asked for in the cycle before, W; NaN in the first. */
  beforeW: number;
  readonly total: Difference;
  readonly units: readonly Difference[];
  readonly realRamp: Ramp;
  readonly shadowRamp: Ramp;
  readonly bindings: Map<Level, { real: number; shadow: number }>;
  /** How often it would have told what. */
  readonly events: Map<string, number>;
}

const MS_PER_H = 3_600_000;
/** After a pause no more than this counts as one cycle, ms. */
const LONGEST_MS = 1_000;
const RAMP_WINDOW_MS = 500;

export function noTally(units: number, periodMs: number, now: MonotonicMs): ShadowTally {
  const ramp = (): Ramp => ({
    gridW: new Float64Array(Math.max(1, Math.round(RAMP_WINDOW_MS / periodMs))),
    count: 0,
    squares: 0,
    mostW: 0,
    samples: 0,
  });
  return {
    startedAt: now,
    cycles: 0,
    skipped: 0,
    lastAt: now,
    beforeW: Number.NaN,
    total: noDifference(),
    units: Array.from({ length: units }, noDifference),
    realRamp: ramp(),
    shadowRamp: ramp(),
    bindings: new Map(),
    events: new Map(),
  };
}

/** Compares one cycle of both. */
export function tallyCycle(
  tally: ShadowTally,
  seen: {
    readonly real: ControlState;
    readonly shadow: ControlState;
    readonly now: MonotonicMs;
    readonly events: readonly PlantEvent[];
  },
): void {
  const { real, shadow, now } = seen;
  const hours = Math.min(now - tally.lastAt, LONGEST_MS) / MS_PER_H;
  tally.lastAt = now;
  tally.cycles += 1;
  add(tally.total, { realW: real.total.totalW, shadowW: shadow.total.totalW, hours });
  for (const [place, unit] of tally.units.entries()) {
    const realW = numberAt(real.total.shares.powersW, place);
    const shadowW = numberAt(shadow.total.shares.powersW, place);
    add(unit, { realW, shadowW, hours });
  }
  addRamp(tally.realRamp, real.grid.gridW);
  addRamp(tally.shadowRamp, imaginedGridW(shadow, real.grid.loadW, tally.beforeW));
  tally.beforeW = shadow.total.totalW;
  countBinding(tally, real.total.binding, "real");
  countBinding(tally, shadow.total.binding, "shadow");
  for (const { id, phase } of seen.events)
    if (phase !== "cleared") tally.events.set(id, (tally.events.get(id) ?? 0) + 1);
}

/**
 * What the grid would have given: the load less what the shadow asked for so long ago as the
 * batteries take to give it; where nobody knows how long that is, a cycle.
 */
function imaginedGridW({ smoothing }: ControlState, loadW: number, beforeW: number): number {
  return smoothing === undefined ? loadW - beforeW : smoothing.inputs.gridW;
}

function noDifference(): Difference {
  return {
    cycles: 0,
    sumW: 0,
    squaresW2: 0,
    mostW: 0,
    realWh: { given: 0, taken: 0 },
    shadowWh: { given: 0, taken: 0 },
  };
}

function add(
  difference: Difference,
  { realW, shadowW, hours }: { realW: number; shadowW: number; hours: number },
): void {
  const apartW = shadowW - realW;
  difference.cycles += 1;
  difference.sumW += apartW;
  difference.squaresW2 += apartW * apartW;
  if (Math.abs(apartW) > Math.abs(difference.mostW)) difference.mostW = apartW;
  addEnergy(difference.realWh, realW * hours);
  addEnergy(difference.shadowWh, shadowW * hours);
}

function addEnergy(energy: Energy, wh: number): void {
  if (wh > 0) energy.given += wh;
  else energy.taken -= wh;
}

function addRamp(ramp: Ramp, gridW: number): void {
  // Without a load there is no grid to compute; what comes after a gap is no change.
  if (Number.isNaN(gridW)) {
    ramp.count = 0;
    return;
  }
  const place = ramp.count % ramp.gridW.length;
  if (ramp.count >= ramp.gridW.length) {
    const movedW = gridW - numberAt(ramp.gridW, place);
    ramp.squares += movedW * movedW;
    ramp.samples += 1;
    if (Math.abs(movedW) > Math.abs(ramp.mostW)) ramp.mostW = movedW;
  }
  ramp.gridW[place] = gridW;
  ramp.count += 1;
}

function countBinding(tally: ShadowTally, level: Level, who: "real" | "shadow"): void {
  const counted = tally.bindings.get(level) ?? { real: 0, shadow: 0 };
  counted[who] += 1;
  tally.bindings.set(level, counted);
}

export interface DifferenceReport {
  readonly asset: string;
  readonly meanW: number;
  readonly rmsW: number;
  /** Largest difference, with its sign: the shadow's less the real one. */
  readonly mostW: number;
  /** Wh that both would have given and taken. */
  readonly realGivenWh: number;
  readonly realTakenWh: number;
  readonly shadowGivenWh: number;
  readonly shadowTakenWh: number;
}

export interface RampReport {
  /** rms and largest change of the grid's power over half a second, W. */
  readonly rmsW: number;
  readonly mostW: number;
}

/** What the shadow would have done otherwise. */
export interface ShadowReport {
  readonly forMs: number;
  readonly cycles: number;
  readonly skipped: number;
  readonly total: DifferenceReport;
  readonly units: readonly DifferenceReport[];
  readonly realRamp: RampReport;
  readonly shadowRamp: RampReport;
  /** What decided the total, part of the cycles, most first. */
  readonly bindings: readonly {
    readonly level: Level;
    readonly real: number;
    readonly shadow: number;
  }[];
  /** What the shadow would have told, and how often. */
  readonly events: Readonly<Record<string, number>>;
}

export function shadowReport(tally: ShadowTally, assets: readonly string[]): ShadowReport {
  const cycles = Math.max(tally.cycles, 1);
  const bindings = [...tally.bindings].map(([level, { real, shadow }]) => ({
    level,
    real: real / cycles,
    shadow: shadow / cycles,
  }));
  return {
    forMs: tally.lastAt - tally.startedAt,
    cycles: tally.cycles,
    skipped: tally.skipped,
    total: differenceReport("total", tally.total),
    units: tally.units.map((unit, place) => differenceReport(assets[place] ?? "", unit)),
    realRamp: rampReport(tally.realRamp),
    shadowRamp: rampReport(tally.shadowRamp),
    bindings: bindings.sort((a, b) => b.real + b.shadow - a.real - a.shadow),
    events: Object.fromEntries(tally.events),
  };
}

function differenceReport(asset: string, difference: Difference): DifferenceReport {
  const { sumW, squaresW2, mostW, realWh, shadowWh } = difference;
  const cycles = Math.max(difference.cycles, 1);
  return {
    asset,
    meanW: sumW / cycles,
    rmsW: Math.sqrt(squaresW2 / cycles),
    mostW,
    realGivenWh: realWh.given,
    realTakenWh: realWh.taken,
    shadowGivenWh: shadowWh.given,
    shadowTakenWh: shadowWh.taken,
  };
}

function rampReport({ squares, samples, mostW }: Ramp): RampReport {
  return { rmsW: Math.sqrt(squares / Math.max(samples, 1)), mostW };
}
