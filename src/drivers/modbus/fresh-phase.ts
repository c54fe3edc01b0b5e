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
/** How far behind the new value reads stand: at first, and the bounds within which it is learned. */
const BACK_FIRST_MS = 2;
const BACK_LEAST_MS = 1;
const BACK_MOST_SHARE = 0.25;
const BACK_GROWTH = 1.5;
const BACK_DECAY = 0.9;
/**
 * The new value is met this often, in cycles: each time one read finds the value of before, and
 * what is believed of the drift is set right. Often at first, while the drift is not known.
 */
const MEET_FIRST = 50;
const MEET_MOST = 1_600;
/** Met sooner than after this share of it, the device is less regular than was thought. */
const TOO_SOON = 0.25;
/** Fastest drift that is followed, ms per cycle: 2,000 ppm of a cycle of 50 ms. */
const RATE_MAX_MS = 0.1;
/** After a rhythm was lost it is looked for again, cycles. */
const REST = 6_000;

/**
 * Learns when a device renews its values, from nothing but whether each read found something new,
 * and says where the reads should be: just behind. A meter that renews once in 50 ms and is read at
 * any other moment adds up to 50 ms to every answer.
 *
 * Reads that drift slowly towards the renewal and beyond find, once, what they found before. That
 * tells its place; from there they go back by a margin, and drift again at such a rate that it
 * happens rarely. The rate holds the drift between the two clocks.
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
  /** How much earlier reads begin with each cycle, ms. */
  #rateMs = 0;
  #sinceMet = 0;
  #meetEvery = MEET_FIRST;

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
      this.#meetEvery = MEET_FIRST;
      this.#goBack(0);
      return;
    }
    this.#shiftMs -= SEARCH_STEP_MS;
    this.#searchedMs += SEARCH_STEP_MS;
    if (this.#searchedMs > SEARCH_SPARE * this.#cycleMs) this.#beginAnew(REST);
  }

  #follow(isFresh: boolean, gap: number): void {
    this.#sinceMet += 1;
    if (!isFresh && gap > this.#rhythm + 1) {
      // Not a read that was early: nothing changes any more.
      if (gap > this.#rhythm * 2 + 1) this.#beginAnew(REST);
      return;
    }
    if (!isFresh && gap === this.#rhythm) this.#meet();
    else if (this.#sinceMet >= 2 * this.#meetEvery) this.#hurry();
    this.#shiftMs -= this.#rateMs;
  }

  /** The new value came after the read: now the drift of the two clocks is known better. */
  #meet(): void {
    const driftMs = this.#rateMs - this.#backMs / this.#sinceMet;
    const isTooSoon = this.#sinceMet < TOO_SOON * this.#meetEvery;
    this.#backMs *= isTooSoon ? BACK_GROWTH : BACK_DECAY;
    this.#backMs = Math.max(this.#backMs, BACK_LEAST_MS);
    this.#meetEvery = isTooSoon
      ? Math.max(MEET_FIRST, this.#meetEvery / 2)
      : Math.min(MEET_MOST, this.#meetEvery * 2);
    this.#goBack(driftMs);
    if (this.#backMs > BACK_MOST_SHARE * this.#cycleMs) this.#beginAnew(REST);
  }

  /** Reads begin later by the margin, and then so that they meet the new value again in time. */
  #goBack(driftMs: number): void {
    this.#sinceMet = 0;
    this.#shiftMs += this.#backMs;
    this.#setRate(driftMs + this.#backMs / this.#meetEvery);
  }

  /** It was not met for long: it may drift away, and reads grow older. */
  #hurry(): void {
    this.#meetEvery = Math.max(MEET_FIRST, this.#meetEvery / 2);
    this.#sinceMet = 0;
    this.#setRate(this.#rateMs + this.#backMs / this.#meetEvery);
  }

  #setRate(rateMs: number): void {
    this.#rateMs = Math.min(Math.max(rateMs, -RATE_MAX_MS), RATE_MAX_MS);
  }

  #beginAnew(rest: number): void {
    this.#state = "observing";
    this.#gaps.fill(0);
    this.#observed = 0;
    this.#rest = rest;
  }
}
