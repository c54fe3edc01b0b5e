import type { SimulatedDevice } from "../../src/simulator/device.ts";

/**
 * Judges control by what really happened: the bytes that reached the batteries, and the plant's own
 * truth. It knows the site's limits and the batteries' register map from their documents, and
 * nothing of how control works.
 */

export const MW = 1e6;

/** What the site file says, said again. */
export interface SiteLimits {
  readonly isSmoothed: boolean;
  readonly capW: number;
  readonly rampWPerS: number;
  readonly ratingW: number;
  readonly reserve: number;
}

/** The plant at one moment. */
export interface Truth {
  readonly gridW: number;
  readonly units: readonly {
    readonly powerW: number;
    readonly soc: number;
    readonly isRunning: boolean;
    readonly isReverting: boolean;
  }[];
}

/** SunSpec 701, 704, 713 and 715 of the batteries, by hand; exponents: W 3. */
const ALARM_AT = 40_076;
const EMERGENCY_STOP = 1 << 6;
const NO_BITS = 0xffff_ffff;
const POWER_AT = 40_080;
const NO_POWER = 0x8000;
const SETPOINT_AT = 40_301;
const SETPOINT_UNIT_W = 1_000;
/** Everything of model 704 that belongs to the setpoint: its mode, its enabling, its reversion. */
const SETPOINT_BLOCK = { first: 40_299, last: 40_310 } as const;
const HEARTBEAT_AT = 40_403;
const HEARTBEAT_WORDS = 2;
const ALARM_RESET_AT = 40_405;
const RUN_AT = 40_406;

/** Cause of a stop that a person at the box asked for. */
const STOPPED_BY_A_PERSON = "operator-stop";

const SAMPLE_MS = 50;
const HISTORY_MS = 12_000;
const KEPT = HISTORY_MS / SAMPLE_MS;
/** A cycle, and what the write takes to the wire. */
const REACTION_MS = 60;
/** What was on its way to a device that did not answer goes first. */
const STUCK_LINK_MS = 1_500;
/** What is said to a unit that was just heard is the first word. */
const FIRST_WORD_MS = 150;
/** What a lease asked is over so long behind its end: converters follow. */
const LEASE_END_MS = 1_000;
const RAMP_WINDOW_MS = 1_000;
const TOLERANCE_W = 0.4 * MW;
/** A meter is read again so long after its trouble. */
const BLIND_MS = 2_000;
/** The slowest iteration of the load, with the time until its end is noticed. */
const ITERATION_MS = 1_500;
const SURPRISE_MS = 300;
/** Longest time without a true answer that is not yet silence. */
const GAP_MS = 350;
const REVERSION_MS = 3_000;

interface UnitWatch {
  readonly id: string;
  readonly device: SimulatedDevice;
  /** On the wire; NaN: none since control began. */
  setpointW: number;
  /** When it was first seen to be stopped by its emergency stop, by somebody at the box … */
  trippedAt: number | undefined;
  stoppedAt: number | undefined;
  lockedAt: number | undefined;
  /** When control began without knowing what was stopped: then everything is. */
  forgottenAt: number | undefined;
  isHeld: boolean;
  /** What its alarm word last said of its emergency stop. */
  isPressed: boolean;
  /** Last true answer, and the end of the last pause between two. */
  heardAt: number;
  gapAt: number;
  troubledAt: number;
  reversions: number;
  belowReserveMs: number;
}

/** Kept in a ring: a sample each 50 ms. */
class History {
  readonly #values = new Float64Array(KEPT);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count % KEPT] = value;
    this.#count += 1;
  }

  ago(ms: number): number {
    const back = Math.round(ms / SAMPLE_MS) + 1;
    return back > this.#count
      ? Number.NaN
      : (this.#values[(this.#count - back) % KEPT] ?? Number.NaN);
  }

  highest(ms: number): number {
    let high = -Infinity;
    for (let at = 0; at <= ms && !Number.isNaN(this.ago(at)); at += SAMPLE_MS)
      high = Math.max(high, this.ago(at));
    return high;
  }

  spread(ms: number): number {
    let low = Infinity;
    let high = -Infinity;
    for (let at = 0; at <= ms && !Number.isNaN(this.ago(at)); at += SAMPLE_MS) {
      low = Math.min(low, this.ago(at));
      high = Math.max(high, this.ago(at));
    }
    return high - low;
  }
}

