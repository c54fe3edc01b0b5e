import { assert } from "../../domain/assert.ts";
import type { ReadCost } from "./planner.ts";

/** Durations kept for percentiles, and how often they are sorted. */
const WINDOW = 256;
const SORT_EVERY = 32;

/** The last 256 durations, for their median and 99th percentile. */
export class DurationWindow {
  readonly #durations = new Float64Array(WINDOW);
  #count = 0;
  #sorted = new Float64Array(0);
  #sortedAt = -SORT_EVERY;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#durations[this.#count % WINDOW] = ms;
    this.#count += 1;
  }

  /** Undefined before the first duration; up to 32 durations old. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    if (this.#count - this.#sortedAt >= SORT_EVERY || this.#count < SORT_EVERY) {
      this.#sorted = this.#durations.slice(0, Math.min(this.#count, WINDOW)).sort();
      this.#sortedAt = this.#count;
    }
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(this.#sorted.length * share))];
  }
}

/** Each reply makes the ones before it count this much less: memory of some 200 replies. */
const DECAY = 0.995;
/** How much the first guess weighs, in replies. */
const PRIOR_WEIGHT = 4;
const PRIOR_SPREAD = 60;
/** However fast the link, a request costs both ends something that its round trip does not show. */
const REQUEST_MIN_MS = 1;
const REQUEST_MAX_MS = 2_000;
/** On the slowest bus a request costs as much as some ten registers; what says less is noise. */
const REQUEST_REGISTERS_MIN = 5;

/**
 * Learns what a request costs from its replies: a straight line through (registers, ms), old
 * replies forgotten.
 */
export class CostModel {
  #weight = 0;
  #registers = 0;
  #ms = 0;
  #registersSquared = 0;
  #registersTimesMs = 0;

  constructor(prior: ReadCost) {
    assert(prior.requestMs > 0 && prior.registerMs >= 0, "requests take time");
    for (const registers of [1, 1 + PRIOR_SPREAD]) {
      this.#add(registers, prior.requestMs + registers * prior.registerMs, PRIOR_WEIGHT / 2);
    }
  }

  add(registers: number, ms: number): void {
    this.#weight *= DECAY;
    this.#registers *= DECAY;
    this.#ms *= DECAY;
    this.#registersSquared *= DECAY;
    this.#registersTimesMs *= DECAY;
    this.#add(registers, ms, 1);
  }

  cost(): ReadCost {
    const meanRegisters = this.#registers / this.#weight;
    const meanMs = this.#ms / this.#weight;
    const variance = this.#registersSquared / this.#weight - meanRegisters ** 2;
    const covariance = this.#registersTimesMs / this.#weight - meanRegisters * meanMs;
    const slope = variance > 1 ? covariance / variance : 0;
    const fixedMs = meanMs - Math.max(slope, 0) * meanRegisters;
    const requestMs = Math.min(Math.max(fixedMs, REQUEST_MIN_MS), REQUEST_MAX_MS);
    const registerMs = Math.min(Math.max(slope, 0), requestMs / REQUEST_REGISTERS_MIN);
    return { requestMs, registerMs };
  }

  #add(registers: number, ms: number, weight: number): void {
    this.#weight += weight;
    this.#registers += weight * registers;
    this.#ms += weight * ms;
    this.#registersSquared += weight * registers * registers;
    this.#registersTimesMs += weight * registers * ms;
  }
}
