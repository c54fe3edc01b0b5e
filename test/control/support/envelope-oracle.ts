import type { CycleResult } from "../../../src/control/exchange.ts";

/** Places of the points, as the search's world numbers them: said again here on purpose. */
const UNITS = [
  { asset: "bess-1", power: 10, setpoint: 11, state: 15, alarms: 16, run: 18, alarmReset: 19 },
  { asset: "bess-2", power: 20, setpoint: 21, state: 25, alarms: 26, run: 28, alarmReset: 29 },
] as const;
const PUMP_A = 31;
const PUMP_B = 32;
const OFF = 1;
const PRESSED = 64;

interface Limit {
  readonly asset: string;
  readonly min: number;
  readonly max: number;
  /** Per second. */
  readonly ramp?: number;
  readonly intervalMs?: number;
  /** Point that has to show this value, no older than this when the write is decided. */
  readonly needs?: { readonly point: number; readonly value: number; readonly ageMs: number };
  /** Where a first write has to begin; undefined: nobody can read it. */
  readonly shownMaxAgeMs?: number;
}

const MW = 1e6;

/** What may reach the wire, written down a second time, by hand. */
const LIMITS: ReadonlyMap<number, Limit> = new Map<number, Limit>([
  [11, { asset: "bess-1", min: -12 * MW, max: 12 * MW, ramp: 20 * MW, shownMaxAgeMs: 400 }],
  [
    21,
    {
      asset: "bess-2",
      min: -12 * MW,
      max: 12 * MW,
      ramp: 20 * MW,
      shownMaxAgeMs: 400,
      // A cyclic setpoint goes on for 400 ms when the switch cannot be read for a moment.
      needs: { point: 35, value: 0, ageMs: 400 + 400 },
    },
  ],
  [18, { asset: "bess-1", min: 0, max: 1 }],
  [19, { asset: "bess-1", min: 0, max: 1 }],
  [28, { asset: "bess-2", min: 0, max: 1 }],
  [29, { asset: "bess-2", min: 0, max: 1 }],
  [30, { asset: "bess-1", min: -5 * MW, max: 5 * MW }],
  [
    4,
    {
      asset: "chiller-1",
      min: 14,
      max: 24,
      intervalMs: 500,
      needs: { point: 6, value: 1, ageMs: 5_000 },
    },
  ],
  [31, { asset: "pump-a", min: 0, max: 100, ramp: 50, intervalMs: 100, shownMaxAgeMs: 1_000 }],
  [32, { asset: "pump-b", min: 0, max: 100, ramp: 50, intervalMs: 100, shownMaxAgeMs: 1_000 }],
  [33, { asset: "fan-1", min: 10, max: 90, ramp: 10, shownMaxAgeMs: 1_000 }],
]);

/** After a longer pause a ramp has this much credit, ms. */
const CREDIT_MS = 1_000;
/** A setpoint that is what a unit gives anyway, within its step and one cycle's move, W. */
const STAY_W = 1_001;
/** A unit is not silent before, ms. */
const SILENT_MS = 400;
const GOOD = 0;

/** Columns by point: what was read of it. */
interface Readings {
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  readonly at: Float64Array;
}

const POINTS = 36;
const NEVER = 64;

function noReadings(): Readings {
  return {
    values: new Float64Array(POINTS),
    quality: new Uint8Array(POINTS).fill(NEVER),
    at: new Float64Array(POINTS).fill(-Infinity),
  };
}

interface WireWrite {
  readonly asset: string;
  readonly point: number;
  readonly value: number;
  readonly isProtective: boolean;
}

const ALL_ASSETS = ["bess-1", "bess-2", "pcc-meter", "chiller-1", "pump-a", "pump-b", "fan-1"];

/**
 * Judges what reaches the wire by what was read, ordered and sent, without a line of the envelope's
 * code. It knows the limits of the site by heart.
 */
