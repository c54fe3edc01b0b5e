export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * How long to wait before attempt `attempt` + 1, ms: doubling up to the longest, of which the upper
 * half is random, so that several who lost the same peer do not come back together.
 */
export function backoffMs(limits: Backoff, attempt: number, random: () => number): number {
  const fullMs = Math.min(limits.longestMs, limits.firstMs * 2 ** attempt);
  return (fullMs / 2) * (1 + random());
}
