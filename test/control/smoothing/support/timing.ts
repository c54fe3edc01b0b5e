/** The chain from the load to the battery's answer, as the evidence table of the loop has it. */
export interface LoopTiming {
  readonly meterMs: number;
  readonly isMean: boolean;
  /** From the end of a meter's period until control has the value. */
  readonly readMs: number;
  readonly cycleMs: number;
  /** From the write to the converter's target. */
  readonly writeMs: number;
  readonly pcsTauMs: number;
  /** Whole delay, by name. */
  readonly delayMs: number;
}

export type LoopName = "d30" | "d95" | "d225" | "d300";

export const LOOPS: Readonly<Record<LoopName, LoopTiming>> = {
  d30: {
    meterMs: 20,
    isMean: false,
    readMs: 5,
    cycleMs: 20,
    writeMs: 5,
    pcsTauMs: 10,
    delayMs: 30,
  },
  d95: {
    meterMs: 50,
    isMean: false,
    readMs: 20,
    cycleMs: 50,
    writeMs: 20,
    pcsTauMs: 30,
    delayMs: 95,
  },
  d225: {
    meterMs: 100,
    isMean: true,
    readMs: 20,
    cycleMs: 50,
    writeMs: 30,
    pcsTauMs: 50,
    delayMs: 225,
  },
  d300: {
    meterMs: 100,
    isMean: true,
    readMs: 50,
    cycleMs: 100,
    writeMs: 50,
    pcsTauMs: 50,
    delayMs: 300,
  },
};

export const LOOP_NAMES = ["d30", "d95", "d225", "d300"] as const satisfies readonly LoopName[];
