import { assert } from "../domain/assert.ts";
import type { ImageView } from "../points/image.ts";
import type { ControlState } from "./state.ts";
import { type CycleTrace, readTrace, traceLength, writeTrace } from "./trace.ts";

/** Of the traces that are kept for questions: so long, and no more than so many bytes. */
export const TRACE_KEPT_MS = 10_000;
const TRACE_KEPT_BYTES = 8 * 1_024 * 1_024;
const BYTES_PER_NUMBER = 8;

/** The traces of the last seconds, in memory that is taken once. */
export class TraceMemory {
  readonly #slots: readonly Float64Array[];
  readonly #site: { readonly units: number; readonly assets: number };
  #newest = -1;
  #count = 0;

  constructor(state: ControlState) {
    const length = traceLength(state);
    const most = Math.max(1, Math.floor(TRACE_KEPT_BYTES / (length * BYTES_PER_NUMBER)));
    const wanted = Math.ceil(TRACE_KEPT_MS / state.plan.periodMs);
    this.#slots = Array.from({ length: Math.min(wanted, most) }, () => new Float64Array(length));
    this.#site = { units: state.units.length, assets: state.parts.length };
  }

  /** Keeps how a cycle came to its setpoints. Returns the numbers of it, until the next call. */
  keep(state: ControlState, view: ImageView): Float64Array {
    this.#newest = (this.#newest + 1) % this.#slots.length;
    this.#count = Math.min(this.#count + 1, this.#slots.length);
    const slot = this.#slots[this.#newest];
    assert(slot !== undefined, "a slot of the memory");
    return slot.subarray(0, writeTrace(state, view, slot));
  }

  /** The last cycle at or before an instant; undefined where it is not kept. */
  at(now: number): CycleTrace | undefined {
    for (let back = 0; back < this.#count; back += 1) {
      const slot = this.#slots[(this.#newest - back + this.#slots.length) % this.#slots.length];
      const at = slot?.[0];
      if (slot !== undefined && at !== undefined && at <= now) return readTrace(slot, this.#site);
    }
    return undefined;
  }
}