export class EnvelopeOracle {
  readonly escapes: string[] = [];
  /** Writes that were judged, and writes that protection made. */
  judged = 0;
  protective = 0;
  readonly #seed: number;
  /** What has arrived, and what of it control has taken in. */
  #inbox = noReadings();
  #seen = noReadings();
  /** When a switch last was read as open, and not as shut since, by point. */
  readonly #openAt = new Map<number, number>();
  /** Power of each unit as last read well, and when. */
  readonly #powers = UNITS.map(() => ({ powerW: Number.NaN, at: -Infinity }));
  readonly #sent = new Map<number, { readonly value: number; readonly at: number }>();
  /** Units by their own emergency stop, by hand, and by latches that could not be read. */
  readonly #pressed = [false, false];
  readonly #stopped = [false, false];
  #isAllLatched = false;
  readonly #lockedBy = new Map<string, string>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  received(
    points: Uint32Array,
    reading: {
      readonly values: Float64Array;
      readonly quality: number;
      readonly at: number;
    },
  ): void {
    for (let place = 0; place < points.length; place += 1) {
      const point = points[place] ?? 0;
      this.#inbox.values[point] = reading.values[place] ?? Number.NaN;
      this.#inbox.quality[point] = reading.quality;
      this.#inbox.at[point] = reading.at;
    }
  }

  /** Control has taken in what was received. */
  taken(): void {
    this.#seen.values.set(this.#inbox.values);
    this.#seen.quality.set(this.#inbox.quality);
    this.#seen.at.set(this.#inbox.at);
    const { values, quality, at } = this.#seen;
    for (const [point, open] of SWITCHES) {
      if (quality[point] !== GOOD) continue;
      this.#openAt.set(point, values[point] === open ? (at[point] ?? 0) : -Infinity);
    }
    for (const [place, { alarms, power }] of UNITS.entries()) {
      if (this.#isPressed(alarms)) this.#pressed[place] = true;
      const own = this.#powers[place];
      if (own === undefined || quality[power] !== GOOD) continue;
      own.powerW = values[power] ?? 0;
      own.at = at[power] ?? 0;
    }
  }

  /** A cycle ended: what people asked of it is in force, and every stop has to be on its way. */
  cycled(result: CycleResult, nowMs: number): void {
    for (const { order, result: done } of result.answers) {
      if (order.kind === "reset") this.#reset();
      if (done === "refused" || order.kind === "reset") continue;
      if (order.kind === "stop") this.#each(order.asset, (unit) => (this.#stopped[unit] = true));
      if (order.kind === "release")
        this.#each(order.asset, (unit) => (this.#stopped[unit] = false));
      if (order.kind === "lockout") this.#lockedBy.set(order.asset, order.by);
      if (order.kind === "unlock") this.#lockedBy.delete(order.asset);
    }
    for (const [place, unit] of UNITS.entries()) {
      if (!this.#isHeld(place) || this.#lockOf(unit.asset) === "full") continue;
      if (this.#isSeenStopped(unit, nowMs)) continue;
      for (const [point, value] of [
        [unit.run, 0],
        [unit.setpoint, 0],
      ])
        if (!result.writes.some((write) => write.point === point && write.value === value))
          this.#tell(`no ${value} to ${point} of a tripped ${unit.asset} at ${nowMs}`);
    }
  }

  /** Something goes out. */
  sent(write: WireWrite, nowMs: number): void {
    this.judged += 1;
    if (write.isProtective) this.protective += 1;
    const why = this.#whyNot(write, nowMs);
    if (why !== undefined)
      this.#tell(`${write.asset}/${write.point} = ${write.value} at ${nowMs}: ${why}`);
    this.#sent.set(write.point, { value: write.value, at: nowMs });
  }

  /** Something has arrived: what the devices hold now. */
  landed(truth: Float64Array): void {
    if (truth[PUMP_A] !== 0 && truth[PUMP_B] !== 0)
      this.#tell(`both pumps run: ${truth[PUMP_A] ?? 0} and ${truth[PUMP_B] ?? 0}`);
  }

  restarted(isTorn: boolean): void {
    this.#seen = noReadings();
    this.#inbox = noReadings();
    this.#openAt.clear();
    this.#sent.clear();
    for (const own of this.#powers) own.at = -Infinity;
    if (!isTorn) return;
    this.#isAllLatched = true;
    this.#pressed.fill(false);
    this.#stopped.fill(false);
    for (const asset of ALL_ASSETS) this.#lockedBy.set(asset, "(unreadable)");
  }

  #whyNot(write: WireWrite, nowMs: number): string | undefined {
    const limit = LIMITS.get(write.point);
    if (limit === undefined) return "it is read only";
    if (!(write.value >= limit.min && write.value <= limit.max)) return "out of range";
    const lock = this.#lockOf(limit.asset);
    if (lock === "full") return "somebody works on it";
    const unit = UNITS.findIndex(({ asset }) => asset === limit.asset);
    const isStop = write.value === 0 && write.isProtective;
    if (unit >= 0 && this.#isHeld(unit) && !isStop) return "it is tripped";
    if (write.isProtective) return isStop ? undefined : "protection writes zero and nothing else";
    if (lock === "perhaps") return "somebody may work on it";
    return (
      this.#tooFast(write, limit, nowMs) ??
      this.#tooSoon(write, limit, nowMs) ??
      this.#interlocked(limit, nowMs)
    );
  }

  #tooFast({ point, value }: WireWrite, limit: Limit, nowMs: number): string | undefined {
    if (limit.ramp === undefined) return undefined;
    const last = this.#sent.get(point);
    const from = last?.value ?? this.#freshAt(point, nowMs, limit.shownMaxAgeMs ?? 0);
    const power = this.#powers[UNITS.findIndex(({ setpoint }) => setpoint === point)];
    // A unit may always be told to go on with what it does, as it was last heard.
    const isHeard = power !== undefined && nowMs - power.at <= SILENT_MS;
    if (isHeard && Math.abs(value - power.powerW) <= STAY_W) return undefined;
    if (from === undefined) return "nobody knows what it holds";
    const sinceMs = last === undefined ? CREDIT_MS : Math.min(nowMs - last.at, CREDIT_MS);
    const stepW = (limit.ramp * sinceMs) / 1_000;
    return Math.abs(value - from) <= stepW * 1.000_001 + 1e-9 ? undefined : `too fast from ${from}`;
  }

  #tooSoon({ point, value }: WireWrite, limit: Limit, nowMs: number): string | undefined {
    const last = this.#sent.get(point);
    if (limit.intervalMs === undefined || last === undefined || last.value === value)
      return undefined;
    return nowMs - last.at >= limit.intervalMs ? undefined : `too soon after ${last.at}`;
  }

  #interlocked({ needs }: Limit, nowMs: number): string | undefined {
    if (needs === undefined) return undefined;
    const openAt = this.#openAt.get(needs.point) ?? -Infinity;
    return nowMs - openAt <= needs.ageMs ? undefined : "its interlock is not open";
  }

  #freshAt(point: number, nowMs: number, maxAgeMs: number): number | undefined {
    const { values, quality, at } = this.#seen;
    const isFresh = quality[point] === GOOD && nowMs - (at[point] ?? 0) <= maxAgeMs;
    return isFresh ? values[point] : undefined;
  }

  #isSeenStopped(unit: (typeof UNITS)[number], nowMs: number): boolean {
    const { values, quality } = this.#seen;
    const isOff = values[unit.state] === OFF && !isBadCode(quality[unit.state] ?? NEVER);
    return isOff && this.#freshAt(unit.setpoint, nowMs, 400) === 0;
  }

  #isPressed(alarms: number): boolean {
    const { values, quality } = this.#seen;
    return values[alarms] === PRESSED && !isBadCode(quality[alarms] ?? NEVER);
  }

  #isHeld(unit: number): boolean {
    const isPressed = this.#pressed[0] === true || (unit === 1 && this.#pressed[1] === true);
    return isPressed || this.#stopped[unit] === true || this.#isAllLatched;
  }

  /** A reset lifts what is known to be gone, at the moment of the cycle that answers. */
  #reset(): void {
    this.#isAllLatched = false;
    const { values, quality } = this.#seen;
    for (const [place, { alarms }] of UNITS.entries())
      if (quality[alarms] === GOOD && values[alarms] !== PRESSED) this.#pressed[place] = false;
  }

  #lockOf(asset: string): "full" | "perhaps" | "open" {
    const by = this.#lockedBy.get(asset);
    if (by === undefined) return "open";
    return by === "(unreadable)" ? "perhaps" : "full";
  }

  #each(asset: string, act: (unit: number) => void): void {
    for (const [place, unit] of UNITS.entries())
      if (asset === unit.asset || asset === "all" || asset === "battery") act(place);
  }

  #tell(what: string): void {
    this.escapes.push(`SIM_SEED=${this.#seed}: ${what}`);
  }
}

/** Switches that something needs, and what they show while they are open. */
const SWITCHES: readonly (readonly [point: number, open: number])[] = [...LIMITS.values()].flatMap(
  ({ needs }) => (needs === undefined ? [] : [[needs.point, needs.value] as const]),
);

/** Codes from here on are bad: such a value says nothing. A stale one still shows a cause. */
const FIRST_BAD = 64;

function isBadCode(quality: number): boolean {
  return quality >= FIRST_BAD;
}
