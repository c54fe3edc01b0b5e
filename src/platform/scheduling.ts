import { isScheduledFifo, scheduleFifo } from "../../native/libc.ts";

/** Above every ordinary process, below the kernel's own real-time threads. */
const PRIORITY = 10;

/**
 * Puts all threads of this process before those of every other program, where the system allows it.
 * Under systemd the unit has done so already. Never MCL_FUTURE: locking memory ends V8.
 *
 * @returns `real-time`, or the name of the error by which the kernel refused
 */
export function runInRealTime(pid: number): string {
  if (isScheduledFifo(pid)) return "real-time";
  return scheduleFifo(pid, PRIORITY) ?? "real-time";
}
