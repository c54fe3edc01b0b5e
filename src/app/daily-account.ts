import type { CycleInputs, CycleResult } from "../control/exchange.ts";
import { itemAt } from "../control/item-at.ts";
import type { ControlState } from "../control/state.ts";
import { BandBank, type BandSums, gainDb, STILL_SHARE } from "./daily-bands.ts";
import { BreachWatch } from "./daily-breaches.ts";

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
/** After a pause nobody knows what was: so much counts at most, ms. */
const STEP_MAX_MS = 1_000;

/** What a day has come to so far; small, and saved as it is. */
export interface DaySums {
  /** `2026-11-21`, UTC. */
  readonly date: string;
  seenMs: number;
  readonly bands: BandSums[];
  declared: number;
  undeclared: number;
  /** By place of the unit: energy in and out, Wh. */
  readonly throughputWh: number[];
}

/** A day in figures. */
export interface DailyReport {
  readonly date: string;
  /** How much of the day was seen. */
  readonly hours: number;
  readonly bands: readonly {
    readonly lowHz: number;
    readonly highHz: number;
    /** rms of the grid / rms of the load; null while the load was still. */
    readonly gainDb: number | null;
  }[];
  readonly breaches: { readonly declared: number; readonly undeclared: number };
  readonly units: readonly {
    readonly asset: string;
    /** Full cycles: throughput / twice the capacity. */
    readonly cycles: number;
    /** From a command to its effect, ms; null: not found yet. */
    readonly delayMs: number | null;
  }[];
  /** One line for a person. */
  readonly line: string;
}

/** `2026-11-21` of a UTC time. */
export function dateOf(utc: number): string {
  return new Date(utc).toISOString().slice(0, 10);
}

/** Adds up a day, cycle by cycle, in memory that does not grow. */
export class DailyAccount {
  readonly #bank: BandBank;
  readonly #breaches = new BreachWatch();
  #sums: DaySums;
  #state: ControlState | undefined;
  #before = Number.NaN;
  /** Days since 1970: to tell a new one without a text in every cycle. */
  #day = Number.NaN;

  /** @param saved of the same site; undefined: the day begins now */
  constructor(plan: ControlState["plan"], utc: number, saved?: DaySums) {
    this.#bank = new BandBank(plan.periodMs);
    const fresh = this.#noSums(dateOf(utc), plan.units.length);
    const isSame =
      saved?.date === fresh.date &&
      saved.bands.length === fresh.bands.length &&
      saved.throughputWh.length === plan.units.length;
    this.#sums = isSame ? saved : fresh;
  }

  get sums(): DaySums {
    return this.#sums;
  }

  /** After each cycle. Returns the report of the day that has just ended, once. */
  observe(state: ControlState, inputs: CycleInputs, result: CycleResult): DailyReport | undefined {
    this.#state = state;
    const day = Math.floor(inputs.utc / MS_PER_DAY);
    const ended = day === this.#day ? undefined : this.#endDay(state, inputs.utc, day);
    const { now } = inputs;
    const stepMs = Number.isNaN(this.#before) ? 0 : Math.min(now - this.#before, STEP_MAX_MS);
    this.#before = now;
    this.#add(state, result, stepMs);
    return ended;
  }

  /** The report of another day, which is over; undefined: it is still the one of before. */
  #endDay(state: ControlState, utc: number, day: number): DailyReport | undefined {
    this.#day = day;
    const date = dateOf(utc);
    if (date === this.#sums.date) return undefined;
    const ended = this.report();
    this.#sums = this.#noSums(date, state.plan.units.length);
    return ended;
  }

  /** Of the day so far; undefined before the first cycle. */
  report(): DailyReport | undefined {
    const state = this.#state;
    if (state === undefined) return undefined;
    const { plan, smoothing } = state;
    const { date, seenMs, declared, undeclared, throughputWh } = this.#sums;
    const stillW = STILL_SHARE * plan.grid.importLimitW;
    const bands = this.#bank.bandsHz.map(([lowHz, highHz], place) => {
      const gain = gainDb(itemAt(this.#sums.bands, place), stillW);
      return { lowHz, highHz, gainDb: gain ?? null };
    });
    const units = plan.units.map(({ asset, capacityWh }, place) => {
      const delayMs = smoothing?.unitDelaysMs[place] ?? Number.NaN;
      return {
        asset,
        cycles: itemAt(throughputWh, place) / (2 * capacityWh),
        delayMs: Number.isNaN(delayMs) ? null : delayMs,
      };
    });
    const hours = seenMs / MS_PER_HOUR;
    const figures = { date, hours, bands, breaches: { declared, undeclared }, units };
    return { ...figures, line: lineOf(figures) };
  }

  #add(state: ControlState, result: CycleResult, stepMs: number): void {
    const sums = this.#sums;
    const { grid, units } = state;
    sums.seenMs += stepMs;
    const isKnown = grid.source !== "none" && stepMs > 0;
    this.#bank.add(isKnown ? grid.loadW : Number.NaN, grid.gridW, sums.bands);
    this.#breaches.observe(state, result, sums);
    for (const [place, { countedW, mode }] of units.entries()) {
      if (mode === "unknown" || mode === "silent" || Number.isNaN(countedW)) continue;
      const addedWh = (Math.abs(countedW) * stepMs) / MS_PER_HOUR;
      sums.throughputWh[place] = itemAt(sums.throughputWh, place) + addedWh;
    }
  }

  #noSums(date: string, units: number): DaySums {
    return {
      date,
      seenMs: 0,
      bands: this.#bank.bandsHz.map(() => ({ load: 0, grid: 0, samples: 0 })),
      declared: 0,
      undeclared: 0,
      throughputWh: new Array<number>(units).fill(0),
    };
  }
}

function lineOf({ date, hours, bands, breaches, units }: Omit<DailyReport, "line">): string {
  const gains = bands.map(({ lowHz, highHz, gainDb: gain }) => {
    const said = gain === null ? "still" : `${gain > 0 ? "+" : ""}${gain.toFixed(1)} dB`;
    return `${lowHz}–${highHz} Hz ${said}`;
  });
  const cycles = units.map(({ asset, cycles: used }) => `${asset} ${used.toFixed(2)}`);
  const delays = units.map(
    ({ asset, delayMs }) => `${asset} ${delayMs === null ? "unknown" : `${delayMs.toFixed(0)} ms`}`,
  );
  return (
    `${date} (${hours.toFixed(1)} h): grid against load ${gains.join(", ")}; ` +
    `breaches ${breaches.declared} declared, ${breaches.undeclared} undeclared; ` +
    `battery cycles ${cycles.join(", ")}; D ${delays.join(", ")}`
  );
}
