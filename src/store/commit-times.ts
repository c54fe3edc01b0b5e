const KEPT = 512;

/** How long the last commits took and how often they come. */
export class CommitTimes {
  readonly #tookMs = new Float64Array(KEPT);
  readonly #endedAt = new Float64Array(KEPT);
  #count = 0;

  add(startedAt: number, endedAt: number): void {
    const at = this.#count % KEPT;
    this.#tookMs[at] = endedAt - startedAt;
    this.#endedAt[at] = endedAt;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** Over the last commits that are kept, at most the last minute; 0 before there are two. */
  perS(now: number): number {
    const kept = Math.min(this.#count, KEPT);
    let commits = 0;
    let oldest = now;
    for (let index = 0; index < kept; index += 1) {
      const endedAt = this.#endedAt[index] ?? now;
      if (now - endedAt > WINDOW_MS) continue;
      commits += 1;
      oldest = Math.min(oldest, endedAt);
    }
    // At least a second, so that two commits in a row are not a rate of thousands.
    return commits === 0 ? 0 : (commits * 1000) / Math.max(1000, now - oldest);
  }

  /** Of the durations of the last commits, ms; 0 before there is one. */
  quantileMs(share: number): number {
    const kept = this.#tookMs.slice(0, Math.min(this.#count, KEPT)).sort();
    return kept[Math.min(kept.length - 1, Math.floor(share * kept.length))] ?? 0;
  }
}

const WINDOW_MS = 60_000;