export class Oracle {
  /** What was unsafe, in words. */
  readonly violations: string[] = [];
  /** How often each rule looked at something that it could have found wrong. */
  readonly looked = new Map<string, number>();
  readonly #limits: SiteLimits;
  readonly #units: readonly UnitWatch[];
  readonly #load = new History();
  readonly #grid = new History();
  readonly #battery = new History();
  /** What units have just taken over from each other, W. */
  readonly #exchange = new History();
  readonly #powers: readonly History[];
  readonly #meters = new Map<string, number>();
  #now = 0;
  #truth: Truth | undefined;
  #controlSince: number | undefined;
  #leasesEndAt = -Infinity;
  #instructedUntil = -Infinity;
  /** At its first start nothing runs, and what the cap asks is there at once. */
  #disturbedAt = 0;
  #asked = 0;

  constructor(limits: SiteLimits, units: readonly (readonly [string, SimulatedDevice])[]) {
    this.#limits = limits;
    this.#units = units.map(([id, device]) => ({
      id,
      device,
      setpointW: Number.NaN,
      trippedAt: undefined,
      stoppedAt: undefined,
      lockedAt: undefined,
      forgottenAt: undefined,
      isHeld: false,
      isPressed: false,
      heardAt: -Infinity,
      gapAt: 0,
      troubledAt: -Infinity,
      reversions: 0,
      belowReserveMs: 0,
    }));
    this.#powers = units.map(() => new History());
  }

  /**
   * Control begins.
   * @param knows what its disk says of a unit: by which causes it is stopped, if by any, or nothing
   *   that can be read
   */
  controlBegins(now: number, knows: (unit: string) => readonly string[] | "unreadable"): void {
    this.#controlSince = now;
    for (const unit of this.#units) {
      unit.setpointW = Number.NaN;
      const known = knows(unit.id);
      if (known === "unreadable") {
        unit.forgottenAt = now;
        // It is one with all the others that nobody knows of: a reset lifts it, and zero and STOP
        // go to what may have been locked out.
        unit.stoppedAt = undefined;
        unit.lockedAt = undefined;
        continue;
      }
      // What the disk did not take nobody was promised.
      if (!known.includes(STOPPED_BY_A_PERSON)) unit.stoppedAt = undefined;
      if (known.length > 0) continue;
      unit.forgottenAt = undefined;
      unit.trippedAt = undefined;
      unit.lockedAt = undefined;
    }
  }

  controlEnds(): void {
    this.#asked = 0;
    this.#controlSince = undefined;
    this.#leasesEndAt = -Infinity;
    this.#instructedUntil = -Infinity;
  }

  /**
   * A command was given to control; what it asks ends then at the latest.
   * @param isInstruction of the grid: it goes before the site's own cap
   */
  commanded(endsAt: number, isInstruction = false): void {
    this.#leasesEndAt = Math.max(this.#leasesEndAt, endsAt);
    if (isInstruction) this.#instructedUntil = Math.max(this.#instructedUntil, endsAt);
  }

  /** A person at the box asks for something that lets units go: it may happen from now on. */
  asks(): void {
    this.#asked += 1;
  }

  answers(): void {
    this.#asked -= 1;
  }

  /** What a person at the box asked is done; of a reset, what could be done of it. */
  ordered(kind: string, asset: string, now: number): void {
    for (const unit of this.#units) {
      if (asset !== unit.id && asset !== "all" && asset !== "battery") continue;
      if (kind === "stop") unit.stoppedAt ??= now;
      if (kind === "release") unit.stoppedAt = undefined;
      if (kind === "hold") unit.isHeld = true;
      if (kind === "release") unit.isHeld = false;
      if (kind === "reset" && !unit.isPressed) unit.trippedAt = undefined;
      if (kind === "reset") unit.forgottenAt = undefined;
      if (kind === "lockout") unit.lockedAt ??= now;
      if (kind === "unlock") unit.lockedAt = undefined;
    }
  }

  /** Something is wrong on the way to a device, or in it. */
  troubled(device: string, now: number): void {
    const unit = this.#units.find(({ id }) => id === device);
    if (unit === undefined) this.#meters.set(device, now);
    else unit.troubledAt = now;
  }

  /** A true answer of a device has arrived. */
  answered(device: string, request: Uint8Array, reply: Uint8Array, now: number): void {
    const unit = this.#units.find(({ id }) => id === device);
    if (unit === undefined || request[7] !== 3) return;
    const first = wordAt(request, 8);
    const count = wordAt(request, 10);
    if (first > ALARM_AT || first + count < POWER_AT + 1 || reply[7] !== 3) return;
    const at = 9 + 2 * (ALARM_AT - first);
    const bits = ((wordAt(reply, at) << 16) | wordAt(reply, at + 2)) >>> 0;
    // The device says that it has no alarm word, or that it does not know its power.
    if (bits === NO_BITS || wordAt(reply, 9 + 2 * (POWER_AT - first)) === NO_POWER) return;
    const isFirst = now - unit.heardAt > GAP_MS;
    if (isFirst) unit.gapAt = now;
    unit.heardAt = now;
    const wasPressed = unit.isPressed;
    unit.isPressed = (bits & EMERGENCY_STOP) !== 0;
    // One alone may belong to a round whose other answers were lost: nothing of that is believed.
    const isShown = unit.isPressed && wasPressed && !isFirst;
    if (isShown && this.#controlSince !== undefined) unit.trippedAt ??= now;
  }

  /** A request has reached a device. */
  reached(device: string, frame: Uint8Array, now: number): void {
    const code = frame[7] ?? 0;
    if (code <= 4) return;
    const unit = this.#units.find(({ id }) => id === device);
    if (unit === undefined) {
      this.#wrong("stranger", now, `a write to ${device}, which nobody may write to`);
      return;
    }
    const first = wordAt(frame, 8);
    const words: number[] = [];
    if (code === 6) words.push(wordAt(frame, 10));
    else for (let at = 13; at + 1 < frame.length; at += 2) words.push(wordAt(frame, at));
    this.#judgeWords(unit, first, words, now);
  }

  /** Whether the grid gives no more than the cap, or all that the batteries have is given. */
  get isCapKept(): boolean {
    const { capW, ratingW } = this.#limits;
    const mostW = 2 * ratingW - MW;
    return this.#grid.ago(0) <= capW + TOLERANCE_W || this.#battery.ago(0) >= mostW;
  }

  /** What the plant really does; called each 50 ms. */
  look(truth: Truth, now: number): void {
    this.#now = now;
    this.#truth = truth;
    const batteryW = truth.units.reduce((sum, { powerW }) => sum + powerW, 0);
    this.#load.add(truth.gridW + batteryW);
    this.#grid.add(truth.gridW);
    this.#battery.add(batteryW);
    let exchangeW = -Math.abs(batteryW - this.#battery.ago(SAMPLE_MS));
    for (const [place, { powerW }] of truth.units.entries()) {
      exchangeW += Math.abs(powerW - (this.#powers[place]?.ago(0) ?? Number.NaN));
      this.#powers[place]?.add(powerW);
    }
    this.#exchange.add(exchangeW / 2);
    this.#noteDisturbance(truth);
    this.#judgeRamp();
    this.#judgeCap();
    this.#judgeReserve(truth);
    this.#judgeReversions(truth);
  }

  #judgeWords(unit: UnitWatch, first: number, words: readonly number[], now: number): void {
    this.#count("address");
    const last = first + words.length - 1;
    const isKnown =
      (first >= SETPOINT_BLOCK.first && last <= SETPOINT_BLOCK.last) ||
      (words.length === HEARTBEAT_WORDS && first === HEARTBEAT_AT) ||
      (words.length === 1 && [RUN_AT, ALARM_RESET_AT].includes(first));
    if (!isKnown) this.#wrong("address", now, `${unit.id}: registers ${first} to ${last}`);
    const isLocked =
      unit.lockedAt !== undefined && now - unit.lockedAt > this.#reactionMs(unit, now);
    if (isLocked && this.#asked === 0) {
      this.#wrong("lockout", now, `${unit.id} is locked out and register ${first} is written`);
    }
    if (first === RUN_AT && words[0] !== 0) this.#judgeStart(unit, now);
    if (first <= SETPOINT_AT && last >= SETPOINT_AT + 1) {
      const at = SETPOINT_AT - first;
      const raw = ((words[at] ?? 0) * 0x1_0000 + (words[at + 1] ?? 0)) | 0;
      this.#judgeSetpoint(unit, raw * SETPOINT_UNIT_W, now);
    }
  }

  #isStopped(unit: UnitWatch, now: number): boolean {
    const { trippedAt = Infinity, stoppedAt = Infinity, forgottenAt = Infinity } = unit;
    const sinceAt = Math.min(trippedAt, stoppedAt, forgottenAt);
    if (this.#asked > 0) return false;
    return now - sinceAt > this.#reactionMs(unit, now);
  }

  #reactionMs(unit: UnitWatch, now: number): number {
    const isStuck = now - unit.troubledAt < STUCK_LINK_MS;
    return REACTION_MS + (isStuck ? STUCK_LINK_MS : 0);
  }

  #judgeStart(unit: UnitWatch, now: number): void {
    this.#count("start");
    if (this.#isStopped(unit, now))
      this.#wrong("start", now, `${unit.id} is started while it is stopped`);
  }

  #judgeSetpoint(unit: UnitWatch, valueW: number, now: number): void {
    this.#count("rating");
    if (!(Math.abs(valueW) <= this.#limits.ratingW))
      this.#wrong("rating", now, `${unit.id} is asked for ${megawatts(valueW)}`);
    if (this.#isStopped(unit, now)) {
      this.#count("stopped");
      if (valueW !== 0)
        this.#wrong("stopped", now, `${unit.id} is stopped and asked for ${megawatts(valueW)}`);
    }
    const place = this.#units.indexOf(unit);
    const history = this.#powers[place];
    const powerW = history?.ago(0) ?? Number.NaN;
    const movedW = history?.spread(400) ?? 0;
    const isFirst = Number.isNaN(unit.setpointW);
    const isRunning = this.#truth?.units[place]?.isRunning === true;
    const isJudged = isFirst && isRunning && valueW !== 0 && !this.#isStopped(unit, now);
    if (isJudged && this.#isJustHeard(unit, now)) {
      this.#count("first");
      if (Math.abs(valueW - powerW) > movedW + TOLERANCE_W)
        this.#wrong(
          "first",
          now,
          `${unit.id} gives ${megawatts(powerW)}, and the first word is ${megawatts(valueW)}`,
        );
    }
    if (!isFirst && this.#asksNothing()) {
      this.#count("lease");
      const mostW = Math.max(Math.abs(unit.setpointW), Math.abs(powerW) + movedW) + TOLERANCE_W;
      if (Math.abs(valueW) > mostW)
        this.#wrong(
          "lease",
          now,
          `${unit.id}, unasked: ${megawatts(unit.setpointW)} → ${megawatts(valueW)}`,
        );
    }
    unit.setpointW = valueW;
  }

  /**
   * Later, the levels may ask for anything; until then a first word that waits for the device to be
   * made ready is replaced by a newer one. What stands still there nobody can know to be another.
   */
  #isJustHeard(unit: UnitWatch, now: number): boolean {
    const heardSince = Math.max(unit.gapAt, this.#controlSince ?? 0);
    return unit.device.fault?.kind !== "frozen" && now - heardSince <= FIRST_WORD_MS;
  }

  /** True when neither a lease nor the cap asks for power, and has not for a while. */
  #asksNothing(): boolean {
    const { isSmoothed, capW } = this.#limits;
    if (isSmoothed || this.#now - this.#leasesEndAt < 1_000) return false;
    const highestW = this.#load.ago(0) + this.#load.spread(10_000);
    return highestW < capW - MW && this.#metersCleanFor(10_000);
  }

  #metersCleanFor(ms: number): boolean {
    return [...this.#meters.values()].every((at) => this.#now - at >= ms);
  }

  #noteDisturbance(truth: Truth): void {
    for (const [place, unit] of this.#units.entries()) {
      const own = truth.units[place];
      const isLost =
        own?.isRunning !== true ||
        own.isReverting ||
        unit.device.fault?.kind === "write-ignored" ||
        this.#now - unit.heardAt > GAP_MS ||
        unit.stoppedAt !== undefined ||
        unit.trippedAt !== undefined ||
        unit.forgottenAt !== undefined ||
        unit.lockedAt !== undefined;
      if (isLost) this.#disturbedAt = this.#now;
      if (unit.lockedAt !== undefined) this.#count("lockout");
    }
  }

  /**
   * What neither the load nor the loss of a unit explains is control's own doing, and goes at the
   * ramp: in the grid where the load is smoothed, in the batteries where they only keep a cap.
   */
  #judgeRamp(): void {
    const { isSmoothed, rampWPerS, capW } = this.#limits;
    if (this.#now - this.#disturbedAt < 5_000) return;
    const own = isSmoothed ? this.#grid : this.#battery;
    const movedW = Math.abs(own.ago(0) - own.ago(RAMP_WINDOW_MS));
    if (Number.isNaN(movedW)) return;
    const isCapQuiet = this.#load.ago(0) + this.#load.spread(10_000) < capW;
    // What is above the cap is taken back at once.
    const overW = Math.max(0, this.#grid.highest(RAMP_WINDOW_MS) - capW);
    const loadW = this.#load.spread(10_000) + (isSmoothed ? this.#newReferenceW() : 0);
    const explainedW = isSmoothed || !isCapQuiet ? loadW + overW : 0;
    // Of two units that take over from each other one is read before the other.
    const exchangedW = isSmoothed ? Math.max(0, this.#exchange.highest(RAMP_WINDOW_MS)) : 0;
    const ownW = (rampWPerS * RAMP_WINDOW_MS) / 1_000;
    const allowedW = ownW + explainedW + exchangedW + TOLERANCE_W;
    this.#count("ramp");
    if (movedW > allowedW)
      this.#wrong(
        "ramp",
        this.#now,
        `${megawatts(movedW)} in a second, ${megawatts(allowedW)} allowed`,
      );
  }

  /**
   * Control that starts, or sees again, takes what the grid gives for its reference: another place
   * in the swing of the load than before. And an edge that it could not know goes to the grid on
   * top of that.
   */
  #newReferenceW(): number {
    const sinceMs = this.#now - (this.#controlSince ?? this.#now);
    const isNew = sinceMs < RAMP_WINDOW_MS || !this.#metersCleanFor(BLIND_MS + RAMP_WINDOW_MS);
    return isNew ? this.#load.spread(10_000) : this.#missedEdgeW();
  }

  /**
   * A load that iterates and then stands still does not do what it was known to do: an edge that is
   * expected, and does not come, is answered until that is noticed.
   */
  #missedEdgeW(): number {
    const isStanding = this.#load.spread(SURPRISE_MS) < MW;
    return isStanding ? this.#load.spread(ITERATION_MS) : 0;
  }

  #judgeCap(): void {
    const { capW, ratingW } = this.#limits;
    const calmMs = 4_000;
    if (this.#now < this.#instructedUntil + LEASE_END_MS) return;
    // A meter is heard again some time after its trouble, and the way back from there takes two.
    if (this.#now - this.#disturbedAt < calmMs || !this.#metersCleanFor(calmMs + 2_000)) return;
    if (this.#controlSince === undefined || this.#now - this.#controlSince < calmMs) return;
    if (this.#units.some((unit) => unit.isHeld || this.#now - unit.troubledAt < calmMs)) return;
    const loadW = this.#load.ago(0);
    const canBeKept = loadW - capW < 2 * ratingW - MW;
    const isCharged = this.#truth?.units.every(({ soc }) => soc > this.#limits.reserve + 0.03);
    if (!canBeKept || isCharged !== true || this.#load.spread(3_000) > MW) return;
    this.#count("cap");
    const gridW = this.#grid.ago(0);
    if (gridW > capW + TOLERANCE_W)
      this.#wrong(
        "cap",
        this.#now,
        `${megawatts(gridW)} from the grid at a load of ${megawatts(loadW)}`,
      );
  }

  #judgeReserve(truth: Truth): void {
    for (const [place, unit] of this.#units.entries()) {
      const { soc, powerW } = truth.units[place] ?? { soc: 1, powerW: 0 };
      const isHeard =
        this.#controlSince !== undefined &&
        this.#now - this.#controlSince > 1_000 &&
        this.#now - unit.gapAt > 1_000 &&
        this.#now - unit.heardAt < GAP_MS &&
        unit.device.fault === undefined;
      if (soc < this.#limits.reserve + 0.005) this.#count("reserve");
      if (soc >= this.#limits.reserve - 0.001 || !isHeard) {
        unit.belowReserveMs = 0;
        continue;
      }
      unit.belowReserveMs = powerW > 0.2 * MW ? unit.belowReserveMs + SAMPLE_MS : 0;
      if (unit.belowReserveMs > 1_000)
        this.#wrong(
          "reserve",
          this.#now,
          `${unit.id} gives ${megawatts(powerW)} at ${(100 * soc).toFixed(2)} %`,
        );
    }
  }

  /** What control holds does not go back by itself while everything gets through. */
  #judgeReversions(truth: Truth): void {
    for (const [place, unit] of this.#units.entries()) {
      const { reversions } = unit.device.counters;
      const isNew = reversions > unit.reversions;
      unit.reversions = reversions;
      const calmMs = REVERSION_MS + 500;
      const isHeld =
        this.#controlSince !== undefined &&
        this.#now - this.#controlSince > calmMs &&
        this.#now - unit.heardAt < GAP_MS &&
        this.#now - unit.gapAt > calmMs &&
        this.#now - unit.troubledAt > calmMs &&
        unit.lockedAt === undefined &&
        truth.units[place]?.isRunning === true;
      if (!isHeld) continue;
      this.#count("reversion");
      if (isNew) this.#wrong("reversion", this.#now, `${unit.id} was let go`);
    }
  }

  #count(rule: string): void {
    this.looked.set(rule, (this.looked.get(rule) ?? 0) + 1);
  }

  #wrong(rule: string, now: number, text: string): void {
    this.violations.push(`${rule} at ${(now / 1_000).toFixed(3)} s: ${text}`);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function megawatts(powerW: number): string {
  return `${(powerW / MW).toFixed(3)} MW`;
}
