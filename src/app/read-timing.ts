import type { StreamId } from "../domain/point.ts";
import type { PhaseState } from "../drivers/modbus/fresh-phase.ts";
import type { DeviceContext } from "./site-context.ts";

/** How the reads of one device stand to the control cycle; times in ms. */
export interface ReadTiming {
  readonly device: string;
  /** They begin this long before the cycle. */
  readonly leadMs: number;
  /** From when it was due to its end; undefined before the first round. */
  readonly roundP50Ms: number | undefined;
  readonly roundP99Ms: number | undefined;
  /** Rounds before a cycle, and how many of them ended after its beginning. */
  readonly rounds: number;
  readonly late: number;
  /** Of the device that cycles follow: whether they do. */
  readonly phase: PhaseState | undefined;
}

interface TimedDriver {
  readonly leadMs: number;
  readonly phase: PhaseState | undefined;
  readonly counters: {
    readonly alignedRounds: number;
    readonly lateRounds: number;
    readonly roundP50Ms: number | undefined;
    readonly roundP99Ms: number | undefined;
  };
}

interface SouthSide {
  readonly devices: readonly Pick<DeviceContext, "definition">[];
  driver(stream: StreamId): TimedDriver | undefined;
}

const MS_PER_S = 1_000;

/** Of every device that a process reads before its cycle. */
export function readTiming(south: SouthSide): readonly ReadTiming[] {
  return south.devices.flatMap(({ definition }) => {
    const driver = south.driver(definition.stream);
    if (driver === undefined || driver.leadMs === 0) return [];
    const { alignedRounds, lateRounds, roundP50Ms, roundP99Ms } = driver.counters;
    return {
      device: definition.id,
      leadMs: driver.leadMs,
      roundP50Ms,
      roundP99Ms,
      rounds: alignedRounds,
      late: lateRounds,
      phase: driver.phase,
    };
  });
}

/** For the gateway's own points; the lead is the longest, s. */
export function readFigures(south: SouthSide): {
  readonly "x-read-lead": number;
  readonly "x-reads-late": number;
  readonly "x-meter-locked": number;
} {
  const timing = readTiming(south);
  return {
    "x-read-lead": Math.max(0, ...timing.map(({ leadMs }) => leadMs)) / MS_PER_S,
    "x-reads-late": timing.reduce((sum, { late }) => sum + late, 0),
    "x-meter-locked": timing.some(({ phase }) => phase === "locked") ? 1 : 0,
  };
}
