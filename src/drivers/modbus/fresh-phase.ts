/** What is known of when a device has a new value. */
export type PhaseState =
  /** Whether its values change in a fixed rhythm of cycles is not yet known. */
  | "observing"
  /** Reads begin a little earlier each cycle, until one comes just before the new value. */
  | "searching"
  /** Reads begin just after the new value, wherever that drifts. */
  | "locked";

/** Rounds from which the rhythm is taken, and how many of them must keep it. */
const OBSERVED = 64;
const RHYTHM_SHARE = 0.9;
/** Longest rhythm, in cycles. */
const RHYTHM_MAX = 8;
/** How fast reads move while they search, ms per cycle. */
const SEARCH_STEP_MS = 0.5;
/** A search that went this much further than a cycle has found that there is nothing to find. */
const SEARCH_SPARE = 1.2;
/** How far behind the new value reads stand: at first, and between which bounds it is learned. */
const BACK_FIRST_MS = 2;
const BACK_LEAST_MS = 1;
const BACK_MOST_SHARE = 0.25;
const BACK_GROWTH = 1.5;
const BACK_DECAY = 0.95;
/** Met again within so many cycles, the device is less regular than was thought. */
const TOO_SOON = 10;
/** Cycles until the new value is met again: to confirm where it is … */
const CONFIRM_EVERY = 50;
/** … and to follow it, first and at most. */
const FOLLOW_FIRST = 100;
const FOLLOW_MOST = 1_600;
/** Not met within so many times that, it is not where it was believed to be. */
const OVERDUE = 2;
/** How much a meeting says of the drift, once it is known. */
const TRUST = 0.5;
/** Fastest drift that is followed, ms per cycle: 2,000 ppm of a cycle of 50 ms. */
const DRIFT_MAX_MS = 0.1;
/** After a rhythm was lost it is looked for again, cycles. */
const REST = 6_000;

/**
 * Learns when a device renews its values, from nothing but whether each read found something new,
 * and says where the reads should be: just behind. A meter that renews once in 50 ms and is read at
 * any other moment adds up to 50 ms to every answer.
 *
 * Reads that move slowly towards the renewal and beyond find, once, what they found before. That
 * tells its place, if it happens there a second time: a new value may equal the old one by chance.
 * Then they stand back by a margin, and come so slowly that it happens rarely; from one such place
 * to the next the drift between the two clocks is known.
 *
 * A device that renews faster than it is read, or without any rhythm, is left alone.
 */
export class FreshPhase {
  readonly #cycleMs: number;
  #state: PhaseState = "observing";
  /** By cycles between two new values; the last place: anything longer. */
  readonly #gaps = new Uint16Array(RHYTHM_MAX + 2);
  #observed = 0;
  #rest = 0;
  /** Cycles from one new value to the next. */
  #rhythm = 1;
  #sinceFresh = 0;
  /** Where reads should be against where they were at first, ms; negative: earlier. */
  #shiftMs = 0;
  #searchedMs = 0;
  #backMs = BACK_FIRST_MS;
  /** By how much the new value comes earlier with each cycle, and reads begin earlier, ms. */
  #driftMs = 0;
  #rateMs = 0;
  /** The last place that was confirmed, as a shift, and the cycles since; NaN: none yet. */
  #edgeMs = Number.NaN;
  #sinceEdge = 0;
  #isConfirming = false;
  /** Where it was met last. */
  #signMs = 0;
  #sinceMet = 0;
  #followEvery = FOLLOW_FIRST;

  constructor(cycleMs: number) {
    this.#cycleMs = cycleMs;
  }

  get state(): PhaseState {
    return this.#state;
  }

  /** Margin behind the new value, ms; undefined where none is kept. */
  get marginMs(): number | undefined {
    return this.#state === "locked" ? this.#backMs : undefined;
  }

  /**
   * Notes one round, of which there is one in each cycle.
   *
   * @param isFresh the device had something new since the round before
   * @returns where reads should begin against where they began at first, ms
   */
  note(isFresh: boolean): number {
    this.#sinceFresh += 1;
    const gap = this.#sinceFresh;
    if (isFresh) this.#sinceFresh = 0;
    switch (this.#state) {
      case "observing":
        this.#observe(isFresh, gap);
        break;
      case "searching":
        this.#search(isFresh, gap);
        break;
      case "locked":
        this.#follow(isFresh, gap);
        break;
    }
    return this.#shiftMs;
  }

