interface Branch {
  readonly aborts: Set<() => void>;
  readonly listener: () => void;
}

/**
 * One listener per signal, however many requests wait on it: a driver has one signal for all that
 * it asks, and hundreds of listeners on it would look like a leak.
 */
export class AbortFan {
  readonly #branches = new Map<AbortSignal, Branch>();

  add(signal: AbortSignal, abort: () => void): void {
    let branch = this.#branches.get(signal);
    if (branch === undefined) {
      const aborts = new Set<() => void>();
      branch = {
        aborts,
        listener: () => {
          for (const each of aborts) each();
        },
      };
      this.#branches.set(signal, branch);
      signal.addEventListener("abort", branch.listener);
    }
    branch.aborts.add(abort);
  }

  remove(signal: AbortSignal, abort: () => void): void {
    const branch = this.#branches.get(signal);
    if (branch?.aborts.delete(abort) !== true || branch.aborts.size > 0) return;
    signal.removeEventListener("abort", branch.listener);
    this.#branches.delete(signal);
  }
}
