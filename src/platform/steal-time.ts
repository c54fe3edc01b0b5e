import { closeSync, openSync, readSync } from "node:fs";

const STAT_FILE = "/proc/stat";
/** The lines of the first processors; more are not looked at. */
const READ_OCTETS = 4_096;
/** `USER_HZ` of Linux: the figures of `/proc/stat` are hundredths of a second. */
const MS_PER_TICK = 10;
/** user, nice, system, idle, iowait, irq, softirq, steal: proc(5), `/proc/stat`. */
const STEAL_FIELD = 8;

/** Ticks that the host kept from each processor, in the order of `/proc/stat`. Pure. */
export function stealTicks(stat: string): readonly number[] {
  const ticks: number[] = [];
  for (const line of stat.split("\n").slice(1)) {
    if (!line.startsWith("cpu")) break;
    const field = line.trim().split(/\s+/)[STEAL_FIELD];
    if (field === undefined) break;
    ticks.push(Number(field));
  }
  return ticks;
}

/**
 * How long the host of a virtual machine let its processors stand. A cycle that was late by no more
 * than that is the host's; on a machine of one's own it is 0 for ever.
 */
export class StealMeter {
  readonly #stat = Buffer.alloc(READ_OCTETS);
  #file: number | undefined;
  #before: readonly number[];

  constructor(file: string = STAT_FILE) {
    try {
      this.#file = openSync(file, "r");
    } catch {
      // No such file on this system: nothing is known to be stolen.
      this.#file = undefined;
    }
    this.#before = this.#ticks();
  }

  /** ms kept since the last call from the processor that lacked most; steps of 10 ms. */
  takenMs(): number {
    const now = this.#ticks();
    let most = 0;
    for (let cpu = 0; cpu < now.length; cpu++)
      most = Math.max(most, (now[cpu] ?? 0) - (this.#before[cpu] ?? 0));
    this.#before = now;
    return most * MS_PER_TICK;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #ticks(): readonly number[] {
    if (this.#file === undefined) return [];
    const octets = readSync(this.#file, this.#stat, 0, READ_OCTETS, 0);
    return stealTicks(this.#stat.toString("latin1", 0, octets));
  }
}