  /** Rounds were lost: what comes next says nothing of how long a value stood. */
  interrupt(): void {
    this.#sinceFresh = 0;
    if (this.#state !== "locked") this.#beginAnew(0);
  }

  #observe(isFresh: boolean, gap: number): void {
    if (this.#rest > 0) {
      this.#rest -= 1;
      return;
    }
    if (isFresh) {
      const place = Math.min(gap, RHYTHM_MAX + 1);
      this.#gaps[place] = (this.#gaps[place] ?? 0) + 1;
    }
    this.#observed += 1;
    if (this.#observed < OBSERVED) return;
    const rhythm = this.#gaps.indexOf(Math.max(...this.#gaps));
    const keeping = (this.#gaps[rhythm] ?? 0) * rhythm;
    if (rhythm < 1 || rhythm > RHYTHM_MAX || keeping < RHYTHM_SHARE * OBSERVED) {
      this.#beginAnew(REST);
      return;
    }
    this.#rhythm = rhythm;
    this.#searchedMs = 0;
    this.#state = "searching";
  }

  #search(isFresh: boolean, gap: number): void {
    if (!isFresh && gap === this.#rhythm) {
      this.#state = "locked";
      this.#backMs = BACK_FIRST_MS;
      this.#followEvery = FOLLOW_FIRST;
      this.#driftMs = 0;
      this.#edgeMs = Number.NaN;
      this.#standBack(true);
      return;
    }
    this.#shiftMs -= SEARCH_STEP_MS;
    this.#searchedMs += SEARCH_STEP_MS;
    if (this.#searchedMs > SEARCH_SPARE * this.#cycleMs) this.#beginAnew(REST);
  }

  #follow(isFresh: boolean, gap: number): void {
    this.#sinceMet += 1;
    this.#sinceEdge += 1;
    if (!isFresh && gap > this.#rhythm + 1) {
      // Not a read that was early: nothing changes any more.
      if (gap > this.#rhythm * 2 + 1) this.#beginAnew(REST);
      return;
    }
    const every = this.#isConfirming ? CONFIRM_EVERY : this.#followEvery;
    if (!isFresh && gap === this.#rhythm) this.#meet();
    else if (this.#sinceMet >= OVERDUE * every) this.#miss();
    this.#shiftMs -= this.#rateMs;
  }

  /** The new value came after the read, or it was the old one again. */
  #meet(): void {
    this.#backMs *= this.#sinceMet < TOO_SOON ? BACK_GROWTH : BACK_DECAY;
    this.#backMs = Math.max(this.#backMs, BACK_LEAST_MS);
    if (this.#backMs > BACK_MOST_SHARE * this.#cycleMs) {
      this.#beginAnew(REST);
      return;
    }
    if (this.#isConfirming) this.#learn();
    this.#standBack(!this.#isConfirming);
  }

  /** The new value is here: since the last such place it has drifted. */
  #learn(): void {
    const isFirst = Number.isNaN(this.#edgeMs);
    const seenMs = isFirst
      ? (this.#signMs - this.#shiftMs) / this.#sinceMet
      : (this.#edgeMs - this.#shiftMs) / this.#sinceEdge;
    this.#driftMs += (isFirst ? 1 : TRUST) * (seenMs - this.#driftMs);
    this.#driftMs = Math.min(Math.max(this.#driftMs, -DRIFT_MAX_MS), DRIFT_MAX_MS);
    this.#edgeMs = this.#shiftMs;
    this.#sinceEdge = 0;
    this.#followEvery = Math.min(FOLLOW_MOST, isFirst ? FOLLOW_FIRST : 2 * this.#followEvery);
  }

  /** Reads begin later by the margin, and come nearer again. */
  #standBack(isConfirming: boolean): void {
    this.#signMs = this.#shiftMs;
    this.#shiftMs += this.#backMs;
    this.#approach(isConfirming);
  }

  #approach(isConfirming: boolean): void {
    this.#isConfirming = isConfirming;
    this.#sinceMet = 0;
    const every = isConfirming ? CONFIRM_EVERY : this.#followEvery;
    this.#rateMs = this.#driftMs + this.#backMs / every;
  }

  #miss(): void {
    if (Number.isNaN(this.#edgeMs)) {
      // What the search found was the same value twice by chance.
      this.#state = "searching";
      return;
    }
    // Further away than was believed: reads come nearer until they meet it.
    this.#followEvery = Math.max(FOLLOW_FIRST, this.#followEvery / 2);
    this.#approach(true);
  }

  #beginAnew(rest: number): void {
    this.#state = "observing";
    this.#gaps.fill(0);
    this.#observed = 0;
    this.#rest = rest;
  }
}
