import { assert } from "../../src/domain/assert.ts";

/** For what takes milliseconds on an idle machine: who sees this bound, sees a hang. */
const PATIENCE_MS = 15_000;

/**
 * Resolves as soon as `is` holds; throws what it waited for when it does not come to that. Real
 * sockets need real, but bounded, time; what a test's clock can move is not waited for like this.
 */
export async function until(
  is: () => boolean,
  what = "what was waited for",
  withinMs = PATIENCE_MS,
): Promise<void> {
  const startedAt = performance.now();
  while (!is()) {
    const isLate = performance.now() - startedAt > withinMs;
    assert(!isLate, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
