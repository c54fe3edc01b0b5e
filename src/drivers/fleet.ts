import { setMaxListeners } from "node:events";
import type { DeviceDefinition, PointDefinition } from "../domain/point.ts";
import type { Driver } from "./driver.ts";
import { superviseDevice, type SupervisorContext, type SupervisorLimits } from "./supervisor.ts";

/** Devices begin within this time of one another, however slowly they are polled. */
const START_SPREAD_MAX_MS = 2_000;
/**
 * Phases are multiples of this: devices that are due together are asked in one turn, and their
 * rounds share a frame, a commit and a write to the broker. What a narrow round costs is mostly
 * waking up for it.
 */
const PHASE_GRID_MS = 50;

export interface FleetMember {
  readonly device: DeviceDefinition;
  readonly points: readonly PointDefinition[];
  readonly limits: SupervisorLimits;
  /** Shortest poll period of the device, ms. */
  readonly periodMs: number;
  /** @param phaseMs shift of its polls against those of the other members */
  readonly makeDriver: (phaseMs: number) => Driver;
}

/**
 * Supervises many devices. Those with the same period are spread evenly over it, so that the
 * process has a steady load instead of a burst every second.
 *
 * Resolves when `signal` has aborted and every driver has released what it holds. Rejects only on
 * our own bugs; then all devices are stopped.
 */
export async function superviseFleet(
  members: readonly FleetMember[],
  context: SupervisorContext,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  // Every device listens; that is no leak.
  setMaxListeners(0, stop.signal);
  const abort = () => {
    stop.abort(signal.reason);
  };
  if (signal.aborted) return;
  signal.addEventListener("abort", abort, { once: true });
  const phases = staggeredPhases(members.map(({ periodMs }) => periodMs));
  const runs = members.map(async (member, index) =>
    superviseMember(member, phases[index] ?? 0, context, stop.signal).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const ends = await Promise.allSettled(runs);
  signal.removeEventListener("abort", abort);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Phases that spread the devices of each period evenly over it, on the grid. */
export function staggeredPhases(periodsMs: readonly number[]): number[] {
  const total = new Map<number, number>();
  for (const periodMs of periodsMs) total.set(periodMs, (total.get(periodMs) ?? 0) + 1);
  const given = new Map<number, number>();
  return periodsMs.map((periodMs) => {
    const index = given.get(periodMs) ?? 0;
    given.set(periodMs, index + 1);
    const evenMs = (index / (total.get(periodMs) ?? 1)) * periodMs;
    return Math.floor(evenMs / PHASE_GRID_MS) * PHASE_GRID_MS;
  });
}

async function superviseMember(
  member: FleetMember,
  phaseMs: number,
  context: SupervisorContext,
  signal: AbortSignal,
): Promise<void> {
  const { device, points, limits } = member;
  const driver = member.makeDriver(phaseMs);
  try {
    await context.clock.sleep(Math.min(phaseMs, START_SPREAD_MAX_MS), signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  await superviseDevice({ ...context, driver, device, points, limits }, signal);
}
