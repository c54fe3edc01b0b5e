import { type Clock, slept } from "../domain/time.ts";

/**
 * Does something once per period until `signal` aborts, for the first time one period from now.
 * Each time has its place on the clock; what could not be done in time is left out, never made up
 * for in a burst.
 */
export async function every(
  clock: Clock,
  periodMs: number,
  signal: AbortSignal,
  act: () => Promise<void> | void,
): Promise<void> {
  let due = clock.now() + periodMs;
  while (await slept(clock, Math.max(0, due - clock.now()), signal)) {
    await act();
    const missed = Math.max(0, Math.floor((clock.now() - due) / periodMs));
    due += (missed + 1) * periodMs;
  }
}
